import { assert, it } from "@effect/vitest"
import { Chunk, Effect, Layer, Stream } from "effect"
import type { DeadLetter } from "../../../src/domain/DeadLetter.js"
import type { LetterSummary } from "../../../src/domain/StoredLetter.js"
import { DeadLetters, type LetterFilter, type ReplayRequest } from "../../../src/layers/DeadLetters.js"
import { type Claim, Destination } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { layer as layerLetters } from "../../../src/layers/mysql/letters.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { lettersOf } from "../../../src/programs/dlq/letters.js"
import { describeOnEach } from "../../servers/index.js"
import { acquired, batch, ownDatabase, query } from "./support.js"
import { commitText, tcpProxy } from "./tcpProxy.js"

const open: LetterFilter = {
  ids: [],
  topics: [],
  code: undefined,
  sinceMs: undefined,
  untilMs: undefined,
  state: "open"
}

const letterAt = ({ group, partition, sourceId, topic }: Claim, offset: bigint): DeadLetter => ({
  topic,
  partition,
  group,
  sourceId,
  record: {
    offset,
    timestampMs: 1_700_000_000_123,
    key: null,
    value: Buffer.from([0, 255, 39, 92]),
    headers: [["trace", Buffer.from([1, 2])], ["trace", null], ["größe", Buffer.from("x")]]
  },
  schemaId: 7,
  error: { class: "rejected", code: 1406, message: "Data too long for column 'note'", column: "note" }
})

/** As many open letters, of the offsets from 0. */
const withLetters = (count: number) =>
  Effect.gen(function*() {
    const { write } = yield* Destination
    const { page } = yield* DeadLetters
    const claim = yield* acquired
    const offsets = Array.from({ length: count }, (_, index) => BigInt(index))
    const letters = offsets.map((offset) => letterAt(claim, offset))
    const written = yield* write({ claim, expected: 0n, next: BigInt(count), statements: [], letters })
    assert.strictEqual(written._tag, "Committed")
    return { claim, letters: yield* page(open, { after: 0n, upTo: 1_000_000n, limit: count }) }
  })

const first = (letters: ReadonlyArray<LetterSummary>): LetterSummary => letters[0] ?? assert.fail("no letter")

const rowOf = ({ offset, partition, sourceId }: LetterSummary, id: string = String(offset)): string =>
  `INSERT INTO orders (id, _source, _partition, _offset) VALUES (${id}, ${sourceId}, ${partition}, ${offset})`

const replayOf = (letter: LetterSummary, statement: string): ReplayRequest => ({
  letter,
  statements: [statement],
  row: undefined
})

const services = (config: MysqlConfig, lettersConfig = config) =>
  Layer.merge(layerMysql(config), layerLetters(lettersConfig))

/** `letters open, marked | rows` */
const counts = (admin: Parameters<typeof query>[0], table = "orders") =>
  query(
    admin,
    "SELECT CONCAT(COALESCE(SUM(replayed_at IS NULL), 0), ' open, ', COALESCE(SUM(replayed_at IS NOT NULL), 0),"
      + ` ' marked | ', (SELECT COUNT(*) FROM ${table})) AS state FROM dead_letters`
  )

const insert = (columns: string, values: string) =>
  `INSERT INTO orders (id, ${columns}, _source, _partition, _offset) VALUES (1, ${values}, 1, 0, 0)`

describeOnEach("dead letters", ({ address }) => {
  it.scopedLive("a replay writes the row and marks the letter, once; then it is not open any more", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { replay } = yield* DeadLetters
        const letter = first((yield* withLetters(1)).letters)
        const request = replayOf(letter, rowOf(letter))
        assert.strictEqual((yield* replay(request))._tag, "Replayed")
        assert.deepStrictEqual(yield* counts(admin), [{ state: "0 open, 1 marked | 1" }])
        assert.strictEqual((yield* replay(request))._tag, "NotOpen")
        assert.deepStrictEqual(yield* counts(admin), [{ state: "0 open, 1 marked | 1" }])
      }).pipe(Effect.provide(services(config)))
    }))

  it.scopedLive("two replays at once of a table that cannot tell repeats write each row once", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, "CREATE TABLE plain (id BIGINT)")
      const replays = (letters: ReadonlyArray<LetterSummary>) =>
        Effect.flatMap(
          DeadLetters,
          ({ replay }) =>
            Effect.forEach(letters, (letter) =>
              // A COMMIT may take longer than the other waits for the letter's lock.
              Effect.repeat(replay(replayOf(letter, `INSERT INTO plain VALUES (${letter.offset})`)), {
                while: (outcome) => outcome._tag === "RolledBack" && outcome.error.code === 1205,
                times: 5
              }))
        )
          .pipe(Effect.provide(layerLetters(config)))
      const { letters } = yield* Effect.provide(withLetters(30), services(config))
      const outcomes = yield* Effect.all([replays(letters), replays(letters)], { concurrency: 2 })
      assert.lengthOf(outcomes.flat().filter(({ _tag }) => _tag === "Replayed"), 30)
      assert.lengthOf(outcomes.flat().filter(({ _tag }) => _tag === "NotOpen"), 30)
      assert.deepStrictEqual(yield* counts(admin, "plain"), [{ state: "0 open, 30 marked | 30" }])
    }))

  it.scopedLive("a row that is refused, also by a mere warning, leaves its letter open; the new error and the attempt are kept", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { get, refused, replay } = yield* DeadLetters
        const letter = first((yield* withLetters(1)).letters)
        yield* query(admin, "ALTER TABLE orders ADD note VARCHAR(3) NULL, ADD price DECIMAL(5,2) NULL")
        const outcome = yield* replay(replayOf(letter, insert("note", "'long'")))
        if (outcome._tag !== "RolledBack") return assert.fail(outcome._tag)
        const { class: errorClass, code, column } = outcome.error
        assert.deepStrictEqual([errorClass, code, column], ["poison", 1406, "note"])
        const rounded = yield* replay(replayOf(letter, insert("price", "1.005")))
        assert.strictEqual(rounded._tag, "RolledBack")
        assert.deepStrictEqual(yield* counts(admin), [{ state: "1 open, 0 marked | 0" }])
        yield* refused(letter.id, { class: "rejected", code: 1264, message: "it's \\ too large", column: "price" })
        const after = yield* get(letter.id)
        assert.deepStrictEqual(after?.error, {
          class: "rejected",
          code: 1264,
          message: "it's \\ too large",
          column: "price"
        })
        assert.strictEqual(after?.attempts, 2)
      }).pipe(Effect.provide(services(config)))
    }))

  it.scopedLive("a record that is in the table already is marked, and not written again", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { replay } = yield* DeadLetters
        const { letters } = yield* withLetters(2)
        const letter = first(letters)
        yield* query(admin, rowOf(letter, "77"))
        assert.strictEqual((yield* replay(replayOf(letter, rowOf(letter))))._tag, "AlreadyThere")
        assert.deepStrictEqual(yield* counts(admin), [{ state: "1 open, 1 marked | 1" }])
        // Another unique index says nothing about this record.
        yield* query(admin, "ALTER TABLE orders ADD UNIQUE KEY ids (id)")
        const other = letters[1] ?? assert.fail("no second letter")
        assert.strictEqual((yield* replay(replayOf(other, rowOf(other, "77"))))._tag, "RolledBack")
        assert.deepStrictEqual(yield* counts(admin), [{ state: "1 open, 1 marked | 1" }])
      }).pipe(Effect.provide(services(config)))
    }))

  for (
    const [fault, outcome, state] of [
      ["cut-after", "Replayed", "0 open, 1 marked | 1"],
      ["cut-before", "RolledBack", "1 open, 0 marked | 0"]
    ] as const
  ) {
    it.scopedLive(`a lost answer to COMMIT (${fault}) is resolved by looking at the letter: ${outcome}`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        const proxy = yield* tcpProxy(config)
        yield* Effect.gen(function*() {
          const { replay } = yield* DeadLetters
          const letter = first((yield* withLetters(1)).letters)
          proxy.arm(commitText, fault)
          assert.strictEqual((yield* replay(replayOf(letter, rowOf(letter))))._tag, outcome)
          assert.isTrue(proxy.hasStruck())
          assert.deepStrictEqual(yield* counts(admin), [{ state }])
        }).pipe(Effect.provide(services(config, { ...config, host: "127.0.0.1", port: proxy.port })))
      }))
  }

  for (
    const { name, origin, outcome } of [
      { name: "a newer record of its partition", origin: [0, 0, 9], outcome: "Overtaken" },
      { name: "an older record of its partition", origin: [0, 0, -1], outcome: "Replayed" },
      { name: "another partition", origin: [0, 1, 9], outcome: "Replayed" },
      { name: "another source", origin: [1, 0, 9], outcome: "Replayed" },
      { name: "the record itself", origin: [0, 0, 0], outcome: "AlreadyThere" },
      { name: "nobody", origin: undefined, outcome: "Replayed" }
    ] as const
  ) {
    it.scopedLive(`an upsert whose row is of ${name}: ${outcome}`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* query(
          admin,
          "CREATE TABLE keyed (k VARCHAR(9) PRIMARY KEY, v INT, _source INT, _partition INT, _offset BIGINT)"
        )
        yield* Effect.gen(function*() {
          const { replay } = yield* DeadLetters
          const letter = first((yield* withLetters(1)).letters)
          if (origin !== undefined) {
            const [source, partition, offset] = origin
            yield* query(
              admin,
              `INSERT INTO keyed VALUES ('a', 1, ${letter.sourceId + source}, ${partition}, ${offset})`
            )
          }
          const statement = `INSERT INTO keyed VALUES ('a', 2, ${letter.sourceId}, 0, 0) ON DUPLICATE KEY UPDATE v = 2`
          const row = { table: "keyed", key: [["k", "'a'"]] } as const
          const { _tag } = yield* replay({ letter, statements: [statement], row })
          assert.strictEqual(_tag, outcome)
          const kept = outcome === "Replayed" ? 2 : 1
          assert.deepStrictEqual(yield* query(admin, "SELECT v FROM keyed"), [{ v: kept }])
          const state = outcome === "Overtaken" ? "1 open, 0 marked | 1" : "0 open, 1 marked | 1"
          assert.deepStrictEqual(yield* counts(admin, "keyed"), [{ state }])
        }).pipe(Effect.provide(services(config)))
      }))
  }

  it.scopedLive("a row whose table does not say whose it is, is not overwritten", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, "CREATE TABLE keyed (k VARCHAR(9) PRIMARY KEY)")
      yield* Effect.gen(function*() {
        const { replay } = yield* DeadLetters
        const letter = first((yield* withLetters(1)).letters)
        const row = { table: "keyed", key: [["k", "'a'"]] } as const
        const outcome = yield* replay({ letter, statements: ["INSERT INTO keyed VALUES ('a')"], row })
        assert.strictEqual(outcome._tag, "NoOrigin")
        assert.deepStrictEqual(yield* counts(admin, "keyed"), [{ state: "1 open, 0 marked | 0" }])
      }).pipe(Effect.provide(services(config)))
    }))

  it.scopedLive("letters are found by topic, error, time, id and state, page by page, and keep their records exactly", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { count, discard, get, page } = yield* DeadLetters
        assert.deepStrictEqual(yield* count(open), { letters: 0, last: 0n })
        const { claim, letters } = yield* withLetters(250)
        const { last } = yield* count(open)
        const found = (filter: Partial<LetterFilter>) =>
          Effect.map(count({ ...open, ...filter }), (counted) => counted.letters)
        yield* query(
          admin,
          "UPDATE dead_letters SET error_code = 0, created_at = '2020-01-01 00:00:00' WHERE `offset` < 10;"
            + " UPDATE dead_letters SET replayed_at = NOW(6) WHERE `offset` < 5"
        )
        assert.strictEqual(yield* found({}), 245)
        assert.strictEqual(yield* found({ state: "replayed" }), 5)
        assert.strictEqual(yield* found({ state: "all" }), 250)
        assert.strictEqual(yield* found({ topics: ["orders", "else"] }), 245)
        assert.strictEqual(yield* found({ topics: ["else"] }), 0)
        assert.strictEqual(yield* found({ code: 0 }), 5)
        assert.strictEqual(yield* found({ untilMs: Date.UTC(2020, 0, 1) }), 0)
        assert.strictEqual(yield* found({ untilMs: Date.UTC(2020, 0, 1) + 1 }), 5)
        assert.strictEqual(yield* found({ sinceMs: Date.UTC(2020, 0, 1) }), 245)
        assert.strictEqual(yield* found({ sinceMs: Date.UTC(2020, 0, 1) + 1 }), 240)
        const all = yield* Stream.runCollect(lettersOf({ ...open, state: "all" }, last))
        assert.deepStrictEqual(Chunk.toReadonlyArray(all).map(({ id }) => id), letters.map(({ id }) => id))
        const letter = first(letters)
        const { record } = (yield* get(letter.id)) ?? assert.fail("not there")
        assert.deepStrictEqual(
          { ...record, value: Buffer.from(record.value ?? []) },
          letterAt(claim, letter.offset).record
        )
        assert.strictEqual(yield* discard([letter.id, 999_999n]), 1)
        assert.isUndefined(yield* get(letter.id))
        assert.lengthOf(yield* page({ ...open, ids: [letter.id] }, { after: 0n, upTo: last, limit: 9 }), 0)
      }).pipe(Effect.provide(services(config)))
    }))

  it.scopedLive("while a pipeline writes on, its batches and replays do not stand in each other's way", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { replay } = yield* DeadLetters
        const { write } = yield* Destination
        const { claim, letters } = yield* withLetters(20)
        const batches = Effect.forEach([20n, 30n, 40n, 50n], (from) => write(batch(claim, from, from + 10n)))
        const replays = Effect.forEach(letters, (letter) => replay(replayOf(letter, rowOf(letter))))
        const [written, replayed] = yield* Effect.all([batches, replays], { concurrency: 2 })
        assert.isTrue(written.every(({ _tag }) => _tag === "Committed"))
        assert.isTrue(replayed.every(({ _tag }) => _tag === "Replayed"))
        assert.deepStrictEqual(yield* counts(admin), [{ state: "0 open, 20 marked | 60" }])
      }).pipe(Effect.provide(services(config)))
    }))
})

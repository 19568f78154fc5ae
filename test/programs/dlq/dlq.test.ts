import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { join } from "node:path"
import type { DeadLetter } from "../../../src/domain/DeadLetter.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import { layer as layerLibsql } from "../../../src/layers/embedded/LibsqlDestination.js"
import { layer as layerLetters } from "../../../src/layers/embedded/libsqlLetters.js"
import { Destination } from "../../../src/layers/Destination.js"
import { dlqCommand } from "../../../src/programs/dlq/dlq.js"
import type { Choice, DlqRequest } from "../../../src/programs/dlq/DlqRequest.js"
import { temporaryFolder } from "../../layers/embedded/temporaryFolder.js"
import { payment, registryState, testConfig, testLayer } from "../../support/pipeline.js"
import { captured } from "../captured.js"

const nothing: Choice = { ids: [], topics: [], code: undefined, since: undefined, until: undefined }
const byId = (...ids: ReadonlyArray<bigint>): Choice => ({ ...nothing, ids })
const replay = (choice: Choice, execute = true): DlqRequest => ({
  kind: "replay",
  options: { choice, all: true, execute, rate: undefined }
})

const letter = (offset: bigint, value: Uint8Array | null, over: Partial<DeadLetter> = {}): DeadLetter => ({
  topic: "orders",
  partition: 0,
  group: "group-orders",
  sourceId: 1,
  record: {
    offset,
    timestampMs: 1_700_000_000_000,
    key: Buffer.from("k"),
    value,
    headers: [["h", Buffer.from("sent")]]
  },
  schemaId: 7,
  error: { class: "rejected", code: 275, message: "CHECK failed", column: undefined },
  ...over
})

/** A file with these letters; `dlq` runs the command and answers what it has printed. */
const world = (letters: ReadonlyArray<DeadLetter>, settings: Record<string, string> = {}) =>
  Effect.gen(function*() {
    const file = join(yield* temporaryFolder, "bank.db")
    const database = layerLibsql({ file, dialect: sqlite, autoCreate: true })
    const services = yield* Layer.build(Layer.mergeAll(testLayer, database, layerLetters(file)))
    yield* Effect.gen(function*() {
      const { acquire, prepare, source, write } = yield* Destination
      yield* prepare
      const identity = { clusterId: "c", topic: "orders", topicId: "", group: "group-orders", pipeline: "p" }
      const sourceId = yield* source(identity)
      const claim = yield* acquire({ ...identity, partition: 0, sourceId, owner: "o", initial: 0n })
      const written = yield* write({ claim, expected: 0n, next: 100n, statements: [], letters })
      assert.strictEqual(written._tag, "Committed")
    }).pipe(Effect.provide(services))
    const dlq = (request: DlqRequest, output: "table" | "json" = "table") =>
      Effect.gen(function*() {
        const { console, err, out } = captured()
        const done = yield* Effect.either(dlqCommand(testConfig(settings), request, { output })).pipe(
          Effect.withConsole(console),
          Effect.provide(services)
        )
        const code = done._tag === "Left" ? done.left.exit : done.right
        return { code, out: out.join("\n"), err: err.join("\n"), error: done._tag === "Left" ? done.left : undefined }
      })
    const offsets = Effect.flatMap(Destination, ({ rowOffsets }) =>
      rowOffsets({ table: "orders", sourceId: 1, partition: 0, from: 0n, to: 1000n, limit: 1000 })).pipe(
        Effect.provide(services)
      )
    const hasTable = Effect.flatMap(Destination, ({ keyedTables }) =>
      keyedTables).pipe(
        Effect.map((tables) => tables.includes("orders")),
        Effect.provide(services)
      )
    return { dlq, offsets, hasTable }
  })

it.scopedLive("a list and a letter say where, when and why, and what the record holds only where it is asked for", () =>
  Effect.gen(function*() {
    const { dlq } = yield* world([letter(1n, payment(4711)), letter(2n, Buffer.from([0xff, 1]))])
    const listed = yield* dlq({ kind: "list", choice: nothing, all: false, limit: 1 })
    assert.match(
      listed.out,
      /^ID {2}WHEN +TOPIC:PART@OFFSET +ERRNO +REASON +TRIES +STATE\n 1 {2}\S+Z +orders:0@1 +275 +CHECK/
    )
    assert.include(listed.out, "the first 1 of 2: --limit shows more")
    const plain = yield* dlq({ kind: "show", id: 1n, showPayload: false })
    assert.include(plain.out, "reason:    rejected, errno 275: CHECK failed")
    assert.notInclude(plain.out + listed.out, "4711")
    assert.notInclude(plain.out, "sent")
    const shown = yield* dlq({ kind: "show", id: 1n, showPayload: true })
    assert.include(shown.out, "value:     {\"id\":4711}")
    assert.include(shown.out, "key:       \"k\"")
    assert.include(shown.out, "header h:  \"sent\"")
    const raw = yield* dlq({ kind: "show", id: 2n, showPayload: true })
    assert.match(raw.out, /value: +ff01 \(2 bytes; not decoded: /)
    assert.deepInclude(yield* dlq({ kind: "show", id: 9n, showPayload: true }), { code: 1 })
  }))

const Exported = Schema.decodeUnknown(Schema.parseJson(Schema.Struct({
  id: Schema.Number,
  timestampMs: Schema.Number,
  key: Schema.StringFromBase64,
  value: Schema.Uint8ArrayFromBase64,
  headers: Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.StringFromBase64 }))
})))

it.scopedLive("an export holds the whole record of each letter, and can go on where it has ended", () =>
  Effect.gen(function*() {
    const { dlq } = yield* world([1n, 2n, 3n].map((offset) => letter(offset, payment(Number(offset)))))
    const all = yield* dlq({ kind: "export", choice: nothing, all: false, after: 0n })
    const rest = yield* dlq({ kind: "export", choice: nothing, all: false, after: 2n })
    assert.deepStrictEqual(all.out.split("\n").slice(2), rest.out.split("\n"))
    const last = yield* Exported(rest.out)
    assert.deepStrictEqual({ ...last, value: Buffer.from(last.value) }, {
      id: 3,
      timestampMs: 1_700_000_000_000,
      key: "k",
      value: Buffer.from(payment(3)),
      headers: [{ key: "h", value: "sent" }]
    })
  }))

it.scopedLive("a dry run says what would be refused again, and changes nothing; not even the table is made", () =>
  Effect.gen(function*() {
    const { dlq, hasTable } = yield* world([letter(1n, payment(1)), letter(2n, Buffer.from([0, 0]))])
    const dry = yield* dlq(replay(nothing, false))
    assert.strictEqual(dry.code, 0)
    assert.match(dry.out, /^2 orders:0@2 would be refused again: /)
    assert.include(dry.out, "DRY RUN: of 2 letters 1 can be encoded, 1 would be refused again")
    assert.include(dry.out, "tributary dlq replay --all --execute")
    assert.isFalse(yield* hasTable)
    const { out } = yield* dlq({ kind: "list", choice: nothing, all: true, limit: 9 })
    assert.match(out, /orders:0@2 .* 1 {2}open/)
  }))

it.scopedLive("a replay writes each row once; what fails again stays with its new error and one more attempt", () =>
  Effect.gen(function*() {
    const { dlq, offsets } = yield* world([
      letter(1n, payment(1)),
      letter(2n, Buffer.from([0, 0])),
      letter(3n, payment(3))
    ])
    const first = yield* dlq(replay(nothing))
    assert.strictEqual(first.code, 1)
    assert.include(first.out, "replayed 2   refused 1   left as they are 0")
    assert.deepStrictEqual(yield* offsets, [1n, 3n])
    const { out } = yield* dlq({ kind: "show", id: 2n, showPayload: false })
    assert.match(out, /reason: +undecodable: .*\n(?:.*\n)*tries: +2/)
    const second = yield* dlq(replay(byId(1n, 2n, 77n)), "json")
    assert.strictEqual(second.code, 1)
    assert.match(second.out, /"id":1,.*"outcome":"left","note":"it was replayed at /)
    assert.match(second.out, /"id":77,"outcome":"left","note":"there is no such letter"/)
    assert.deepStrictEqual(yield* offsets, [1n, 3n])
  }))

it.scopedLive("an upsert's newer row is not overwritten by an older letter", () =>
  Effect.gen(function*() {
    const upsert = { "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id" }
    const { dlq, offsets } = yield* world(
      [letter(5n, payment(1)), letter(3n, payment(1)), letter(6n, payment(1))],
      upsert
    )
    const { code, out } = yield* dlq(replay(nothing))
    assert.strictEqual(code, 1)
    assert.match(out, /^2 orders:0@3 refused: the row of its key is of a newer record, at offset 5/)
    assert.include(out, "replayed 2   refused 1   left as they are 0")
    assert.deepStrictEqual(yield* offsets, [6n])
  }))

it.scopedLive("letters of another group or topic are left to the pipeline that reads them", () =>
  Effect.gen(function*() {
    const foreign = [letter(1n, payment(1), { group: "else" }), letter(2n, payment(2), { topic: "payments" })]
    const { dlq } = yield* world(foreign)
    const { code, out } = yield* dlq(replay(nothing))
    assert.strictEqual(code, 1)
    assert.include(out, "1 orders:0@1 left: it is of group else, and here orders is read by group group-orders")
    assert.include(out, "2 payments:0@2 left: topic payments is not among kafka.topics")
    assert.include(out, "replayed 0   refused 0   left as they are 2")
  }))

it.scopedLive("an unknown schema is no reason to wait; a registry that is out ends the command, and the letters stay", () =>
  Effect.gen(function*() {
    const { dlq } = yield* world([letter(1n, payment(1, 8)), letter(2n, payment(2))])
    const { code, out } = yield* dlq(replay(byId(1n)))
    assert.strictEqual(code, 1)
    assert.match(out, /^1 orders:0@1 refused: .*schema id 8 is not there/)
    yield* Effect.acquireRelease(
      Effect.sync(() => void (registryState.down = true)),
      () => Effect.sync(() => void (registryState.down = false))
    )
    const down = yield* dlq(replay(byId(2n)))
    assert.strictEqual(down.code, 69)
    assert.strictEqual(down.error?.code, "TRB-2301")
    const shown = yield* dlq({ kind: "show", id: 2n, showPayload: true })
    assert.match(shown.out, /tries: +1/)
    assert.match(shown.out, /value: +[0-9a-f]+ \(\d+ bytes; not decoded: cannot reach the schema registry/)
  }))

const discard = (choice: Choice, execute: boolean): DlqRequest => ({
  kind: "discard",
  options: { choice, all: false, replayed: false, execute, reason: "a test" }
})

it.scopedLive("nothing is discarded without a word about which, nor without --execute", () =>
  Effect.gen(function*() {
    const { dlq } = yield* world([letter(1n, payment(1)), letter(2n, payment(2))])
    const unsure = yield* dlq(discard(nothing, true))
    assert.strictEqual(unsure.code, 64)
    assert.strictEqual(unsure.error?.code, "TRB-2701")
    const dry = yield* dlq(discard(byId(1n), false))
    assert.include(dry.out, "DRY RUN: 1 dead letters would be deleted")
    assert.include(dry.out, "tributary dlq discard --id 1 --execute")
    const done = yield* dlq(discard(byId(1n, 9n), true))
    assert.strictEqual(done.code, 1)
    assert.match(done.out, /level=WARN .*"discarded 1 dead letters \[chosen=.*--id 1 --id 9.*\]: a test"/)
    const left = yield* dlq({ kind: "list", choice: nothing, all: true, limit: 9 }, "json")
    assert.match(left.out, /"total": 1/)
  }))

import { assert, layer } from "@effect/vitest"
import { Array, Effect, Fiber, type Layer, Option } from "effect"
import type { TablePlan } from "../../src/domain/sql/TablePlan.js"
import { Destination, WriteOutcome } from "../../src/layers/Destination.js"
import { defaultTopicSettings } from "../../src/domain/TopicSettings.js"
import { fixture, identityOf, newTopic, patiently, planOf, refusalOf, tags } from "./destinationFixture.js"

/** What every `Destination` promises, whatever the database. `live` must need nothing; tests share one instance. */
export const destinationContract = (name: string, live: Layer.Layer<Destination, unknown>): void => {
  layer(live, { excludeTestServices: true, timeout: "2 minutes" })(
    `${name} keeps the contract of Destination`,
    (it) => {
      it.effect("prepare may run again, and many times at once", () =>
        Effect.gen(function*() {
          const { prepare } = yield* Destination
          yield* Effect.all(Array.replicate(prepare, 6), { concurrency: "unbounded" })
          yield* prepare
          assert.deepStrictEqual(yield* Effect.flatMap(Destination, ({ stored }) => stored("never", "seen")), [])
        }))

      it.effect("a source keeps its id, also when many register it at once", () =>
        Effect.gen(function*() {
          const { source } = yield* Destination
          const identity = identityOf(newTopic())
          const ids = yield* Effect.all(Array.replicate(source(identity), 8), { concurrency: "unbounded" })
          assert.lengthOf(Array.dedupe(ids), 1)
          assert.strictEqual(yield* source(identity), ids[0])
          assert.notStrictEqual(yield* source(identityOf(newTopic())), ids[0])
        }))

      it.effect("an unknown topic id is filled in when it is known, and tells a recreated topic from then on", () =>
        Effect.gen(function*() {
          const { source } = yield* Destination
          const { acquire, identity, sourceId } = yield* fixture
          assert.strictEqual(yield* source({ ...identity, topicId: "one" }), sourceId)
          assert.strictEqual(yield* source(identity), sourceId)
          const second = yield* source({ ...identity, topicId: "two" })
          assert.notStrictEqual(
            second,
            sourceId,
            "no offset refers to the first life: the second is a source of its own"
          )
          yield* acquire({ sourceId: second })
          const error = yield* refusalOf(source({ ...identity, topicId: "three" }))
          assert.propertyVal(error, "kind", "held")
          assert.include(String(error), "created again")
        }))

      it.effect("offsets of another cluster, and a second pipeline on the same topic and group, are refused", () =>
        Effect.gen(function*() {
          const { source } = yield* Destination
          const { acquire, identity } = yield* fixture
          yield* acquire()
          const elsewhere = yield* refusalOf(source({ ...identity, clusterId: "elsewhere" }))
          assert.propertyVal(elsewhere, "kind", "held")
          assert.include(String(elsewhere), "elsewhere")
          const second = yield* refusalOf(source({ ...identity, pipeline: "second" }))
          assert.propertyVal(second, "kind", "held")
          assert.include(String(second), "second")
        }))

      it.effect("the first acquisition starts where it is told, later ones where the offset stands", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, stored } = yield* fixture
          assert.isUndefined(yield* stored)
          const first = yield* acquire({ initial: 7n })
          assert.strictEqual(first.offset, 7n)
          assert.deepStrictEqual(yield* write(batch(first, 7n, 9n)), WriteOutcome.Committed())
          const second = yield* acquire({ initial: 0n })
          assert.strictEqual(second.offset, 9n)
          assert.isTrue(second.generation > first.generation)
        }))

      it.effect("of eight acquisitions at once each has its own generation, and only the last may write", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, stored } = yield* fixture
          const claims = yield* Effect.all(Array.replicate(patiently(acquire()), 8), {
            concurrency: "unbounded"
          })
          assert.lengthOf(Array.dedupe(claims.map(({ generation }) => generation)), 8)
          const outcomes = yield* Effect.forEach(claims, (claim) => write(batch(claim, 0n, 5n)), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(tags(outcomes), ["Committed", ...Array.replicate("Fenced", 7)])
          const latest = claims.reduce((a, b) => a.generation > b.generation ? a : b)
          assert.strictEqual(outcomes[claims.indexOf(latest)]?._tag, "Committed")
          assert.strictEqual(yield* stored, 5n)
        }))

      it.effect("a partition read from another source is refused, and its owner stays the owner", () =>
        Effect.gen(function*() {
          const { source, write } = yield* Destination
          const { acquire, batch } = yield* fixture
          const claim = yield* acquire()
          const other = yield* source(identityOf(newTopic()))
          assert.propertyVal(yield* refusalOf(acquire({ sourceId: other })), "kind", "held")
          assert.strictEqual((yield* write(batch(claim, 0n, 1n)))._tag, "Committed")
        }))

      it.effect("rows and offset are committed together", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, offsets, stored } = yield* fixture
          const claim = yield* acquire()
          assert.strictEqual((yield* write(batch(claim, 0n, 3n)))._tag, "Committed")
          assert.strictEqual((yield* write(batch(claim, 3n, 4n)))._tag, "Committed")
          assert.deepStrictEqual(yield* offsets, [0n, 1n, 2n, 3n])
          assert.strictEqual(yield* stored, 4n)
        }))

      it.effect("a batch without records moves the offset alone", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, offsets, stored } = yield* fixture
          const claim = yield* acquire()
          assert.strictEqual(
            (yield* write({ claim, expected: 0n, next: 12n, statements: [], letters: [] }))._tag,
            "Committed"
          )
          assert.strictEqual(yield* stored, 12n)
          assert.deepStrictEqual(yield* offsets, [])
        }))

      it.effect("a stale offset, an older generation and a foreign owner are fenced and write nothing", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, offsets, stored } = yield* fixture
          const older = yield* acquire()
          const claim = yield* acquire()
          yield* write(batch(claim, 0n, 5n))
          const outcomes = yield* Effect.all([
            write(batch(claim, 0n, 5n)),
            write(batch(claim, 7n, 9n)),
            write(batch(older, 5n, 9n)),
            write(batch({ ...claim, generation: claim.generation + 1n }, 5n, 9n)),
            write(batch({ ...claim, owner: "somebody else" }, 5n, 9n))
          ])
          assert.deepStrictEqual(tags(outcomes), Array.replicate("Fenced", 5))
          assert.deepStrictEqual(yield* offsets, [0n, 1n, 2n, 3n, 4n])
          assert.strictEqual(yield* stored, 5n)
        }))

      it.effect("of two writers of one batch exactly one commits", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, offsets } = yield* fixture
          const claim = yield* acquire()
          for (const expected of [0n, 5n, 10n, 15n, 20n]) {
            const request = batch(claim, expected, expected + 5n)
            const outcomes = yield* Effect.all([write(request), write(request)], { concurrency: "unbounded" })
            assert.deepStrictEqual(tags(outcomes), ["Committed", "Fenced"])
          }
          assert.lengthOf(yield* offsets, 25)
        }))

      it.effect("a statement that fails takes offset and rows back", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, offsets, stored } = yield* fixture
          const claim = yield* acquire()
          const good = batch(claim, 0n, 3n)
          const outcome = yield* write({ ...good, statements: [...good.statements, "INSERT INTO nowhere VALUES (1)"] })
          assert.strictEqual(outcome._tag, "RolledBack")
          assert.deepStrictEqual(yield* offsets, [])
          assert.strictEqual(yield* stored, 0n)
          assert.strictEqual((yield* write(good))._tag, "Committed", "the claim is still good")
        }))

      it.effect("a record that is in the table already is told from a record that cannot be stored", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch } = yield* fixture
          const claim = yield* acquire()
          const first = batch(claim, 0n, 1n)
          yield* write(first)
          const outcome = yield* write({ claim, expected: 1n, next: 2n, statements: first.statements, letters: [] })
          assert.strictEqual(outcome._tag, "RolledBack")
          if (outcome._tag === "RolledBack") assert.strictEqual(outcome.error.class, "already-there")
        }))

      it.effect("letters are committed with the rows and the offset, and are found by source and partition", () =>
        Effect.gen(function*() {
          const { letterOffsets, write } = yield* Destination
          const { acquire, batch, letter, offsets, sourceId, stored } = yield* fixture
          const claim = yield* acquire()
          const request = { sourceId, partition: 0, from: 0n, to: 10n, limit: 10 }
          assert.deepStrictEqual(yield* letterOffsets(request), [])
          const letters = [4n, 3n].map((offset) => letter(claim, offset))
          assert.strictEqual((yield* write({ ...batch(claim, 0n, 3n), next: 5n, letters }))._tag, "Committed")
          assert.deepStrictEqual(yield* offsets, [0n, 1n, 2n])
          assert.strictEqual(yield* stored, 5n)
          assert.deepStrictEqual(yield* letterOffsets(request), [3n, 4n])
          assert.deepStrictEqual(yield* letterOffsets({ ...request, limit: 1 }), [3n])
          assert.deepStrictEqual(yield* letterOffsets({ ...request, from: 4n }), [4n])
          assert.deepStrictEqual(yield* letterOffsets({ ...request, to: 4n }), [3n])
          assert.deepStrictEqual(yield* letterOffsets({ ...request, partition: 1 }), [])
          assert.deepStrictEqual(yield* letterOffsets({ ...request, sourceId: sourceId + 1 }), [])
        }))

      it.effect("a letter is as little written as the rest of a transaction that fails or is fenced", () =>
        Effect.gen(function*() {
          const { letterOffsets, write } = yield* Destination
          const { acquire, batch, letter, sourceId } = yield* fixture
          const claim = yield* acquire()
          yield* write(batch(claim, 0n, 1n))
          const letters = [letter(claim, 1n)]
          const repeated = yield* write({ ...batch(claim, 0n, 1n), expected: 1n, next: 2n, letters })
          const fenced = yield* write({ claim, expected: 0n, next: 2n, statements: [], letters })
          assert.deepStrictEqual(tags([repeated, fenced]), ["Fenced", "RolledBack"])
          assert.deepStrictEqual(yield* letterOffsets({ sourceId, partition: 0, from: 0n, to: 9n, limit: 9 }), [])
        }))

      it.effect("a letter that is there already, as after a rewind, blocks nothing and stays one", () =>
        Effect.gen(function*() {
          const { letterOffsets, write } = yield* Destination
          const { acquire, letter, sourceId } = yield* fixture
          const claim = yield* acquire()
          const letters = [letter(claim, 0n)]
          yield* write({ claim, expected: 0n, next: 1n, statements: [], letters })
          const again = yield* write({ claim, expected: 1n, next: 2n, statements: [], letters })
          assert.strictEqual(again._tag, "Committed")
          assert.deepStrictEqual(yield* letterOffsets({ sourceId, partition: 0, from: 0n, to: 9n, limit: 9 }), [0n])
        }))

      it.effect("an interrupted write says what became of it", () =>
        Effect.gen(function*() {
          const { write } = yield* Destination
          const { acquire, batch, stored } = yield* fixture
          let claim = yield* acquire()
          for (const pauseMs of [0, 0, 1, 1, 2, 3]) {
            const request = batch(claim, claim.offset, claim.offset + 50n)
            let outcome: WriteOutcome | undefined
            const publish = Effect.tap(write(request), (result) =>
              Effect.sync(() => {
                outcome = result
              }))
            const fiber = yield* Effect.fork(Effect.uninterruptible(publish))
            yield* Effect.sleep(pauseMs)
            yield* Fiber.interrupt(fiber)
            assert.include(["Committed", "RolledBack"], outcome?._tag)
            assert.strictEqual(yield* stored, outcome?._tag === "Committed" ? request.next : request.expected)
            claim = yield* acquire()
          }
        }))

      it.effect("stored offsets are of all partitions of a topic and group, or of one alone", () =>
        Effect.gen(function*() {
          const { acquire, storedPartitions: of } = yield* fixture
          yield* Effect.zip(acquire(), acquire({ partition: 1 }))
          assert.deepStrictEqual([yield* of(), yield* of(1), yield* of(2)], [[0, 1], [1], []])
        }))

      it.effect("resolve tells committed, not committed, fenced and a foreign writer apart", () =>
        Effect.gen(function*() {
          const { resolve, write } = yield* Destination
          const { acquire, batch } = yield* fixture
          const claim = yield* acquire()
          const first = batch(claim, 0n, 5n)
          assert.strictEqual(yield* resolve(first), "NotCommitted")
          yield* write(first)
          assert.strictEqual(yield* resolve(first), "Committed")
          yield* write(batch(claim, 5n, 6n))
          assert.strictEqual(yield* resolve(first), "ForeignWriter")
          yield* acquire()
          assert.strictEqual(yield* resolve(batch(claim, 5n, 6n)), "Fenced")
          assert.strictEqual(yield* resolve(batch({ ...claim, partition: 99 }, 0n, 1n)), "Fenced")
        }))

      it.effect("a table is created once, also by many at once", () =>
        Effect.gen(function*() {
          const { ensureTable } = yield* Destination
          const plan = planOf(newTopic())
          const ready = yield* Effect.all(Array.replicate(ensureTable(plan, defaultTopicSettings.evolution), 6), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(ready, Array.replicate({ keyColumns: true, ignored: new Set<string>() }, 6))
          assert.deepStrictEqual(yield* ensureTable(plan, defaultTopicSettings.evolution), {
            keyColumns: true,
            ignored: new Set<string>()
          })
        }))

      it.effect("all differences between a table and a schema are told at once, each with its cure", () =>
        Effect.gen(function*() {
          const { ensureTable } = yield* Destination
          const { plan } = yield* fixture
          const error = yield* refusalOf(ensureTable({
            ...plan,
            columns: [
              { from: "value", path: ["id"], name: "id", type: { kind: "date" }, nullable: false },
              { from: "value", path: ["note"], name: "note", type: { kind: "long" }, nullable: true }
            ]
          }, { mode: "widen", allowCopy: true }))
          assert.propertyVal(error, "kind", "configuration")
          assert.include(String(error), "column id")
          assert.include(String(error), "column note")
          assert.match(String(error), /ALTER TABLE|table\.name\.format/u)
        }))

      it.effect("a new field becomes a column, or is left out and named where evolution is none", () =>
        Effect.gen(function*() {
          const { ensureTable } = yield* Destination
          const { plan } = yield* fixture
          const more: TablePlan = {
            ...plan,
            columns: [
              ...plan.columns,
              { from: "value", path: ["added"], name: "added", type: { kind: "long" }, nullable: false }
            ]
          }
          const none = { mode: "none", allowCopy: false } as const
          assert.deepStrictEqual([...(yield* ensureTable(more, none)).ignored], ["added"])
          assert.deepStrictEqual([...(yield* ensureTable(more, defaultTopicSettings.evolution)).ignored], [])
          assert.deepStrictEqual([...(yield* ensureTable(more, none)).ignored], [])
          assert.deepStrictEqual([...(yield* ensureTable(plan, none)).ignored], [])
        }))

      it.effect("what deletes by a part of a key is refused, because it would take other rows along", () =>
        Effect.gen(function*() {
          const { deletable, ensureTable } = yield* Destination
          const { plan } = yield* fixture
          const keyed: TablePlan = { ...plan, table: `${plan.table}-keyed`, key: ["id"] }
          assert.isFalse(yield* deletable(keyed))
          yield* ensureTable(keyed, defaultTopicSettings.evolution)
          assert.isTrue(yield* deletable(keyed))
          assert.include(String(yield* refusalOf(deletable({ ...keyed, key: ["note"] }))), "pk.fields")
        }))

      it.effect("rows are found by source and partition; a missing table holds none", () =>
        Effect.gen(function*() {
          const { holdsRows, keyedTables, write } = yield* Destination
          const { acquire, batch, plan, sourceId } = yield* fixture
          assert.isFalse(yield* holdsRows(plan.table, sourceId, 0))
          yield* write(batch(yield* acquire(), 0n, 1n))
          assert.isTrue(yield* holdsRows(plan.table, sourceId, 0))
          assert.isFalse(yield* holdsRows(plan.table, sourceId, 1))
          assert.isFalse(yield* holdsRows(plan.table, sourceId + 1, 0))
          assert.isFalse(yield* holdsRows(`${plan.table}-missing`, sourceId, 0))
          assert.include(yield* keyedTables, plan.table)
          assert.notInclude(yield* keyedTables, "kafka_offsets")
        }))

      it.effect("row offsets come ascending, from the first to before the last, at most as many as asked", () =>
        Effect.gen(function*() {
          const { rowOffsets, write } = yield* Destination
          const { acquire, batch, plan, sourceId } = yield* fixture
          const beyondNumbers = 9_007_199_254_740_993n
          const claim = yield* acquire({ initial: beyondNumbers })
          yield* write(batch(claim, beyondNumbers, beyondNumbers + 5n))
          const request = {
            table: plan.table,
            sourceId,
            partition: 0,
            from: beyondNumbers + 1n,
            to: beyondNumbers + 4n
          }
          assert.deepStrictEqual(
            yield* rowOffsets({ ...request, limit: 9 }),
            [1n, 2n, 3n].map((n) => beyondNumbers + n)
          )
          assert.deepStrictEqual(yield* rowOffsets({ ...request, limit: 2 }), [1n, 2n].map((n) => beyondNumbers + n))
        }))

      it.effect("a snapshot shows offsets and rows of one moment, while they are being written", () =>
        Effect.gen(function*() {
          const { snapshot, write } = yield* Destination
          const one = yield* fixture
          const two = yield* fixture
          const wanted = [one, two].map(({ identity: { group, topic }, plan: { table } }) => ({ topic, group, table }))
          const writing = yield* Effect.fork(Effect.forEach([one, two], ({ acquire, batch }) =>
            Effect.gen(function*() {
              const claim = yield* acquire()
              for (let at = 0n; at < 90n; at += 3n) {
                assert.strictEqual((yield* write(batch(claim, at, at + 3n)))._tag, "Committed")
              }
            }), { concurrency: "unbounded" }))
          let done = false
          while (!done) {
            done = Option.isSome(yield* Fiber.poll(writing))
            for (const partition of yield* snapshot(wanted)) {
              assert.strictEqual(partition.rows?.count, partition.storedOffset)
              assert.strictEqual(partition.rows?.distinctOffsets, partition.storedOffset)
              assert.strictEqual(partition.rows?.beyondStored, 0n)
            }
          }
          yield* Fiber.join(writing)
          assert.deepStrictEqual(
            (yield* snapshot(wanted)).map(({ rows, storedOffset }) => [storedOffset, rows?.lastOffset]),
            [
              [90n, 89n],
              [90n, 89n]
            ]
          )
        }))
    }
  )
}

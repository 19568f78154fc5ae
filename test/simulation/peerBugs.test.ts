import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Fiber, type Layer, MetricState, Random, type Scope } from "effect"
import { classify } from "../../src/domain/MysqlErrors.js"
import { WriteError } from "../../src/layers/Destination.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { logged } from "../support/logged.js"
import { differences, payment, produce, startInstance, type testLayer } from "../support/pipeline.js"
import { garbage, refusing } from "../support/poison.js"
import { createTopic, faultOf, measured, run } from "../support/simulated.js"

// What other sinks do wrong when the database or a record makes trouble, each as a test that is named after it, in virtual
// time; docs/comparison.md has a line for each.

/** As the database would give it to a row. */
const rowError = (code: number, what: string) => new WriteError({ class: classify(code, "rows"), code, what })

const offsetOf = (partition: number) =>
  Effect.map(MemoryDatabaseState, ({ offsets }) => offsets.get(`orders/${partition}/group-orders`)?.offset)

const quietly = <A, E>(
  body: Effect.Effect<A, E, Layer.Layer.Success<typeof testLayer> | Scope.Scope>,
  seed?: number
): A => run(logged(() => body), seed)

describe("bugs of other sinks, in simulation", () => {
  for (
    const [code, what] of [[1114, "The table is full"], [2006, "MySQL server has gone away"], [
      1290,
      "read-only"
    ]] as const
  ) {
    it(`An outage that fills the dead letters: when it is over every record is a row (${code}, ${what})`, () =>
      quietly(Effect.gen(function*() {
        yield* createTopic(2)
        yield* produce(200, 2)
        const database = yield* MemoryDatabaseState
        database.fault = () => ({ _tag: "Reject", error: rowError(code, what) })
        const instance = yield* startInstance()
        yield* Effect.sleep("10 minutes")
        assert.strictEqual(database.rows.length, 0)
        database.fault = () => ({ _tag: "None" })
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual([yield* differences, database.letters.size], [[], 0])
        yield* Fiber.interrupt(instance)
      })))
  }

  it("A lost connection that kills the task: without a server the job waits for as long as it takes, and goes on", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(100, 1)
      const database = yield* MemoryDatabaseState
      const instance = yield* startInstance()
      yield* Effect.sleep("1 minute")
      database.down = true
      yield* produce(100, 1)
      yield* Effect.sleep("10 minutes")
      database.down = false
      yield* Effect.sleep("2 minutes")
      assert.deepStrictEqual(yield* differences, [])
      assert.strictEqual(yield* offsetOf(0), 200n)
      yield* Fiber.interrupt(instance)
    })))

  it("All errors retried alike: what the row is to blame for is a letter at once, a deadlock is tried again", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(2)
      yield* produce(2, 2)
      const database = yield* MemoryDatabaseState
      const tries = [0, 0]
      database.fault = ({ claim, letters }) => {
        if (letters.length > 0) return { _tag: "None" }
        tries[claim.partition] = (tries[claim.partition] ?? 0) + 1
        if (claim.partition === 0) return { _tag: "Reject", error: rowError(1406, "Data too long") }
        return (tries[1] ?? 0) < 4 ? { _tag: "Reject", error: rowError(1213, "Deadlock found") } : { _tag: "None" }
      }
      const instance = yield* startInstance()
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(tries, [1, 4])
      assert.deepStrictEqual([...database.letters.values()].map(({ letter }) => letter.partition), [0])
      assert.deepStrictEqual(database.rows.map(({ partition }) => partition), [1])
      yield* Fiber.interrupt(instance)
    })))

  it("A batch replayed row by row: the bad row is found by halving, the others stay together", () =>
    quietly(Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      yield* createTopic(1)
      for (let id = 0; id < 500; id++) kafka.append("orders", 0, payment(id))
      const refuse = refusing([123n])
      let transactions = 0
      database.fault = (request) => (transactions += 1, refuse(request))
      const settings = { "batch.max.rows": "500", "max.poll.records": "500", "linger.ms": "10000" }
      const instance = yield* startInstance(settings)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual([yield* differences, database.letters.size], [[], 1])
      // Beside the halves: the batch itself, and the letter's own.
      assert.isAtMost(transactions, 2 + 2 * Math.ceil(Math.log2(500)))
      yield* Fiber.interrupt(instance)
    })))

  it("A batch that is not a multi-row INSERT: its rows are one statement, without any flag", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(50, 1)
      const database = yield* MemoryDatabaseState
      const statements: Array<number> = []
      database.fault = (request) => (statements.push(request.statements.length), { _tag: "None" })
      const instance = yield* startInstance()
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual([statements, database.rows.length], [[1], 50])
      yield* Fiber.interrupt(instance)
    })))

  it("One bad partition that pauses all of the task: the others go on", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(2)
      yield* produce(100, 2)
      const database = yield* MemoryDatabaseState
      const error = rowError(1205, "Lock wait timeout exceeded")
      database.fault = ({ claim }) => claim.partition === 0 ? { _tag: "Reject", error } : { _tag: "None" }
      const instance = yield* startInstance()
      yield* Effect.sleep("1 minute")
      yield* produce(100, 2)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual([yield* offsetOf(0), yield* offsetOf(1)], [0n, 100n])
      yield* Fiber.interrupt(instance)
    })))

  it("Tombstones that kill the task, or vanish: without deletion they are counted, or dead letters", () =>
    quietly(Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      yield* createTopic(1)
      kafka.append("orders", 0, null)
      kafka.append("orders", 0, payment(1))
      const ignoring = yield* startInstance()
      yield* Effect.sleep("1 minute")
      yield* Fiber.interrupt(ignoring)
      const counted = yield* measured("tributary_records_skipped_total")
      assert.isTrue(MetricState.isCounterState(counted) && counted.count > 0)
      assert.strictEqual(yield* offsetOf(0), 2n)
      kafka.append("orders", 0, null)
      kafka.append("orders", 0, payment(2))
      const keeping = yield* startInstance({ tombstones: "dead-letter", "errors.max.rate": "1" })
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(
        [...database.letters.values()].map(({ letter: { error, record } }) => [error.class, record.offset]),
        [
          ["tombstone", 2n]
        ]
      )
      assert.deepStrictEqual(database.rows.map(({ offset }) => offset), [1n, 3n])
      yield* Fiber.interrupt(keeping)
    })))

  it("Offsets committed without the record: where its letter cannot be stored the offset stays before it", () =>
    quietly(Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      yield* createTopic(1)
      yield* produce(10, 1)
      kafka.append("orders", 0, garbage)
      const error = new WriteError({ class: classify(1146, "dead-letters"), code: 1146, what: "dead_letters is gone" })
      database.fault = ({ letters }) => letters.length > 0 ? { _tag: "Reject", error } : { _tag: "None" }
      const instance = yield* startInstance()
      yield* Effect.sleep("10 minutes")
      assert.isAtMost(Number(yield* offsetOf(0)), 10)
      for (const [key, offset] of kafka.committed) assert.isTrue(offset <= 10n, key)
      assert.strictEqual(database.letters.size, 0)
      yield* Fiber.interrupt(instance)
    })))

  it("A failure that is thrown at the next batch: it is dealt with when it happens, though nothing more comes", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(2)
        yield* produce(2, 2)
        const database = yield* MemoryDatabaseState
        database.fault = refusing([0n], rowError(4711, "something new"))
        const instance = yield* startInstance()
        yield* Effect.sleep("1 minute")
        const stopped = lines.filter((line) => line.includes("is stopped"))
        assert.lengthOf(stopped, 2)
        assert.include(stopped[0], "cannot be stored: something new [errno=4711]")
        database.fault = () => ({ _tag: "None" })
        yield* Fiber.interrupt(instance)
      })
    )))

  it("Slow writes that end in rebalances: a transaction may take longer than a session", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(200, 1)
      const database = yield* MemoryDatabaseState
      database.latencyMs = 60_000
      const instance = yield* startInstance({ "batch.max.rows": "50", "max.poll.records": "50" })
      yield* Effect.sleep("10 minutes")
      assert.deepStrictEqual(yield* differences, [])
      assert.lengthOf(database.owners, 1)
      yield* Fiber.interrupt(instance)
    })))

  it("Memory that grows while the database is slow: the queue is bounded, and the partition waits", () =>
    quietly(Effect.gen(function*() {
      yield* createTopic(1)
      const kafka = yield* MemoryKafka
      for (let id = 0; id < 5000; id++) kafka.append("orders", 0, payment(id))
      const database = yield* MemoryDatabaseState
      database.down = true
      const instance = yield* startInstance({ "blocking.queue.size": "100", "max.poll.records": "50" })
      yield* Effect.sleep("1 minute")
      database.down = false
      database.latencyMs = 30_000
      yield* Effect.sleep("5 minutes")
      for (const name of ["tributary_queue_records", "tributary_backlog_records"]) {
        const held = yield* measured(name)
        assert.isTrue(MetricState.isGaugeState(held) && Number(held.value) <= 150, name)
      }
      database.latencyMs = 0
      yield* Effect.sleep("5 minutes")
      assert.deepStrictEqual(yield* differences, [])
      yield* Fiber.interrupt(instance)
    })))

  for (const seed of Array.range(1, 3)) {
    it(`Duplicates after a crash: appended rows are there once, without a key in the records (seed ${seed})`, () =>
      quietly(
        Effect.gen(function*() {
          yield* createTopic(2)
          const database = yield* MemoryDatabaseState
          const kafka = yield* MemoryKafka
          const rolls = yield* Effect.replicateEffect(Random.next, 1000)
          database.fault = () => faultOf(rolls.pop() ?? 1)
          for (let life = 0; life < 5; life++) {
            const instance = yield* startInstance()
            yield* produce(100, 2)
            kafka.append("orders", life % 2, garbage)
            yield* Effect.sleep(300)
            yield* Fiber.interrupt(instance)
          }
          database.fault = () => ({ _tag: "None" })
          const last = yield* startInstance()
          yield* Effect.sleep("2 minutes")
          assert.deepStrictEqual(yield* differences, [])
          assert.deepStrictEqual([...database.letters.values()].map(({ attempts }) => attempts), [1, 1, 1, 1, 1])
          yield* Fiber.interrupt(last)
        }),
        seed
      ))
  }
})

import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Fiber, MetricState } from "effect"
import { WriteError } from "../../src/layers/Destination.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { logged } from "../support/logged.js"
import { differences, payment, produce, startInstance } from "../support/pipeline.js"
import { garbage, refusing } from "../support/poison.js"
import { createTopic, faultOf, measured, run } from "../support/simulated.js"

const letters = Effect.map(
  MemoryDatabaseState,
  (database) =>
    [...database.letters.values()].map(({ attempts, letter: { error, partition, record } }) =>
      `${partition}@${record.offset} ${error.class} ${error.code} ${attempts}`
    )
)

describe("records that cannot become rows, in simulation", () => {
  it("become dead letters, whoever refuses them; everything else is a row, and the offset reaches the end", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(100, 1)
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.append("orders", 0, garbage)
      kafka.append("orders", 0, payment(1, 99))
      yield* produce(100, 1)
      database.fault = refusing([37n, 150n])
      const instance = yield* startInstance()
      yield* Effect.sleep(60_000)
      assert.deepStrictEqual(yield* differences, [])
      assert.deepStrictEqual(yield* letters, [
        "0@37 rejected 1406 1",
        "0@100 undecodable 0 1",
        "0@101 undecodable 0 1",
        "0@150 rejected 1406 1"
      ])
      assert.deepStrictEqual([...database.letters.values()].map(({ letter }) => letter.schemaId), [7, undefined, 99, 7])
      const counted = yield* measured("tributary_dead_letters_total")
      assert.isTrue(MetricState.isCounterState(counted) && counted.count > 0)
      yield* Fiber.interrupt(instance)
    })))

  // The good rows stay in bulk: each halving costs one statement that fails and one that does not.
  for (const [records, at] of [[1024, 0], [1024, 777], [1024, 1023], [600, 301]] as const) {
    it(`one refused row among ${records}, at ${at}, costs at most 2·log2(n) statements more than none`, () =>
      run(Effect.gen(function*() {
        const kafka = yield* MemoryKafka
        yield* createTopic(1)
        const database = yield* MemoryDatabaseState
        for (let i = 0; i < records; i++) kafka.append("orders", 0, payment(i))
        const refuse = refusing([BigInt(at)])
        let statements = 0
        database.fault = (request) => {
          statements += request.statements.length
          return refuse(request)
        }
        // One batch of all of them: the queue lets none go before the last is there.
        const instance = yield* startInstance({
          "batch.max.rows": "2000",
          "blocking.queue.size": "3000",
          "max.poll.records": "2000",
          "linger.ms": "10000"
        })
        yield* Effect.sleep(60_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.deepStrictEqual(yield* letters, [`0@${at} rejected 1406 1`])
        assert.isAtMost(statements - 1, 2 * Math.ceil(Math.log2(records)))
        yield* Fiber.interrupt(instance)
      })))
  }

  it("a row without its parent waits for it, and is a letter only when it has not come", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(40, 1)
      const database = yield* MemoryDatabaseState
      const orphan = new WriteError({ class: "wait-then-poison", code: 1452, what: "no parent" })
      database.fault = refusing([10n, 20n], orphan)
      const instance = yield* startInstance({ "fk.wait.ms": "30000" })
      yield* Effect.sleep(20_000)
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 10n)
      database.fault = refusing([20n], orphan) // the parent of the first has come
      yield* Effect.sleep(8000)
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 20n)
      yield* Effect.sleep(5000)
      assert.deepStrictEqual(yield* letters, ["0@20 rejected 1452 1"])
      assert.deepStrictEqual(yield* differences, [])
      yield* Fiber.interrupt(instance)
    })))

  it("rows of one batch without their parents wait together, not one after the other", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(40, 1)
      const database = yield* MemoryDatabaseState
      const orphan = new WriteError({ class: "wait-then-poison", code: 1452, what: "no parent" })
      database.fault = refusing([5n, 6n, 7n, 8n, 20n, 30n, 39n], orphan)
      const instance = yield* startInstance({ "fk.wait.ms": "30000" })
      yield* Effect.sleep(29_000)
      assert.deepStrictEqual(yield* letters, [])
      yield* Effect.sleep(5000)
      assert.strictEqual((yield* letters).length, 7)
      assert.deepStrictEqual(yield* differences, [])
      // The next batch has waited for nothing yet.
      yield* produce(10, 1)
      database.fault = refusing([45n], orphan)
      yield* Effect.sleep(20_000)
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 45n)
      yield* Effect.sleep(20_000)
      assert.deepStrictEqual(yield* differences, [])
      yield* Fiber.interrupt(instance)
    })))

  // The statement, or the letter, that is larger than the server takes: the batch is to blame until one record is alone.
  for (const limit of [3, 0]) {
    it(`a statement beyond max_allowed_packet is made of fewer records, and one of ${limit === 0 ? "a single record stops" : "several stops nothing"}`, () =>
      run(logged((lines) =>
        Effect.gen(function*() {
          yield* createTopic(1)
          yield* produce(40, 1)
          const database = yield* MemoryDatabaseState
          const error = new WriteError({ class: "setup", code: 1153, what: "too large", cure: "max_allowed_packet" })
          database.fault = ({ expected, next }) =>
            next > 30n && next - expected > BigInt(limit) ? { _tag: "Reject", error } : { _tag: "None" }
          const instance = yield* startInstance()
          yield* Effect.sleep(30_000)
          assert.deepStrictEqual(yield* letters, [])
          if (limit > 0) assert.deepStrictEqual(yield* differences, [])
          else {
            assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 30n)
            const [stopped] = lines.filter((line) => line.includes("is stopped"))
            assert.include(stopped, "record orders-0@30: too large [errno=1153]; max_allowed_packet")
          }
          yield* Fiber.interrupt(instance)
        })
      )))
  }

  it("a row without its parent is a letter at once where it is not to wait", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(40, 1)
      const database = yield* MemoryDatabaseState
      database.fault = refusing([10n], new WriteError({ class: "wait-then-poison", code: 1452, what: "no parent" }))
      const instance = yield* startInstance({ "fk.wait.ms": "0" })
      yield* Effect.sleep(900)
      assert.deepStrictEqual(yield* letters, ["0@10 rejected 1452 1"])
      assert.deepStrictEqual(yield* differences, [])
      yield* Fiber.interrupt(instance)
    })))

  it("an error of which nothing is known makes no letter: it stops the partition before its record", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(40, 1)
      const database = yield* MemoryDatabaseState
      database.fault = refusing([10n], new WriteError({ class: "unlisted", code: 4711, what: "?" }))
      const instance = yield* startInstance()
      yield* Effect.sleep(60_000)
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 10n)
      assert.lengthOf(database.rows, 10)
      assert.deepStrictEqual(yield* letters, [])
      yield* Fiber.interrupt(instance)
    })))

  it("an error of which nothing is known that comes only once stops nothing", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(1, 1)
      const database = yield* MemoryDatabaseState
      let tries = 0
      const error = new WriteError({ class: "unlisted", code: 4711, what: "?" })
      database.fault = () => tries++ === 0 ? { _tag: "Reject", error } : { _tag: "None" }
      const instance = yield* startInstance()
      yield* Effect.sleep(5000)
      assert.deepStrictEqual(yield* differences, [])
      assert.lengthOf(database.rows, 1)
      yield* Fiber.interrupt(instance)
    })))

  it("letters that cannot be stored stop the partition, and nothing of the batch is there", () =>
    run(Effect.gen(function*() {
      yield* createTopic(1)
      yield* produce(10, 1)
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.append("orders", 0, garbage)
      const error = new WriteError({ class: "setup", code: 1146, what: "dead_letters is gone" })
      database.fault = (request) => request.letters.length > 0 ? { _tag: "Reject", error } : { _tag: "None" }
      const instance = yield* startInstance()
      yield* Effect.sleep(10_000)
      assert.deepStrictEqual([database.rows.length, database.letters.size], [0, 0])
      assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 0n)
      yield* Fiber.interrupt(instance)
    })))

  it("stop their partition when they are more than errors.max.rate of the last records, before they are written", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(2)
        yield* produce(600, 2)
        const kafka = yield* MemoryKafka
        const database = yield* MemoryDatabaseState
        for (let i = 0; i < 500; i++) kafka.append("orders", 0, garbage)
        const instance = yield* startInstance({ "errors.max.rate": "0.25" })
        yield* Effect.sleep(30_000)
        // 300 good ones, then letters up to a quarter of all: 100 of 400.
        assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 400n)
        assert.strictEqual(database.letters.size, 100)
        assert.strictEqual(database.offsets.get("orders/1/group-orders")?.offset, 300n)
        const stopped = lines.filter((line) => line.includes("is stopped"))
        assert.lengthOf(stopped, 1)
        assert.include(stopped[0], "record orders-0@400 would make dead letters more than 25 % of the last records")
        assert.include(stopped[0], "errors.max.rate")
        yield* Fiber.interrupt(instance)
      })
    )))

  it("are told of in one line per batch, those of one reason together, without a value", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(1)
        yield* produce(300, 1)
        const kafka = yield* MemoryKafka
        const database = yield* MemoryDatabaseState
        for (let i = 0; i < 20; i++) kafka.append("orders", 0, garbage)
        database.fault = refusing(
          [7n],
          new WriteError({ class: "poison", code: 1406, what: "at", reason: "Data too long", column: "id" })
        )
        const instance = yield* startInstance({ "linger.ms": "5000", "batch.max.rows": "1000" })
        yield* Effect.sleep(30_000)
        const told = lines.filter((line) => line.includes("dead letter"))
        assert.lengthOf(told, 1)
        assert.include(told[0], " WARN ")
        assert.include(
          told[0],
          "21 dead letters: orders-0@7 rejected [errno=1406 column=id]: Data too long; orders-0@300, "
        )
        assert.include(told[0], "orders-0@304 and 15 more undecodable: ")
        yield* Fiber.interrupt(instance)
      })
    )))

  for (const [policy, expected] of [["ignore", []], ["dead-letter", ["0@10 tombstone 0 1"]]] as const) {
    it(`a record without a value that deletes nothing, tombstones = ${policy}`, () =>
      run(Effect.gen(function*() {
        yield* createTopic(1)
        yield* produce(10, 1)
        const kafka = yield* MemoryKafka
        const database = yield* MemoryDatabaseState
        kafka.append("orders", 0, null)
        const instance = yield* startInstance({ tombstones: policy })
        yield* Effect.sleep(5000)
        assert.deepStrictEqual(yield* letters, [...expected])
        assert.lengthOf(database.rows, 10)
        assert.strictEqual(database.offsets.get("orders/0/group-orders")?.offset, 11n)
        if (policy === "ignore") {
          const skipped = yield* measured("tributary_records_skipped_total")
          assert.isTrue(MetricState.isCounterState(skipped) && skipped.count > 0)
        }
        yield* Fiber.interrupt(instance)
      })))
  }
})

// Goal: each record is a row or a letter, once. Method: the scenario above, with one record in twenty that nobody can
// decode and one in twenty that the database refuses.
const poisoned = Effect.gen(function*() {
  const kafka = yield* MemoryKafka
  const database = yield* MemoryDatabaseState
  const random = yield* Effect.random
  kafka.createTopic("orders", 2)
  const rolls = yield* Effect.replicateEffect(random.next, 1000)
  let transaction = 0
  database.latencyMs = 30
  const badIds = new Set<string>()
  const small = {
    "blocking.queue.size": "100",
    "max.poll.records": "10",
    "batch.max.rows": "20",
    "errors.max.rate": "1"
  }
  const instances = [yield* startInstance(small), yield* startInstance(small)]
  database.fault = (request) => {
    const own = [...badIds].flatMap((name) => {
      const [partition, offset] = name.split("@")
      return Number(partition) === request.claim.partition ? [BigInt(offset ?? 0)] : []
    })
    const refused = refusing(own)(request)
    return refused._tag === "None" ? faultOf(rolls[transaction++ % rolls.length] ?? 1) : refused
  }
  const undecodable = new Set<string>()
  for (let round = 0; round < 8; round++) {
    const count = yield* random.nextIntBetween(0, 60)
    for (let i = 0; i < count; i++) {
      const partition = i % 2
      const name = `${partition}@${kafka.log("orders", partition).end}`
      const roll = yield* random.next
      if (roll < 0.05) undecodable.add(name)
      else if (roll < 0.1) badIds.add(name)
      kafka.append("orders", partition, roll < 0.05 ? garbage : payment(i))
    }
    if ((yield* random.next) < 0.3) kafka.cutOff(yield* random.nextIntBetween(0, 2))
    if ((yield* random.next) < 0.2) database.down = true
    yield* Effect.sleep(yield* random.nextIntBetween(100, 2000))
    database.down = false
    if ((yield* random.next) < 0.5) kafka.reconnect()
  }
  kafka.reconnect()
  yield* Effect.sleep(60_000)
  const found = yield* differences
  const stored = [...database.letters.values()]
  const wrong = stored.filter(({ attempts, letter: { error, partition, record } }) => {
    const name = `${partition}@${record.offset}`
    const expected = undecodable.has(name) ? "undecodable" : badIds.has(name) ? "rejected" : "none"
    return attempts !== 1 || error.class !== expected
  })
  for (const instance of instances) yield* Fiber.interrupt(instance)
  return { found, wrong, letters: stored.length, bad: undecodable.size + badIds.size }
})

describe("records that cannot become rows, under random faults", () => {
  for (const seed of Array.range(1, 20)) {
    it(`each record is a row or a letter, once (seed ${seed})`, () => {
      const { bad, found, letters: count, wrong } = run(poisoned, seed)
      assert.deepStrictEqual([found, wrong], [[], []])
      assert.strictEqual(count, bad)
    })
  }
})

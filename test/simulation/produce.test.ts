import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { makeRandom, type SeededRandom } from "../../src/domain/random.js"
import { KafkaRefused } from "../../src/layers/Consumer.js"
import { answerLost, delayed, type Fate, requestLost } from "../../src/layers/memory/Fate.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { Producer } from "../../src/layers/Producer.js"
import { Transactions } from "../../src/layers/Transactions.js"
import { fileSystem, makeRegistry, produced, recordsOf, type Run } from "../programs/produce/support.js"

/*
 * `produce` counts from 1 on, round robin, so that the number p + 1 + i * partitions is the i-th of partition p. Its batches
 * take any time; some requests are lost, some answers (the batch is in the log, at once or later, and the producer does not
 * know). What must hold, whatever happens:
 * - what was acknowledged is in the log, once, at the offset that was told, and the summary counts exactly that;
 * - the rest of what was accepted is counted as errors;
 * - each partition is in order. Unless failures are only counted, nothing follows a gap: the log is a prefix.
 */

const partitions = 3
const lastNumber = 120

const world = Layer.mergeAll(layerMemory({ fetchRecords: 10, pollIntervalMs: 100 }), makeRegistry().layer, fileSystem())
type World = Layer.Layer.Success<typeof world>

const run = <A, E>(seed: number, effect: Effect.Effect<A, E, World | Scope.Scope>): A =>
  simulate(Effect.provide(effect, world), seed)

/** One of `oneIn` sends is lost, or its answer. */
const fateOf = (random: SeededRandom, oneIn: number): Fate => {
  if (random.oneIn(oneIn)) return random.oneIn(2) ? requestLost(50) : answerLost(50, random.integer(0, 100))
  return delayed(random.integer(0, 30))
}

const propertiesOf = (random: SeededRandom): ReadonlyArray<string> => [
  `batch.size=${random.pick(0, 100, 400)}`,
  `buffer.memory=${random.pick(1_024, 4_096)}`,
  `linger.ms=${random.pick(0, 5, 50)}`,
  `max.in.flight.requests.per.connection=${random.integer(1, 5)}`
]

interface Told {
  readonly partition: number
  readonly offset: bigint
  readonly value: string
}

/** The memory producer, which notes what it has told about each record. */
const watched = (told: Array<Told>) =>
  Layer.effect(
    Producer,
    Effect.map(Producer, (producer) =>
      Producer.of({
        send: (topic, records) =>
          Effect.tap(producer.send(topic, records), ([appended]) =>
            Effect.sync(() => {
              const { baseOffset = 0n, partition } = appended ?? { partition: -1 }
              records.forEach(({ value }, index) =>
                told.push({ partition, offset: baseOffset + BigInt(index), value: String(value) })
              )
            }))
      }))
  )

/** What `produce` says of its run, with what the log holds afterwards; what is on its way has arrived by then. */
const ending = ({ exit, out }: Effect.Effect.Success<ReturnType<typeof produced>>) =>
  Effect.gen(function*() {
    yield* Effect.sleep("1 minute")
    const { logs = [] } = (yield* MemoryKafka).topics.get("t") ?? {}
    return {
      exit,
      summary: JSON.parse(out.at(-1) ?? ""),
      places: out.slice(0, -1).flatMap((text) => text.split("\n")),
      logs: logs.map((log) =>
        log.records("read_uncommitted").map(({ offset, value }) => [offset, String(value)] as const)
      )
    }
  })
type Ending = Effect.Effect.Success<ReturnType<typeof ending>>

/** All that contradicts what must hold. */
const differences = (
  { logs, places, summary }: Ending,
  told: ReadonlyArray<Told>,
  { mode, print }: Run["options"] & {}
) => {
  const found: Array<string> = []
  for (const { offset, partition, value } of told) {
    const at = logs[partition]?.filter((record) => record[1] === value).map((record) => record[0]) ?? []
    if (at.join() !== String(offset)) found.push(`${value} was told at ${partition}@${offset}, is at ${at.join()}`)
  }
  for (const [partition, records] of logs.entries()) {
    const values = records.map(([, value]) => Number(value))
    const wanted = mode === "fire-and-forget"
      ? values.toSorted((a, b) => a - b)
      : values.map((_, index) => 1 + partition + index * partitions)
    if (values.join() !== wanted.join()) found.push(`${partition} holds ${values.join()}`)
  }
  if (summary.records !== told.length) found.push(`${summary.records} in the summary, ${told.length} acknowledged`)
  const expected = told.map(({ offset, partition }) =>
    JSON.stringify({ topic: "t", partition, offset: Number(offset) })
  )
  if (print === true && places.join() !== expected.join()) found.push(`printed ${places.join()}`)
  return found
}

describe("whatever is lost", () => {
  for (const mode of ["async", "sync", "fire-and-forget"] as const) {
    for (let seed = 1; seed <= 40; seed++) {
      it(`${mode}: what is acknowledged is in the log once, in order, at the offset that was told (seed ${seed})`, () => {
        const told: Array<Told> = []
        const random = makeRandom(seed)
        const options = { topic: "t", partitions, to: lastNumber, mode, print: mode !== "fire-and-forget" }
        const effect = Effect.gen(function*() {
          const cluster = yield* MemoryKafka
          const oneIn = random.pick(5, 40, 1_000_000)
          cluster.sendFate = () => fateOf(random, oneIn)
          const end = yield* ending(yield* produced({ options, properties: propertiesOf(random) }))
          assert.deepStrictEqual(differences(end, told, options), [])
          const { errors, records } = end.summary
          const isWhole = records === lastNumber
          assert.isTrue(isWhole || errors > 0)
          if (mode === "fire-and-forget") assert.strictEqual(records + errors, lastNumber)
          assert.strictEqual(Exit.isSuccess(end.exit), isWhole || mode === "fire-and-forget")
        })
        run(seed, Effect.provide(effect, watched(told)))
      })
    }
  }
})

describe("a signal", () => {
  for (let seed = 1; seed <= 40; seed++) {
    it(`what was accepted arrives and is acknowledged, and nothing else (seed ${seed})`, () => {
      const told: Array<Told> = []
      const random = makeRandom(seed)
      const options = { topic: "t", partitions, to: lastNumber, intervalMs: random.pick(0, 10), print: true }
      const effect = Effect.gen(function*() {
        const cluster = yield* MemoryKafka
        cluster.sendFate = () => delayed(random.integer(0, 30))
        const signalMs = random.integer(0, 200)
        const end = yield* ending(yield* produced({ options, properties: propertiesOf(random), signalMs }))
        assert.deepStrictEqual(differences(end, told, options), [])
        assert.strictEqual(end.summary.errors, 0)
        assert.strictEqual(end.logs.flat().length, told.length)
        assert.isTrue(Exit.isInterrupted(end.exit) || told.length === lastNumber)
      })
      run(seed, Effect.provide(effect, watched(told)))
    })
  }
})

describe("transactions", () => {
  const size = 10
  for (let seed = 1; seed <= 40; seed++) {
    it(`are seen whole or not at all, and counted as what they became (seed ${seed})`, () => {
      const random = makeRandom(seed)
      const options = { topic: "t", partitions, to: lastNumber, seed, transactionSize: size, abortRate: 0.3 }
      const properties = [...propertiesOf(random), "transactional.id=p"]
      const effect = Effect.gen(function*() {
        const cluster = yield* MemoryKafka
        const oneIn = random.pick(20, 1_000_000)
        cluster.sendFate = () => fateOf(random, oneIn)
        const { exit, summary } = yield* ending(yield* produced({ options, properties }))
        const visible = (yield* recordsOf("t", "read_committed")).map(({ value }) => Number(String(value)))
        const counts = new Map<number, number>()
        for (const number of visible) {
          const transaction = Math.ceil(number / size)
          counts.set(transaction, (counts.get(transaction) ?? 0) + 1)
        }
        const { aborted, committed, committedRecords } = summary.transactions
        assert.deepStrictEqual([...counts.values()], Array.from({ length: committed }, () => size))
        assert.deepStrictEqual([new Set(visible).size, committedRecords], [visible.length, visible.length])
        if (Exit.isSuccess(exit)) assert.deepStrictEqual([committed + aborted, summary.errors], [lastNumber / size, 0])
        else assert.isAbove(summary.errors, 0)
      })
      run(seed, effect)
    })
  }

  it("a signal while one is being committed waits for the outcome, which is asked for once", () => {
    /** As the Kafka layer: who is interrupted in the middle of a commit cannot ask again. */
    const slowCommits = Layer.effect(
      Transactions,
      Effect.map(Transactions, ({ open }) =>
        Transactions.of({
          open: (options) =>
            Effect.map(open(options), (producer) => {
              let isAsked = false
              const commit = Effect.suspend(() => {
                if (isAsked) return new KafkaRefused({ what: "how it ended is not known", cure: "open again" })
                isAsked = true
                return Effect.delay(producer.commit, 500)
              })
              return { ...producer, commit }
            })
        }))
    )
    const effect = Effect.gen(function*() {
      const options = { topic: "t", partitions, to: 10, transactionSize: 10 }
      const running = yield* Effect.fork(produced({ options, properties: ["transactional.id=p"], signalMs: 300 }))
      yield* Effect.sleep(299)
      assert.lengthOf(yield* recordsOf("t"), 10)
      assert.lengthOf(yield* recordsOf("t", "read_committed"), 0)
      const { exit, out } = yield* Fiber.join(running)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.lengthOf(yield* recordsOf("t", "read_committed"), 10)
      assert.deepInclude(JSON.parse(out.at(-1) ?? "").transactions, { committed: 1, committedRecords: 10 })
    })
    run(1, Effect.provide(effect, slowCommits))
  })
})

import { Effect, Layer, Random } from "effect"
import { Admin } from "../../src/layers/Admin.js"
import { KafkaUnavailable } from "../../src/layers/Consumer.js"
import { answerLost, delayed, type Fate, prompt, requestLost } from "../../src/layers/memory/Fate.js"
import type { MemoryCluster } from "../../src/layers/memory/MemoryCluster.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { startProcess } from "../../src/layers/memory/MemoryProcess.js"
import { type TransactionalProducer, Transactions } from "../../src/layers/Transactions.js"
import type { TransformOptions } from "../../src/programs/transform/settings.js"
import { transformCommand } from "../../src/programs/transform/transform.js"
import { testConfig } from "../support/pipeline.js"

export const transformOptions: TransformOptions = {
  input: "in",
  output: "out",
  map: "event",
  poison: "stop",
  deadLetterTopic: undefined,
  group: undefined,
  transactionalId: undefined,
  commitIntervalMs: 2000,
  commitRecords: 0,
  transactionTimeoutMs: 60_000,
  isolation: "read_committed",
  from: "earliest",
  untilEnd: false
}

export const group = "transform-in-out"

export const cluster = layerMemory({
  fetchRecords: 20,
  pollIntervalMs: 50,
  heartbeatIntervalMs: 500,
  sessionTimeoutMs: 6000
})

/** An instance in a process of its own. */
export const startTransform = (options: Partial<TransformOptions> = {}) =>
  startProcess(transformCommand(testConfig(), { ...transformOptions, ...options }))

/** `count` records `p,i` for each partition, numbered from `from` on, with hidden offsets in between where `gaps` says so. */
export const feed = (from: number, count: number, gaps = false) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const partitions = kafka.topics.get("in")?.logs.length ?? 0
    for (let i = from; i < from + count; i++) {
      for (let partition = 0; partition < partitions; partition++) {
        kafka.append("in", partition, Buffer.from(`${partition},${i}`))
        if (gaps && (yield* Random.next) < 0.1) kafka.appendInvisible("in", partition)
      }
    }
  })

const textOf = (value: Uint8Array | null): string => Buffer.from(value ?? []).toString()

/** Values that a reader of a partition sees. */
export const valuesOf = (
  topic: string,
  partition: number,
  isolation: "read_committed" | "read_uncommitted" = "read_committed"
) =>
  Effect.map(MemoryKafka, (kafka) => kafka.log(topic, partition).records(isolation).map(({ value }) => textOf(value)))

/** All that contradicts "each input once, in order per partition, and the group's offset is the end of the log". */
export const differences = Effect.gen(function*() {
  const kafka = yield* MemoryKafka
  const found: Array<string> = []
  for (const [partition, log] of kafka.topics.get("in")?.logs.entries() ?? []) {
    const wanted = log.records("read_committed").map(({ value }) => `EVENT(${textOf(value)})`)
    const got = yield* valuesOf("out", partition)
    if (got.join() !== wanted.join()) {
      found.push(`out-${partition}: ${wanted.length} inputs, ${got.length} outputs, ${new Set(got).size} different`)
    }
    const committed = kafka.committed.get(`${group}/in-${partition}`)
    if (committed !== log.end) found.push(`in-${partition}: committed ${committed}, end ${log.end}`)
  }
  return found
})

/** Where faults come from; off until the test says so. */
export interface Faults {
  on: boolean
  /** From 0 to 1, in an order that the seed gives. */
  roll: () => number
}

export const noFaults = (): Faults => ({ on: false, roll: () => 1 })

const pause = (faults: Faults): Effect.Effect<void> =>
  Effect.suspend(() => faults.on && faults.roll() < 0.5 ? Effect.sleep(Math.ceil(faults.roll() * 400)) : Effect.void)

const lost = () => new KafkaUnavailable({ what: "the coordinator", cause: "no answer" })

/** A producer whose requests take time, and whose end of a transaction may be lost on the way there, or on the way back. */
const unsteady = (faults: Faults, producer: TransactionalProducer): TransactionalProducer => {
  const slow = <A, E>(request: Effect.Effect<A, E>) =>
    Effect.zipLeft(Effect.zipRight(pause(faults), request), pause(faults))
  const commit = Effect.suspend(() => {
    const roll = faults.on ? faults.roll() : 1
    if (roll < 0.1) return Effect.zipRight(producer.commit, Effect.fail(lost()))
    return roll < 0.2 ? Effect.fail(lost()) : producer.commit
  })
  return {
    send: (topic, records) => slow(producer.send(topic, records)),
    sendOffsets: (of, topic, offsets) => slow(producer.sendOffsets(of, topic, offsets)),
    commit: slow(commit),
    abort: slow(producer.abort)
  }
}

/** Puts `change` between the programs and the transactions below. */
export const transactionsOf = (change: (inner: Transactions["Type"], kafka: MemoryCluster) => Transactions["Type"]) =>
  Layer.effect(Transactions, Effect.zipWith(Transactions, MemoryKafka, change))

/** The cluster with requests that take time and get lost. */
export const unsteadyCluster = (faults: Faults) =>
  Layer.mergeAll(
    transactionsOf((inner) =>
      Transactions.of({
        open: (options) => Effect.map(Effect.zipRight(pause(faults), inner.open(options)), (_) => unsteady(faults, _))
      })
    ),
    Layer.effect(
      Admin,
      Effect.map(Admin, (inner) =>
        Admin.of({
          ...inner,
          committedOffsets: (of, topic) => Effect.zipLeft(inner.committedOffsets(of, topic), pause(faults))
        }))
    )
  ).pipe(Layer.provideMerge(cluster))

export const sendFate = (faults: Faults) => (): Fate => {
  if (!faults.on) return prompt
  const roll = faults.roll()
  if (roll < 0.03) return requestLost(1000)
  if (roll < 0.06) return answerLost(1000, 500)
  return roll < 0.4 ? delayed(Math.ceil(faults.roll() * 300)) : prompt
}

import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { partitionOfKey } from "../../domain/murmur2.js"
import { KafkaRefused, KafkaUnavailable } from "../Consumer.js"
import { type Appended, type OutgoingRecord, Producer } from "../Producer.js"
import { meet } from "./Fate.js"
import type { MemoryCluster, MemoryTopic } from "./MemoryCluster.js"
import type { LogTransaction, MemoryLog } from "./MemoryLog.js"

/** Which transaction the records of a log belong to; fails where the producer may not write. */
export type Enlist<E> = (log: MemoryLog) => Effect.Effect<LogTransaction | undefined, E>

interface Sending {
  /** Round robin of each topic. */
  readonly next: Map<string, number>
  /** The send before arrives then: what is sent later arrives no earlier, whatever becomes of either. */
  arrivedMs: number
}

/** A producer without sequence numbers: who sends again what has not been answered may append it twice. */
export const makeSend = (cluster: MemoryCluster) => {
  const sending: Sending = { next: new Map(), arrivedMs: 0 }
  return <E = never>(topic: string, records: ReadonlyArray<OutgoingRecord>, enlist: Enlist<E> = noTransaction) =>
    Effect.gen(function*() {
      const found = cluster.topics.get(topic)
      if (found === undefined) {
        return yield* new KafkaRefused({ what: `topic ${topic} does not exist`, cure: "create it first" })
      }
      const nowMs = yield* Clock.currentTimeMillis
      const batches = yield* batchesOf(sending, found, topic, records)
      const fate = cluster.sendFate({ topic, records: records.length })
      const wanted = fate.doneAfterMs === "never" ? 0 : fate.doneAfterMs
      const doneAfterMs = Math.max(wanted, sending.arrivedMs - nowMs)
      if (fate.doneAfterMs !== "never") sending.arrivedMs = nowMs + doneAfterMs
      const append = Effect.forEach(batches, ([partition, batch]) => {
        const log = cluster.log(topic, partition)
        return Effect.map(enlist(log), (transaction): Appended => {
          const baseOffset = log.end
          for (const { headers = [], key, timestampMs = nowMs, value } of batch) {
            log.append({ timestampMs, key, value, headers }, transaction)
          }
          return { partition, baseOffset, count: batch.length }
        })
      })
      return yield* meet(
        cluster.time,
        fate.doneAfterMs === "never" ? fate : { ...fate, doneAfterMs },
        Effect.tap(append, () => cluster.appended(topic)),
        () => new KafkaUnavailable({ what: `write to topic ${topic}`, cause: "no answer" })
      )
    })
}

const noTransaction = () => Effect.succeed(undefined)

/** The records of each partition, in order. */
const batchesOf = (
  sending: Sending,
  { logs }: MemoryTopic,
  topic: string,
  records: ReadonlyArray<OutgoingRecord>
): Effect.Effect<ReadonlyMap<number, ReadonlyArray<OutgoingRecord>>, KafkaRefused> => {
  const batches = new Map<number, Array<OutgoingRecord>>()
  for (const record of records) {
    const partition = record.partition ?? partitionFor(sending, topic, record.key, logs.length)
    if (logs[partition] === undefined) {
      const what = `topic ${topic} has no partition ${partition}`
      return Effect.fail(new KafkaRefused({ what, cure: `choose one of 0 to ${logs.length - 1}` }))
    }
    const batch = batches.get(partition)
    if (batch === undefined) batches.set(partition, [record])
    else batch.push(record)
  }
  return Effect.succeed(batches)
}

const partitionFor = ({ next }: Sending, topic: string, key: Uint8Array | null, partitions: number): number => {
  if (key !== null) return partitionOfKey(key, partitions)
  const turn = next.get(topic) ?? 0
  next.set(topic, turn + 1)
  return turn % partitions
}

export const makeProducer = (cluster: MemoryCluster): Producer["Type"] => {
  const send = makeSend(cluster)
  return Producer.of({ send: (topic, records) => send(topic, records) })
}

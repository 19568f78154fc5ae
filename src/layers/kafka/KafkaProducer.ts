import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ProducerStamp } from "../../domain/recordBatch.js"
import { sequenceAfter } from "../../domain/sequence.js"
import { KafkaRefused } from "../Consumer.js"
import { type Appended, type OutgoingRecord, Producer } from "../Producer.js"
import { type Append, AppendFailed, nowMs } from "./appending.js"
import type { KafkaError } from "./errors.js"
import { makeLanes } from "./lanes.js"
import type { Batch, PartitionBatches } from "./partitioning.js"
import { type KafkaProducerOptions, makeSending, type Sending } from "./sending.js"

export type { KafkaProducerOptions } from "./sending.js"

/**
 * Real brokers. Connects at the first `send`, so that a layer can be built while they are away. Refused where the
 * options contradict each other, or this Node lacks the codec.
 *
 * One batch of a partition is on its way at a time: the next one is sent when it is acknowledged or given up, whoever
 * sends it. Retries therefore keep the order, and sequence numbers are given in the order in which batches arrive.
 */
export const layer = (options: KafkaProducerOptions): Layer.Layer<Producer, KafkaRefused> =>
  Layer.scoped(Producer, make(options))

const make = (options: KafkaProducerOptions) =>
  Effect.gen(function*() {
    const idempotent = options.idempotent ?? true
    if (idempotent && (options.acks ?? -1) !== -1) {
      return yield* new KafkaRefused({
        what: `an idempotent producer needs acks=all, not acks=${options.acks}`,
        cure: "ask for acks=all, or turn idempotence off"
      })
    }
    const sending = yield* makeSending(options)
    const lanes = yield* makeLanes
    const append = idempotent ? yield* makeIdempotent(sending) : sending.append

    const appendAll = (topic: string, { batches, partition }: PartitionBatches) =>
      Effect.forEach(batches, (batch) => append({ topic, partition }, batch)).pipe(
        Effect.mapError(({ error }) => error)
      )
    // In a lane of the topic, so that calls reach their partitions in the order in which they were made.
    const plan = (topic: string, records: ReadonlyArray<OutgoingRecord>) =>
      Effect.gen(function*() {
        const partitions = yield* sending.batches(topic, records, yield* nowMs)
        return yield* Effect.forEach(
          partitions,
          (each) => lanes.enter(`${topic}:${each.partition}`, appendAll(topic, each))
        )
      })
    const send = Effect.fn("KafkaProducer.send")(function*(topic: string, records: ReadonlyArray<OutgoingRecord>) {
      const planned = yield* lanes.enter(topic, plan(topic, records))
      // All are awaited, also if one fails: what an error leaves behind is settled then.
      const outcomes = yield* Effect.forEach(yield* planned, Effect.either, { concurrency: "unbounded" })
      return (yield* Effect.all(outcomes)).flat() satisfies ReadonlyArray<Appended>
    })
    return Producer.of({ send })
  })

/** What the next batch of a partition is stamped with. */
interface Sequence {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly next: number
}

/** The broker has lost or never had the sequence that a batch continues, or has other records under its numbers. */
const sequenceCodes = new Set([45, 46, 47, 59])
const epochMax = 32_767

/**
 * Sequence numbers, so that a batch that is sent again because its answer was lost is kept once (KIP-98). After a batch
 * whose fate is unknown nobody can tell which number comes next: the partition goes on with a higher epoch, from number
 * 0; a late copy of that batch has the old epoch and is refused (KIP-360).
 */
const makeIdempotent = (sending: Sending): Effect.Effect<Append> =>
  Effect.gen(function*() {
    const sequences = new Map<string, Sequence>()
    const identity = yield* Effect.makeSemaphore(1)
    let producerId: bigint | undefined
    const begin = identity.withPermits(1)(Effect.gen(function*() {
      producerId ??= (yield* Effect.mapError(sending.identity, notSent)).producerId
      return { producerId, producerEpoch: 0, next: 0 }
    }))
    const later = (sequence: Sequence): Sequence | undefined => {
      if (sequence.producerEpoch < epochMax) {
        return { ...sequence, producerEpoch: sequence.producerEpoch + 1, next: 0 }
      }
      if (producerId === sequence.producerId) producerId = undefined
      return undefined
    }

    const tryAppend = Effect.fnUntraced(
      function*(key: string, target: Parameters<Append>[0], batch: Batch): Effect.fn.Return<Appended, AppendFailed> {
        const sequence = sequences.get(key) ?? (yield* begin)
        const appended = yield* sending.append(target, batch, stampOf(sequence)).pipe(
          Effect.tapError(({ code, inDoubt }) =>
            Effect.sync(() => {
              const forgotten = code !== undefined && sequenceCodes.has(code)
              const next = inDoubt || forgotten ? later(sequence) : sequence
              if (next === undefined) sequences.delete(key)
              else sequences.set(key, next)
            })
          )
        )
        sequences.set(key, { ...sequence, next: sequenceAfter(sequence.next, batch.length) })
        return appended
      }
    )
    return (target, batch) => {
      const attempt = tryAppend(`${target.topic}-${target.partition}`, target, batch)
      // Refused at the first try, it is not in the log: it may be sent again with numbers that the broker takes.
      return Effect.catchIf(
        attempt,
        ({ code, inDoubt }) => code !== undefined && sequenceCodes.has(code) && !inDoubt,
        () => attempt
      )
    }
  })

const notSent = (error: KafkaError) => new AppendFailed({ error, code: undefined, inDoubt: false })

const stampOf = ({ next, producerEpoch, producerId }: Sequence): ProducerStamp => ({
  producerId,
  producerEpoch,
  baseSequence: next,
  transactional: false
})

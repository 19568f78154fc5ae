import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type BatchCodec, encodeBatch } from "../../domain/batchRecords.js"
import type { ProducerStamp } from "../../domain/recordBatch.js"
import type { Appended } from "../Producer.js"
import { classify, type KafkaError, unavailable } from "./errors.js"
import { errorOfCode } from "./library.js"
import type { Nodes } from "./nodes.js"
import type { Batch } from "./partitioning.js"
import { type Acks, type ProduceAnswer, produceProtocol } from "./produceRequest.js"
import { isUnavailable, retrying, type RetryPolicy } from "./retrying.js"
import type { Topics } from "./topics.js"

/** A batch that was not acknowledged. */
export class AppendFailed extends Data.TaggedError("AppendFailed")<{
  readonly error: KafkaError
  /** The protocol's error code, if a broker refused. */
  readonly code: number | undefined
  /** It may be in the log all the same, or come there later: an answer was lost. */
  readonly inDoubt: boolean
}> {}

export interface AppendOptions extends RetryPolicy {
  readonly brokers: ReadonlyArray<string>
  /** Undefined: not compressed. */
  readonly codec: BatchCodec | undefined
  readonly acks: Acks
  readonly requestTimeoutMs: number
}

export interface Target {
  readonly topic: string
  readonly partition: number
  readonly transactionalId?: string | undefined
}

/** Appends one batch, again and again until it is acknowledged, refused for good, or `retries` are used up. */
export type Append = (target: Target, batch: Batch, stamp?: ProducerStamp) => Effect.Effect<Appended, AppendFailed>

/**
 * What a leader refuses before it appends: the batch, the topic, the user, too few replicas. After any other error the
 * batch may be in the log: a leader that steps down while it waits for its followers says NOT_LEADER (6), or that it
 * knows the partition no more (3), of what it has appended and they may have.
 */
const refusedCodes = new Set([2, 10, 17, 18, 19, 21, 29, 31, 32, 35, 42, 43, 44, 45, 46, 47, 48, 49, 53, 59, 76, 87])
const duplicateSequence = 46
/** No longer, or not yet, the broker of this partition; a topic of that name may have another life there. */
const unknownTopicOrPartition = 3

export const makeAppend = (nodes: Nodes, topics: Topics, options: AppendOptions): Append => {
  const { acks, brokers, codec, requestTimeoutMs } = options

  const once = Effect.fnUntraced(function*({ partition, topic, transactionalId }: Target, batch: Uint8Array) {
    const doing = `write to topic ${topic}`
    const notSent = (error: KafkaError) => new AppendFailed({ error, code: undefined, inDoubt: false })
    const layout = yield* Effect.mapError(topics.layout(topic), notSent)
    const leader = yield* Effect.mapError(topics.leader(layout, partition), notSent)
    let answer: ProduceAnswer | undefined
    const protocol = produceProtocol(
      { topic, partition, batch, acks, timeoutMs: requestTimeoutMs, transactionalId },
      (given) => (answer = given)
    )
    yield* nodes.ask(leader, doing, ({ connectionPool }) => connectionPool.send(protocol)).pipe(
      Effect.mapError((error) => new AppendFailed({ error, code: undefined, inDoubt: true }))
    )
    if (answer === undefined) return undefined
    const { baseOffset, errorCode } = answer
    if (errorCode === 0) return baseOffset
    const error = errorCode === unknownTopicOrPartition
      ? unavailable(brokers, errorOfCode(errorCode))
      : classify(brokers, doing, errorOfCode(errorCode))
    return yield* new AppendFailed({ error, code: errorCode, inDoubt: !refusedCodes.has(errorCode) })
  })

  return (target, batch, stamp) =>
    Effect.suspend(() => {
      const bytes = encodeBatch(batch, codec, stamp)
      let inDoubt = false
      return once(target, bytes).pipe(
        Effect.tapError((failed) => {
          inDoubt ||= failed.inDoubt
          return topics.forget(target.topic)
        }),
        retrying(options, ({ error }) => isUnavailable(error)),
        // It is there since an earlier try; the broker has forgotten where. Without one the number is taken by another.
        Effect.catchIf(({ code }) => code === duplicateSequence && inDoubt, () => Effect.succeed(undefined)),
        Effect.mapBoth({
          onFailure: ({ code, error }) => new AppendFailed({ error, code, inDoubt }),
          onSuccess: (baseOffset) => ({ partition: target.partition, baseOffset, count: batch.length })
        })
      )
    })
}

/** Now, in whole milliseconds: a virtual clock may stand between two. */
export const nowMs = Effect.map(Clock.currentTimeMillis, Math.trunc)

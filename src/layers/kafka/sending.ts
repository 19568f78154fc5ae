import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { KafkaRefused } from "../Consumer.js"
import type { Compression, OutgoingRecord } from "../Producer.js"
import { type Append, makeAppend } from "./appending.js"
import { type KafkaClientOptions, requestTimeoutMs } from "./client.js"
import { codecFor } from "./codecs.js"
import type { KafkaError } from "./errors.js"
import { logReport } from "./log.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { choosePartition, intoBatches, type PartitionBatches } from "./partitioning.js"
import { askIdentity, type ProducerIdentity } from "./producerIdentity.js"
import type { Acks } from "./produceRequest.js"
import { isUnavailable, retrying, type RetryPolicy } from "./retrying.js"
import { makeTopics } from "./topics.js"

export interface KafkaProducerOptions extends KafkaClientOptions, Partial<RetryPolicy> {
  readonly compression: Compression
  /** -1, all in-sync replicas, unless given. */
  readonly acks?: Acks
  /** True unless given: what is sent again because an answer was lost is kept once. Needs acks -1. */
  readonly idempotent?: boolean
  /** For an answer; 15 s unless given. What takes longer is sent again, or given up after `retries`. */
  readonly requestTimeoutMs?: number
  /**
   * Requests without an answer per connection; unbounded unless given. Per partition it is one in any case, so that
   * retries keep the order.
   */
  readonly maxInFlight?: number
}

/** About ten seconds of an unreachable leader, then the caller decides. */
export const defaultRetries = 15
export const defaultRetryBackoffMs = 100

/** What every producer of this folder is made of. */
export interface Sending {
  readonly nodes: Nodes
  readonly retryPolicy: RetryPolicy
  readonly append: Append
  /** Chooses the partition of each record and cuts batches. */
  readonly batches: (
    topic: string,
    records: ReadonlyArray<OutgoingRecord>,
    nowMs: number
  ) => Effect.Effect<ReadonlyArray<PartitionBatches>, KafkaError>
  /** A new producer id, from any broker. */
  readonly identity: Effect.Effect<ProducerIdentity, KafkaError>
}

/** Connects nothing yet. Closing the scope destroys the connections. */
export const makeSending = (options: KafkaProducerOptions): Effect.Effect<Sending, KafkaRefused, Scope.Scope> =>
  Effect.gen(function*() {
    const { acks = -1, brokers, compression } = options
    const codec = yield* Either.mapLeft(
      codecFor(compression),
      (what) => new KafkaRefused({ what, cure: "choose gzip, snappy or lz4, or a newer Node" })
    )
    const run = yield* FiberSet.makeRuntime()
    const nodes = yield* makeNodes({ ...options, report: (report) => run(logReport(report)) })
    const topics = yield* makeTopics(nodes, options)
    const retryPolicy: RetryPolicy = {
      retries: options.retries ?? defaultRetries,
      retryBackoffMs: options.retryBackoffMs ?? defaultRetryBackoffMs
    }
    const append = makeAppend(nodes, topics, {
      ...retryPolicy,
      acks,
      brokers,
      codec,
      requestTimeoutMs: options.requestTimeoutMs ?? requestTimeoutMs
    })
    /** The next record without a key takes this partition, by topic. */
    const turns = new Map<string, { next: number }>()
    const turnOf = (topic: string) => {
      const turn = turns.get(topic) ?? { next: 0 }
      turns.set(topic, turn)
      return turn
    }

    return {
      nodes,
      retryPolicy,
      append,
      batches: Effect.fnUntraced(function*(topic, records, nowMs) {
        const named = records.reduce((most, { partition = 0 }) => Math.max(most, partition), 0)
        const known = yield* topics.firstLayout(topic)
        // One that is not known may have been added since.
        if (named >= known.partitions.length) yield* topics.forget(topic)
        const { partitions } = yield* topics.firstLayout(topic)
        const count = partitions.length
        if (named >= count) {
          const what = `topic ${topic} has no partition ${named}`
          return yield* new KafkaRefused({ what, cure: `choose one below ${count}` })
        }
        const withLeader = partitions.filter(({ leader }) => leader !== -1).map(({ partition }) => partition)
        const turn = turnOf(topic)
        return intoBatches(records, (record) => choosePartition(record, { count, withLeader }, turn), nowMs)
      }),
      identity: Effect.gen(function*() {
        const broker = yield* nodes.any
        return yield* askIdentity(nodes, brokers, broker)
      }).pipe(retrying(retryPolicy, isUnavailable))
    }
  })

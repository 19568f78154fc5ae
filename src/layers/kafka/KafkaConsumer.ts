import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Consumer } from "../Consumer.js"
import { InstanceLock } from "../InstanceLock.js"
import type { KafkaClientOptions } from "./client.js"
import { makeMembership } from "./membership.js"

export interface KafkaConsumerOptions extends KafkaClientOptions {
  /** How long a member may be silent before its partitions go to others. Brokers take 6 s at least by default. */
  readonly sessionTimeoutMs: number
  /** A third of the session time-out or less, so that one lost heartbeat costs nothing. */
  readonly heartbeatIntervalMs: number
  /** Longest wait of one fetch for data; heartbeats are sent in between, so that it never exceeds their interval. */
  readonly pollIntervalMs: number
  /** Of one fetch and partition. A larger batch of a producer comes whole all the same. */
  readonly fetchMaxBytesPerPartition: number
}

/** Real brokers. Each membership has its own connections, and leaves its group when its scope closes. */
export const layer = (options: KafkaConsumerOptions): Layer.Layer<Consumer, never, InstanceLock> =>
  Layer.effect(
    Consumer,
    Effect.map(InstanceLock, (lock) => Consumer.of({ join: (join) => makeMembership(options, join, lock) }))
  )

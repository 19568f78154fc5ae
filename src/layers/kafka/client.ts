import type { KafkaConfig, RetryOptions } from "kafkajs"
import type { Sockets } from "./sockets.js"

/** How the brokers are reached; what every layer of this folder is told. */
export interface KafkaClientOptions {
  /** host:port, any broker of the cluster; the others are learned from it. */
  readonly brokers: ReadonlyArray<string>
  /** Appears in the brokers' logs, metrics and quotas. */
  readonly clientId: string
}

export interface KafkaConsumerOptions extends KafkaClientOptions {
  /** How long a member may be silent before its partitions go to others. Brokers take 6 s at least by default. */
  readonly sessionTimeoutMs: number
  /** A third of the session time-out or less, so that one lost heartbeat costs nothing. */
  readonly heartbeatIntervalMs: number
  /** Longest wait of one fetch for data; heartbeats are sent in between, so that it never exceeds their interval. */
  readonly pollIntervalMs: number
  /** Of one fetch and partition. A larger batch of a producer comes whole all the same. */
  readonly fetchMaxBytesPerPartition: number
  /** Of one fetch of all partitions that one broker leads. Default 10 MiB, as kafkajs. */
  readonly fetchMaxBytes?: number
  /** A fetch waits for so much, as long as `pollIntervalMs`. Default 1. */
  readonly fetchMinBytes?: number
}

/** One connection attempt. Too low fails on a slow network; too high makes each dead broker of the list cost as much. */
export const connectionTimeoutMs = 2000
/** For an answer. A broker that stalls for longer is taken for dead. kafkajs's own default is 30 s. */
export const requestTimeoutMs = 15_000
/** How long the first contact may take, all brokers and attempts together. */
export const connectWithin = "5 seconds"
/** How long closing waits for the client's own good-bye before its sockets are destroyed. */
export const disconnectWithin = "10 seconds"

/**
 * All five are given, because kafkajs takes what lacks from other defaults where NODE_ENV is "test". The back-off does
 * not go beyond a second: it never shrinks again after a success, so that a broker which comes back after a night of
 * short outages would be noticed 30 s late.
 */
export const patient: RetryOptions = {
  initialRetryTime: 100,
  maxRetryTime: 1000,
  factor: 0.2,
  multiplier: 2,
  // The retries of one fetch loop are never counted from zero again (a good fetch does not reset them): any number that
  // can be reached would one day end a healthy consumer.
  retries: Number.MAX_SAFE_INTEGER
}

/** Within one request; who asked decides whether to ask again. Each attempt takes the next broker of the list. */
export const impatient = (brokers: ReadonlyArray<string>): RetryOptions => ({
  ...patient,
  retries: Math.max(3, brokers.length),
  maxRetryTime: 500
})

export const clientConfig = (
  { brokers, clientId }: KafkaClientOptions,
  sockets: Sockets
): KafkaConfig => ({
  brokers: [...brokers],
  clientId,
  connectionTimeout: connectionTimeoutMs,
  requestTimeout: requestTimeoutMs,
  enforceRequestTimeout: true,
  retry: impatient(brokers),
  socketFactory: sockets.factory
})

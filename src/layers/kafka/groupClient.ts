import type * as KafkaJs from "kafkajs"
import { type BrokerHooks, hookCluster } from "./brokers.js"
import { clientConfig, type KafkaConsumerOptions, patient } from "./client.js"
import type { Broker, Cluster } from "./internals.js"
import { kafkajs } from "./library.js"
import type { Sockets } from "./sockets.js"
import { topicAssigner } from "./topicAssigner.js"

const fetchMaxBytes = 10 * 1024 * 1024
/** How often new partitions and other changes of the topic are looked for. */
const metadataMaxAgeMs = 60_000

/** Longest wait of a fetch. kafkajs sends heartbeats between fetches only, so that a longer one would delay them. */
export const fetchWaitMs = ({ heartbeatIntervalMs, pollIntervalMs }: KafkaConsumerOptions): number =>
  Math.min(pollIntervalMs, heartbeatIntervalMs)

/** A kafkajs consumer whose brokers call our hooks. */
export interface GroupClient {
  readonly consumer: KafkaJs.Consumer
  /** The broker of the first connection. */
  readonly seed: () => Broker | undefined
}

export interface GroupClientEnv {
  readonly group: string
  readonly hooks: BrokerHooks
  readonly sockets: Sockets
  readonly log: (entry: KafkaJs.LogEntry) => void
  /** The membership is over: kafkajs must not begin again. */
  readonly isClosed: () => boolean
}

export const makeGroupClient = (options: KafkaConsumerOptions, env: GroupClientEnv): GroupClient => {
  const kafka = new kafkajs.Kafka({
    ...clientConfig(options, env.sockets),
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => env.isClosed() ? undefined : env.log(entry)
  })
  let cluster: Cluster | undefined
  const consumer = kafka.consumer({
    groupId: env.group,
    sessionTimeout: options.sessionTimeoutMs,
    // How long the coordinator waits for the others to join again. Nothing here holds up a join (no handler waits), so
    // that a member which takes longer is as good as dead.
    rebalanceTimeout: options.sessionTimeoutMs,
    heartbeatInterval: options.heartbeatIntervalMs,
    maxWaitTimeInMs: fetchWaitMs(options),
    maxBytesPerPartition: options.fetchMaxBytesPerPartition,
    minBytes: options.fetchMinBytes ?? 1,
    maxBytes: options.fetchMaxBytes ?? fetchMaxBytes,
    metadataMaxAge: metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    retry: { ...patient, restartOnFailure: () => Promise.resolve(!env.isClosed()) },
    partitionAssigners: [(own) => {
      // The one place where kafkajs hands out the cluster of a consumer.
      cluster = hookable(own.cluster)
      hookCluster(cluster, env.hooks)
      return topicAssigner(own, cluster)
    }]
  })
  return { consumer, seed: () => cluster?.brokerPool.seedBroker }
}

const hookable = (cluster: unknown): Cluster => {
  if (isCluster(cluster)) return cluster
  throw new Error("kafkajs has handed out something else than its cluster")
}
const isCluster = (value: unknown): value is Cluster =>
  typeof value === "object" && value !== null && "brokerPool" in value && "findBroker" in value

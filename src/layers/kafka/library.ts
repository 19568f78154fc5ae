/**
 * kafkajs, loaded in one place: the version is checked and its faults are corrected before anybody uses it. kafkajs is
 * CommonJS and has no `exports` map, so that parts which it does not export are reachable by path; it has had no release
 * since 2.2.4 (February 2023), so that they stand still.
 */
import { createRequire } from "node:module"
import type * as KafkaJs from "kafkajs"
import type { ConnectionPool, ProtocolEncoder, RequestDefinitions, TransactionBroker } from "./internals.js"
import {
  type BrokerClass,
  type BrokerPoolClass,
  connectedOnceItCanSend,
  type ConsumerGroupClass,
  fetchersEndWithTheirRunner,
  heartbeatsWhateverTheClock,
  metadataAgesWhateverTheClock,
  requireVersion,
  type RunnerClass
} from "./patches.js"
import {
  type ConnectionClass,
  type RequestQueueClass,
  requestsEndInTime,
  throttlesByElapsedTime,
  withoutTimerLoop
} from "./requestQueue.js"

const require = createRequire(import.meta.url)

const manifest: { readonly version: string } = require("kafkajs/package.json")
requireVersion(manifest.version)

const RequestQueue: RequestQueueClass = require("kafkajs/src/network/requestQueue")
const Connection: ConnectionClass = require("kafkajs/src/network/connection")
requestsEndInTime(RequestQueue, Connection)
throttlesByElapsedTime(RequestQueue)
withoutTimerLoop(RequestQueue)
const BrokerOfKafkajs: BrokerClass = require("kafkajs/src/broker")
connectedOnceItCanSend(BrokerOfKafkajs)
const ConsumerGroup: ConsumerGroupClass = require("kafkajs/src/consumer/consumerGroup")
heartbeatsWhateverTheClock(ConsumerGroup)
const Runner: RunnerClass = require("kafkajs/src/consumer/runner")
fetchersEndWithTheirRunner(Runner)
const BrokerPool: BrokerPoolClass = require("kafkajs/src/cluster/brokerPool")
metadataAgesWhateverTheClock(BrokerPool)

export const kafkajs: typeof KafkaJs = require("kafkajs")

/** The request definitions by the name of the API, as kafkajs spells it. */
export const requests: Readonly<Record<ApiName, RequestDefinitions>> = require("kafkajs/src/protocol/requests").requests
export type ApiName =
  | "Produce"
  | "Fetch"
  | "ListOffsets"
  | "Metadata"
  | "OffsetCommit"
  | "OffsetFetch"
  | "GroupCoordinator"
  | "JoinGroup"
  | "Heartbeat"
  | "LeaveGroup"
  | "SyncGroup"
  | "ListGroups"
  | "DescribeGroups"
  | "CreateTopics"
  | "CreatePartitions"
  | "DescribeConfigs"
  | "InitProducerId"
export const apiKeys: Readonly<Record<ApiName, number>> = require("kafkajs/src/protocol/requests/apiKeys")

export const Encoder: new() => ProtocolEncoder = require("kafkajs/src/protocol/encoder")

/** Maps a protocol error code to kafkajs's error for it. */
export const errorOfCode: (code: number) => Error = require("kafkajs/src/protocol/error").createErrorFromCode

/** A broker of its own, outside of any kafkajs client: for single requests. */
export const KafkaBroker: new(options: BrokerOptions) => TransactionBroker = require("kafkajs/src/broker")
export interface BrokerOptions {
  readonly logger: unknown
  readonly connectionPool: ConnectionPool
  readonly allowAutoTopicCreation: boolean
}

export const makeConnectionPoolBuilder: (options: {
  readonly logger: unknown
  readonly brokers: ReadonlyArray<string>
  readonly clientId: string
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
  readonly maxInFlightRequests?: number
  readonly socketFactory: KafkaJs.ISocketFactory
}) => {
  readonly build: (node: { readonly host: string; readonly port: number }) => Promise<ConnectionPool>
} = require("kafkajs/src/cluster/connectionPoolBuilder")

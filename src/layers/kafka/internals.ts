/**
 * The parts of kafkajs 2.2.4 that its own types leave out and this folder uses. They were read in its source; the
 * version guard of library.ts keeps them true.
 */

/** A request with its encoder, and how its answer is read: what a connection takes. */
export interface Protocol {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly encode: () => Promise<unknown>
    /** Answers false where the broker will not answer; true if it lacks. */
    readonly expectResponse?: () => boolean
  }
  readonly response: ProtocolResponse
  readonly requestTimeout?: number | null
}

export interface ProtocolResponse {
  readonly decode: (payload: Buffer) => Promise<unknown>
  readonly parse: (decoded: unknown) => Promise<unknown>
}

export interface VersionRange {
  readonly minVersion: number
  readonly maxVersion: number
}

export interface FetchRequest {
  readonly isolationLevel?: number
  readonly maxWaitTime?: number
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly rackId?: string
  readonly topics: ReadonlyArray<{
    readonly topic: string
    readonly partitions: ReadonlyArray<{
      readonly partition: number
      readonly fetchOffset: string
      readonly maxBytes: number
    }>
  }>
}

export interface JoinRequest {
  readonly groupId: string
  readonly memberId?: string
}

export interface JoinResponse {
  readonly generationId: number
  readonly memberId: string
}

export interface HeartbeatRequest {
  readonly groupId: string
  readonly groupGenerationId: number
  readonly memberId: string
}

export interface TopicPartitionOffsets {
  readonly topic: string
  readonly partitions: ReadonlyArray<{ readonly partition: number; readonly offset: string }>
}

/** Whose transaction a request is about. */
export interface TransactionOwner {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** The connections to one node. */
export interface ConnectionPool {
  readonly send: (protocol: Protocol) => Promise<unknown>
}

/** One node, with the two connections that kafkajs keeps to it (one for fetches alone). Methods are replaceable. */
export interface Broker {
  readonly nodeId: number | string | null
  readonly brokerAddress: string
  readonly versions: Readonly<Record<number, VersionRange>> | null
  readonly connectionPool: ConnectionPool
  isConnected: () => boolean
  connect: () => Promise<void>
  disconnect: () => Promise<void>
  fetch: (request: FetchRequest) => Promise<unknown>
  joinGroup: (request: JoinRequest) => Promise<JoinResponse>
  heartbeat: (request: HeartbeatRequest) => Promise<unknown>
  leaveGroup: (request: { readonly groupId: string; readonly memberId: string }) => Promise<unknown>
  describeGroups: (request: { readonly groupIds: ReadonlyArray<string> }) => Promise<{
    readonly groups: ReadonlyArray<{
      readonly groupId: string
      readonly state: string
      readonly members: ReadonlyArray<{ readonly memberId: string }>
    }>
  }>
  offsetCommit: (request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: ReadonlyArray<TopicPartitionOffsets>
  }) => Promise<unknown>
  offsetFetch: (request: {
    readonly groupId: string
    readonly topics: ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ readonly partition: number }>
    }>
  }) => Promise<{ readonly responses: ReadonlyArray<TopicPartitionOffsets> }>
  listOffsets: (request: {
    readonly isolationLevel: number
    readonly topics: ReadonlyArray<{
      readonly topic: string
      readonly partitions: ReadonlyArray<{ readonly partition: number; readonly timestamp: number }>
    }>
  }) => Promise<{ readonly responses: ReadonlyArray<TopicPartitionOffsets> }>
  createTopics: (request: {
    readonly topics: ReadonlyArray<{
      readonly topic: string
      readonly numPartitions: number
      readonly replicationFactor: number
    }>
    readonly timeout: number
  }) => Promise<unknown>
  findGroupCoordinator: (group: { readonly groupId: string; readonly coordinatorType: number }) => Promise<{
    readonly coordinator: { readonly host: string; readonly port: number }
  }>
}

/** A node for single requests, those of transactions among them. */
export interface TransactionBroker extends Broker {
  addPartitionsToTxn: (
    request: TransactionOwner & {
      readonly topics: ReadonlyArray<{ readonly topic: string; readonly partitions: ReadonlyArray<number> }>
    }
  ) => Promise<unknown>
  addOffsetsToTxn: (request: TransactionOwner & { readonly groupId: string }) => Promise<unknown>
  txnOffsetCommit: (
    request: TransactionOwner & { readonly groupId: string; readonly topics: ReadonlyArray<TopicPartitionOffsets> }
  ) => Promise<unknown>
  endTxn: (request: TransactionOwner & { readonly transactionResult: boolean }) => Promise<unknown>
}

/** All brokers, as a consumer sees them. */
export interface Cluster {
  findBroker: (node: { readonly nodeId: number | string }) => Promise<Broker>
  findGroupCoordinatorMetadata: (group: { readonly groupId: string; readonly coordinatorType: number }) => Promise<{
    readonly coordinator: { readonly nodeId: number | string }
  }>
  readonly brokerPool: { readonly seedBroker: Broker | undefined }
}

/** One API of the protocol: the versions that kafkajs can write, and a constructor for each. */
export interface RequestDefinitions {
  readonly versions: ReadonlyArray<string>
  readonly protocol: (options: { readonly version: number }) => (options: object) => Protocol
}

export interface ProtocolEncoder {
  writeInt32(value: number): ProtocolEncoder
  writeInt8(value: number): ProtocolEncoder
  writeUVarInt(value: number): ProtocolEncoder
  writeBuffer(value: Buffer): ProtocolEncoder
}

import type { Broker } from "./internals.js"
import { apiKeys, Encoder } from "./library.js"

/** What a cluster says of itself. */
export interface ClusterNodes {
  readonly clusterId: string
  readonly controllerId: number
  readonly nodes: ReadonlyMap<number, { readonly host: string; readonly port: number }>
}

/** What a cluster says of one topic. */
export interface TopicMetadata {
  /** Protocol error code of the topic; 0 is none. */
  readonly errorCode: number
  readonly topic: string
  /** "" where the broker does not tell. */
  readonly topicId: string
  /** Kafka's own: offsets of groups, states of transactions. */
  readonly internal: boolean
  /** Ascending. */
  readonly partitions: ReadonlyArray<PartitionMetadata>
}

export interface PartitionMetadata {
  readonly partition: number
  /** -1: none. */
  readonly leader: number
  readonly replicas: ReadonlyArray<number>
  readonly inSync: ReadonlyArray<number>
}

export type ClusterMetadata = ClusterNodes & TopicMetadata

/**
 * kafkajs asks in version 6, which knows no topic ids (KIP-516). From 9 on (Kafka 2.4) the format is "flexible"
 * (KIP-482); 10 is the first with topic ids (Kafka 2.8).
 */
export const metadataVersions = { min: 9, max: 12 } as const
const withClusterOperationsUntil = 10

/** Asks a broker for one topic, which is not created by asking. Rejects only if there is no answer. */
export const fetchMetadata = async (broker: Broker, topic: string): Promise<ClusterMetadata> => {
  const { topics: [found], ...cluster } = await ask(broker, topic)
  if (found === undefined) throw new Error("the broker's answer has no topic")
  return { ...cluster, ...found }
}

/** Asks a broker for all topics that the user may see. */
export const fetchAllMetadata = (broker: Broker): Promise<Answer> => ask(broker, undefined)

interface Answer extends ClusterNodes {
  readonly topics: ReadonlyArray<TopicMetadata>
}

const ask = async (broker: Broker, topic: string | undefined): Promise<Answer> => {
  const offered = broker.versions?.[apiKeys.Metadata]?.maxVersion ?? 0
  const version = Math.min(metadataVersions.max, offered)
  let answer: Answer | undefined
  await broker.connectionPool.send({
    request: {
      apiKey: apiKeys.Metadata,
      apiVersion: version,
      apiName: "Metadata",
      encode: async () => encode(topic, version)
    },
    response: {
      decode: async (payload) => (answer = decode(payload, version)),
      parse: async (decoded) => decoded
    }
  })
  if (answer === undefined) throw new Error("a Metadata request ended without an answer")
  return answer
}

/** Undefined asks for all topics: an array that is null. */
const encode = (topic: string | undefined, version: number) => {
  const encoder = new Encoder()
    // kafkajs writes the header of version 1; a flexible request has one more byte there: no tagged fields.
    .writeUVarInt(0)
    .writeUVarInt(topic === undefined ? 0 : 2)
  if (topic !== undefined) {
    const name = Buffer.from(topic, "utf8")
    if (version >= 10) encoder.writeBuffer(Buffer.alloc(16))
    encoder.writeUVarInt(name.length + 1).writeBuffer(name).writeUVarInt(0)
  }
  const allowTopicCreation = 0
  const operations = version <= withClusterOperationsUntil ? [0, 0] : [0]
  for (const flag of [allowTopicCreation, ...operations]) encoder.writeInt8(flag)
  return encoder.writeUVarInt(0)
}

const decode = (payload: Buffer, version: number): Answer => {
  const reader = new FlexibleReader(payload)
  reader.tags()
  reader.int32()
  const nodes = new Map(reader.array(() => {
    const node = [reader.int32(), { host: reader.string(), port: reader.int32() }] as const
    reader.string()
    reader.tags()
    return node
  }))
  const clusterId = reader.string()
  const controllerId = reader.int32()
  const topics = reader.array(() => readTopic(reader, version))
  return { clusterId, controllerId, nodes, topics }
}

const readTopic = (reader: FlexibleReader, version: number): TopicMetadata => {
  const errorCode = reader.int16()
  const topic = reader.string()
  const topicId = version >= 10 ? reader.uuid() : ""
  const internal = reader.int8() !== 0
  const partitions = reader.array(() => {
    reader.int16()
    const [partition, leader] = [reader.int32(), reader.int32()]
    reader.int32()
    const replicas = reader.array(() => reader.int32())
    const inSync = reader.array(() => reader.int32())
    // Replicas that are offline.
    reader.array(() => reader.int32())
    reader.tags()
    return { partition, leader, replicas, inSync }
  })
  reader.int32()
  reader.tags()
  const ascending = partitions.toSorted((a, b) => a.partition - b.partition)
  return { errorCode, topic, topicId, internal, partitions: ascending }
}

/** The compact types of KIP-482: lengths are unsigned varints, one more than the length, 0 for null. */
class FlexibleReader {
  #at = 0
  readonly #buffer: Buffer

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  int8(): number {
    return this.#buffer.readInt8(this.#at++)
  }

  int16(): number {
    this.#at += 2
    return this.#buffer.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#buffer.readInt32BE(this.#at - 4)
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0;; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#at++)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }

  /** "" for null. */
  string(): string {
    const length = Math.max(0, this.uvarint() - 1)
    this.#at += length
    return this.#buffer.toString("utf8", this.#at - length, this.#at)
  }

  /** "" for the id of all zeros, which stands for none. */
  uuid(): string {
    this.#at += 16
    const hex = this.#buffer.toString("hex", this.#at - 16, this.#at)
    return /^0+$/.test(hex) ? "" : hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
  }

  array<A>(item: () => A): Array<A> {
    const length = Math.max(0, this.uvarint() - 1)
    const items: Array<A> = []
    for (let index = 0; index < length; index++) items.push(item())
    return items
  }

  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      const length = this.uvarint()
      this.skip(length)
    }
  }
}

import type { Broker } from "./internals.js"
import { apiKeys, Encoder } from "./library.js"

/** What a cluster says of one topic. */
export interface ClusterMetadata {
  readonly clusterId: string
  readonly controllerId: number
  readonly nodes: ReadonlyMap<number, { readonly host: string; readonly port: number }>
  /** Protocol error code of the topic; 0 is none. */
  readonly errorCode: number
  /** "" where the broker does not tell. */
  readonly topicId: string
  readonly partitions: ReadonlyArray<{ readonly partition: number; readonly leader: number }>
}

/**
 * kafkajs asks in version 6, which knows no topic ids (KIP-516). From 9 on (Kafka 2.4) the format is "flexible"
 * (KIP-482); 10 is the first with topic ids (Kafka 2.8).
 */
export const metadataVersions = { min: 9, max: 12 } as const
const withClusterOperationsUntil = 10

/** Asks a broker for one topic, which is not created by asking. Rejects only if there is no answer. */
export const fetchMetadata = async (broker: Broker, topic: string): Promise<ClusterMetadata> => {
  const offered = broker.versions?.[apiKeys.Metadata]?.maxVersion ?? 0
  const version = Math.min(metadataVersions.max, offered)
  let metadata: ClusterMetadata | undefined
  await broker.connectionPool.send({
    request: {
      apiKey: apiKeys.Metadata,
      apiVersion: version,
      apiName: "Metadata",
      encode: async () => encode(topic, version)
    },
    response: {
      decode: async (payload) => (metadata = decode(payload, version)),
      parse: async (decoded) => decoded
    }
  })
  if (metadata === undefined) throw new Error("a Metadata request ended without an answer")
  return metadata
}

const encode = (topic: string, version: number) => {
  const name = Buffer.from(topic, "utf8")
  const encoder = new Encoder()
    // kafkajs writes the header of version 1; a flexible request has one more byte there: no tagged fields.
    .writeUVarInt(0)
    .writeUVarInt(2)
  if (version >= 10) encoder.writeBuffer(Buffer.alloc(16))
  encoder.writeUVarInt(name.length + 1).writeBuffer(name).writeUVarInt(0)
  const allowTopicCreation = 0
  const operations = version <= withClusterOperationsUntil ? [0, 0] : [0]
  for (const flag of [allowTopicCreation, ...operations]) encoder.writeInt8(flag)
  return encoder.writeUVarInt(0)
}

const decode = (payload: Buffer, version: number): ClusterMetadata => {
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
  const topics = reader.array(() => {
    const errorCode = reader.int16()
    reader.string()
    const topicId = version >= 10 ? reader.uuid() : ""
    reader.skip(1)
    const partitions = reader.array(() => {
      reader.int16()
      const [partition, leader] = [reader.int32(), reader.int32()]
      reader.int32()
      for (const _ of ["replicas", "isr", "offline"]) reader.array(() => reader.int32())
      reader.tags()
      return { partition, leader }
    })
    reader.int32()
    reader.tags()
    return { errorCode, topicId, partitions: partitions.toSorted((a, b) => a.partition - b.partition) }
  })
  const [topic] = topics
  if (topic === undefined) throw new Error("the broker's answer has no topic")
  return { clusterId, controllerId, nodes, ...topic }
}

/** The compact types of KIP-482: lengths are unsigned varints, one more than the length, 0 for null. */
class FlexibleReader {
  #at = 0
  readonly #buffer: Buffer

  constructor(buffer: Buffer) {
    this.#buffer = buffer
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

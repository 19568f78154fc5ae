import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { partitionOfKey } from "../../domain/murmur2.js"
import type { OutgoingRecord } from "../Producer.js"

/**
 * Largest batch that is sent, before compression. Brokers take 1 MiB by default (message.max.bytes); the rest is for
 * headers and framing. A larger record goes alone.
 */
export const batchBytesMax = 768 * 1024
const recordBytesMin = 64

/** The records of one batch; their offsets count from 0. */
export type Batch = readonly [KafkaRecord, ...ReadonlyArray<KafkaRecord>]

export interface PartitionBatches {
  readonly partition: number
  readonly batches: ReadonlyArray<Batch>
}

/** The partitions of a topic; without a key only those that have a leader are chosen. */
export interface TopicPartitions {
  readonly count: number
  readonly withLeader: ReadonlyArray<number>
}

/**
 * Chooses the partition of each record, once: what is sent again must go where it went before. `turn` counts the
 * records without a key, so that they take the partitions in turn over all calls.
 */
export const choosePartition = (
  { key, partition }: OutgoingRecord,
  { count, withLeader }: TopicPartitions,
  turn: { next: number }
): number => {
  if (partition !== undefined) return partition
  if (key !== null) return partitionOfKey(key, count)
  const next = turn.next++
  return withLeader.length === 0 ? next % count : withLeader[next % withLeader.length] ?? 0
}

/** Records in their order, by partition and cut into batches. */
export const intoBatches = (
  records: ReadonlyArray<OutgoingRecord>,
  partitionOf: (record: OutgoingRecord) => number,
  nowMs: number
): ReadonlyArray<PartitionBatches> => {
  const partitions = new Map<number, Array<OpenBatch>>()
  for (const record of records) {
    const partition = partitionOf(record)
    const bytes = bytesOf(record)
    const batches = partitions.get(partition) ?? []
    partitions.set(partition, batches)
    const last = batches.at(-1)
    if (last === undefined || last.bytes + bytes > batchBytesMax) {
      batches.push({ records: [recordOf(record, 0, nowMs)], bytes })
    } else {
      last.records.push(recordOf(record, last.records.length, nowMs))
      last.bytes += bytes
    }
  }
  return Array.from(partitions, ([partition, batches]) => ({ partition, batches: batches.map((each) => each.records) }))
}

interface OpenBatch {
  readonly records: [KafkaRecord, ...Array<KafkaRecord>]
  bytes: number
}

const bytesOf = ({ headers, key, value }: OutgoingRecord): number => {
  let bytes = recordBytesMin + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers ?? []) bytes += name.length + content.length
  return bytes
}

const recordOf = ({ headers, key, timestampMs, value }: OutgoingRecord, index: number, nowMs: number): KafkaRecord => ({
  offset: BigInt(index),
  timestampMs: timestampMs ?? nowMs,
  key,
  value,
  headers: headers ?? []
})

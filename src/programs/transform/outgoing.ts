import * as Either from "effect/Either"
import type { KafkaRecord, Slice } from "../../domain/KafkaRecord.js"
import { partitionOfKey } from "../../domain/murmur2.js"
import type { OutgoingRecord } from "../../layers/Producer.js"
import type { InputRecord, Mapping, OutputRecord } from "./mapping.js"

/** Where records of one input partition go, and how. */
export interface Route {
  readonly mapping: Mapping
  /** `undefined`: a record that cannot be mapped stops the partition. */
  readonly deadLetters: Target | undefined
  readonly input: { readonly topic: string; readonly partition: number; readonly partitions: number }
  readonly output: Target
}

export interface Target {
  readonly topic: string
  readonly partitions: number
}

/** A slice, mapped: what to send, and how far that goes. */
export interface Mapped {
  readonly output: ReadonlyArray<OutgoingRecord>
  readonly deadLetters: ReadonlyArray<OutgoingRecord>
  readonly recordsIn: number
  /** Input offset up to which it is all (exclusive): the slice's end, or the record that stops the partition. */
  readonly next: bigint
  readonly poison?: { readonly offset: bigint; readonly reason: string }
}

/** Maps the records of a slice, in order. */
export const mapSlice = (route: Route, slice: Slice): Mapped => {
  const output: Array<OutgoingRecord> = []
  const deadLetters: Array<OutgoingRecord> = []
  for (const [index, record] of slice.records.entries()) {
    const mapped = mapRecord(route, record)
    if (Either.isRight(mapped)) output.push(...mapped.right)
    else if (route.deadLetters !== undefined) deadLetters.push(letterOf(route, route.deadLetters, record, mapped.left))
    else {
      const poison = { offset: record.offset, reason: mapped.left }
      return { output, deadLetters, recordsIn: index, next: record.offset, poison }
    }
  }
  return { output, deadLetters, recordsIn: slice.records.length, next: slice.next }
}

const mapRecord = (
  { input, mapping, output }: Route,
  record: KafkaRecord
): Either.Either<ReadonlyArray<OutgoingRecord>, string> =>
  Either.map(
    mapping(inputOf(input, record)),
    (records) => records.map((one) => ({ ...one, partition: partitionOf(input, output, one) }))
  )

/**
 * Always the same partition for the same key of one input partition, so that their order is kept: the partition of the
 * same number where both topics have as many (so that all of a partition stays in order); else where the Java client
 * would put the key, so that the output can be joined with other topics; without a key, one by the input's number.
 */
const partitionOf = (input: Route["input"], { partitions }: Target, { key }: Pick<OutputRecord, "key">): number =>
  partitions === input.partitions || key === null ? input.partition % partitions : partitionOfKey(key, partitions)

const buffer = (bytes: Uint8Array | null): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const inputOf = ({ partition, topic }: Route["input"], record: KafkaRecord): InputRecord => ({
  key: buffer(record.key),
  value: buffer(record.value),
  headers: record.headers.map(([name, value]) => [name, buffer(value)]),
  timestampMs: record.timestampMs,
  topic,
  partition,
  offset: record.offset
})

/** The record as it was, with four headers more that say where it is from and what is wrong with it. */
const letterOf = ({ input }: Route, target: Target, record: KafkaRecord, reason: string): OutgoingRecord => ({
  partition: partitionOf(input, target, record),
  key: record.key,
  value: record.value,
  timestampMs: record.timestampMs,
  headers: [
    ...record.headers.map(([name, value]) => [name, value ?? Buffer.alloc(0)] as const),
    ["tributary.topic", Buffer.from(input.topic)],
    ["tributary.partition", Buffer.from(String(input.partition))],
    ["tributary.offset", Buffer.from(String(record.offset))],
    ["tributary.error", Buffer.from(reason)]
  ]
})

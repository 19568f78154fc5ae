/**
 * Kafka's record batch, format version 2 (magic 2): what producers send, brokers keep in segment files and consumers
 * fetch, byte for byte. https://kafka.apache.org/documentation/#recordbatch
 *
 * ```
 *  0 baseOffset int64           21 attributes int16        43 producerId int64
 *  8 batchLength int32          23 lastOffsetDelta int32   51 producerEpoch int16
 * 12 partitionLeaderEpoch int32 27 baseTimestamp int64     53 baseSequence int32
 * 16 magic int8                 35 maxTimestamp int64      57 record count int32
 * 17 crc uint32, over everything from 21 on                61 records, compressed as a whole
 * ```
 * The base offset lies outside of the checksum, so that a broker can set it without computing the checksum again.
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import { crc32c } from "./crc32c.js"

/** Why bytes are no batch. `position` counts from the start of the log. */
export type BatchFault = Data.TaggedEnum<{
  /** The bytes end before the batch does: a write in progress, or the torn tail that a killed producer left. */
  Truncated: { readonly position: number; readonly bytesMissing: number }
  Corrupt: { readonly position: number; readonly reason: string }
}>
export const BatchFault = Data.taggedEnum<BatchFault>()

export interface BatchHeader {
  /** Where the batch starts, from the start of the log. */
  readonly position: number
  /** Length of the whole batch. */
  readonly bytes: number
  readonly baseOffset: bigint
  /** Last offset that the batch covers; compaction may have removed its record. */
  readonly lastOffset: bigint
  readonly partitionLeaderEpoch: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number
  readonly timestampType: "CreateTime" | "LogAppendTime"
  readonly transactional: boolean
  /** Transaction markers; such records are never data. */
  readonly control: boolean
  readonly baseTimestampMs: bigint
  readonly maxTimestampMs: bigint
  /** -1 where the producer was not idempotent; so are epoch and sequence. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

export const batchHeaderBytes = 61
/** Bytes before the part that `batchLength` counts. */
const prefixBytes = 12
const crcStart = 21
const transactionalBit = 0x10
const controlBit = 0x20
/** Longer than any broker takes (`message.max.bytes` is 1 MiB by default): such a length is noise, not a batch. */
export const batchBytesMax = 256 * 1024 * 1024

/**
 * Reads the batch that starts at `bytes[at]` and checks its length, version and checksum. `origin` is the position of
 * `bytes[0]` in the log.
 */
export const readBatchHeader = (
  bytes: Uint8Array,
  at: number,
  origin: number
): Either.Either<BatchHeader, BatchFault> => {
  const position = origin + at
  const available = bytes.length - at
  // Magic and length first, and as early as they are there: a log of another version is not a batch that ends later.
  if (available < prefixBytes + 5) {
    return Either.left(BatchFault.Truncated({ position, bytesMissing: batchHeaderBytes - available }))
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, available)
  const length = view.getInt32(8)
  const magic = view.getInt8(16)
  if (magic !== 2) return corrupt(position, `magic ${magic} is not record batch format 2`)
  const whole = prefixBytes + length
  if (whole < batchHeaderBytes || whole > batchBytesMax) {
    return corrupt(position, `a batch cannot be ${whole} bytes long`)
  }
  if (available < whole) return Either.left(BatchFault.Truncated({ position, bytesMissing: whole - available }))
  if (view.getUint32(17) !== crc32c(bytes, at + crcStart, at + whole)) {
    return corrupt(position, "the checksum does not fit the content")
  }
  const header = headerOf(view, position, whole)
  if (header.lastOffset < header.baseOffset || header.recordCount < 0 || header.baseOffset < 0n) {
    return corrupt(position, "negative offset or record count")
  }
  return Either.right(header)
}

const headerOf = (view: DataView, position: number, bytes: number): BatchHeader => {
  const attributes = view.getInt16(21)
  const baseOffset = view.getBigInt64(0)
  return {
    position,
    bytes,
    baseOffset,
    lastOffset: baseOffset + BigInt(view.getInt32(23)),
    partitionLeaderEpoch: view.getInt32(12),
    codec: attributes & 0x07,
    timestampType: (attributes & 0x08) === 0 ? "CreateTime" : "LogAppendTime",
    transactional: (attributes & transactionalBit) !== 0,
    control: (attributes & controlBit) !== 0,
    baseTimestampMs: view.getBigInt64(27),
    maxTimestampMs: view.getBigInt64(35),
    producerId: view.getBigInt64(43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57)
  }
}

/** A header as it stands, in a log that is looked at and not trusted. */
export interface StoredHeader extends BatchHeader {
  readonly magic: number
  readonly crc: number
  /** Whether the checksum fits the content; where not, nothing else of the header is sure either. */
  readonly valid: boolean
  /** When a compacted log may forget the batch's tombstones and markers; it then takes the place of the base timestamp. */
  readonly deleteHorizonMs: bigint | undefined
}

/** The header of the batch at `bytes[at]`, which is `length` bytes long (61 at least) and there as a whole. */
export const readStoredHeader = (bytes: Uint8Array, at: number, length: number, position: number): StoredHeader => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length)
  const crc = view.getUint32(17)
  return {
    ...headerOf(view, position, length),
    magic: view.getInt8(16),
    crc,
    valid: crc === crc32c(bytes, at + crcStart, at + length),
    deleteHorizonMs: (view.getInt16(21) & 0x40) === 0 ? undefined : view.getBigInt64(27)
  }
}

export interface BatchFields {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly codec: number
  readonly baseTimestampMs: bigint
  readonly maxTimestampMs: bigint
  readonly recordCount: number
  /** Without it the producer is neither idempotent nor transactional. */
  readonly stamp?: ProducerStamp
}

/** Whose batch it is and which one of a partition, so that a broker keeps it once (KIP-98). */
export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Number of the first record, counted per partition and epoch. */
  readonly baseSequence: number
  readonly transactional: boolean
  /** The batch is the marker of a transaction's end, which only brokers write. */
  readonly control?: boolean
}

const noStamp: ProducerStamp = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false }

/** A batch around `records`, which are encoded already. */
export const writeBatch = (fields: BatchFields, records: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(batchHeaderBytes + records.length)
  const view = new DataView(bytes.buffer)
  const stamp = fields.stamp ?? noStamp
  view.setBigInt64(0, fields.baseOffset)
  view.setInt32(8, bytes.length - prefixBytes)
  view.setInt32(12, 0)
  view.setInt8(16, 2)
  view.setInt16(
    21,
    fields.codec | (stamp.transactional ? transactionalBit : 0) | (stamp.control === true ? controlBit : 0)
  )
  view.setInt32(23, Number(fields.lastOffset - fields.baseOffset))
  view.setBigInt64(27, fields.baseTimestampMs)
  view.setBigInt64(35, fields.maxTimestampMs)
  view.setBigInt64(43, stamp.producerId)
  view.setInt16(51, stamp.producerEpoch)
  view.setInt32(53, stamp.baseSequence)
  view.setInt32(57, fields.recordCount)
  bytes.set(records, batchHeaderBytes)
  view.setUint32(17, crc32c(bytes, crcStart))
  return bytes
}

/** Moves an encoded batch to another place in the log, as a broker does when it appends. */
export const setBaseOffset = (batch: Uint8Array, baseOffset: bigint): void => {
  new DataView(batch.buffer, batch.byteOffset, 8).setBigInt64(0, baseOffset)
}

const corrupt = (position: number, reason: string): Either.Either<never, BatchFault> =>
  Either.left(BatchFault.Corrupt({ position, reason }))

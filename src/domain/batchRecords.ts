import * as Either from "effect/Either"
import type { KafkaRecord } from "./KafkaRecord.js"
import { BatchFault, type BatchHeader, batchHeaderBytes, type ProducerStamp, writeBatch } from "./recordBatch.js"
import { VarintReader, VarintWriter } from "./varint.js"

/** A compression of whole batches. Pure functions, because the domain knows no library. */
export interface BatchCodec {
  /** The code in the batch's attributes: 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly code: number
  readonly compress: (bytes: Uint8Array) => Uint8Array
  /** Left says why the bytes cannot be expanded, or that they would become more than `bytesMax`. */
  readonly decompress: (bytes: Uint8Array, bytesMax: number) => Either.Either<Uint8Array, string>
}

/**
 * Largest size of one batch after decompression, unless told otherwise. Brokers take batches of 1 MiB
 * (message.max.bytes), which unfold to some ten MiB at most unless they hold one long repetition; without a bound a few
 * hundred such bytes fill the memory.
 */
export const expandedBytesMax = 64 * 1024 * 1024

/** One batch of at least one record, offsets ascending, headers without null names. */
export const encodeBatch = (
  records: readonly [KafkaRecord, ...ReadonlyArray<KafkaRecord>],
  codec?: BatchCodec,
  stamp?: ProducerStamp
): Uint8Array => {
  const baseOffset = records[0].offset
  const baseTimestampMs = BigInt(records[0].timestampMs)
  let lastOffset = baseOffset
  let maxTimestampMs = baseTimestampMs
  const all = new VarintWriter()
  for (const record of records) {
    const timestampMs = BigInt(record.timestampMs)
    lastOffset = record.offset
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs
    const body = encodeRecord(record, Number(record.offset - baseOffset), timestampMs - baseTimestampMs)
    all.int(body.length)
    all.bytes(body)
  }
  const fields = {
    baseOffset,
    lastOffset,
    baseTimestampMs,
    maxTimestampMs,
    recordCount: records.length,
    ...(stamp === undefined ? {} : { stamp })
  }
  return codec === undefined
    ? writeBatch({ ...fields, codec: 0 }, all.written)
    : writeBatch({ ...fields, codec: codec.code }, codec.compress(all.written))
}

const encodeRecord = (record: KafkaRecord, offsetDelta: number, timestampDelta: bigint): Uint8Array => {
  const body = new VarintWriter()
  body.byte(0)
  body.long(timestampDelta)
  body.int(offsetDelta)
  writeNullable(body, record.key)
  writeNullable(body, record.value)
  body.int(record.headers.length)
  for (const [name, value] of record.headers) {
    writeNullable(body, encoder.encode(name))
    writeNullable(body, value)
  }
  return body.written
}

/**
 * The data records of a batch that `readBatchHeader` accepted, keys and values as views on `bytes` (or on the expanded
 * bytes). Control batches have none. `at` is where the batch starts in `bytes`.
 */
export const decodeRecords = (
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  codecs: ReadonlyMap<number, BatchCodec>,
  bytesMax: number = expandedBytesMax
): Either.Either<ReadonlyArray<KafkaRecord>, BatchFault> => {
  if (header.control) return Either.right([])
  const corrupt = (reason: string) => Either.left(BatchFault.Corrupt({ position: header.position, reason }))
  const expanded = expandRecords(bytes, at, header, codecs, bytesMax)
  if (Either.isLeft(expanded)) return corrupt(expanded.left)
  const cursor = new RecordCursor(expanded.right, header)
  const records: Array<KafkaRecord> = []
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) records.push(record)
  return cursor.fault === undefined ? Either.right(records) : corrupt(cursor.fault)
}

/** Reads the records of a batch one by one, for whoever does not want all that a batch may hold at once. */
export class RecordCursor {
  /** Why there is no next record, where that is not because all have been read. */
  fault: string | undefined
  #index = 0
  #previous: bigint
  readonly #reader: VarintReader
  readonly #payload: Uint8Array
  readonly #header: BatchHeader

  /** `payload`: the encoded records, expanded. */
  constructor(payload: Uint8Array, header: BatchHeader) {
    this.#reader = new VarintReader(payload, 0, payload.length)
    this.#payload = payload
    this.#header = header
    this.#previous = header.baseOffset - 1n
  }

  /** Undefined: there is none, or it has a fault. */
  next(): KafkaRecord | undefined {
    const { lastOffset, recordCount } = this.#header
    if (this.#index === recordCount) {
      if (this.#reader.position !== this.#payload.length) this.fault = "bytes left after the last record"
      return undefined
    }
    const record = decodeRecord(this.#reader, this.#payload, this.#header)
    if (record === undefined) this.fault = `record ${this.#index} of ${recordCount} does not fit its length`
    // A reader that trusts the order would skip or repeat records.
    else if (record.offset <= this.#previous || record.offset > lastOffset) {
      this.fault = `record ${this.#index} has offset ${record.offset} after ${this.#previous}`
      return undefined
    } else {
      this.#previous = record.offset
      this.#index++
    }
    return record
  }
}

/** The encoded records of the batch at `bytes[at]`, without their compression; else why they cannot be had. */
export const expandRecords = (
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  codecs: ReadonlyMap<number, BatchCodec>,
  bytesMax: number = expandedBytesMax
): Either.Either<Uint8Array, string> => {
  const payload = bytes.subarray(at + batchHeaderBytes, at + header.bytes)
  if (header.codec === 0) return Either.right(payload)
  const codec = codecs.get(header.codec)
  return codec === undefined
    ? Either.left(`compression ${header.codec} is not supported here`)
    : codec.decompress(payload, bytesMax)
}

/** The record at the reader's position in `payload`; undefined where its fields do not fit its length. */
export const decodeRecord = (
  reader: VarintReader,
  payload: Uint8Array,
  header: BatchHeader
): KafkaRecord | undefined => {
  const length = reader.int()
  const end = reader.position + length
  if (length < 0 || !(end <= payload.length)) return undefined
  reader.bytes(1)
  const timestampDelta = reader.long()
  const offset = header.baseOffset + BigInt(reader.int())
  const key = readNullable(reader)
  const value = readNullable(reader)
  const headerCount = reader.int()
  const headers: Array<readonly [string, Uint8Array | null]> = []
  // The reader's position is NaN once something is missing, so that a senseless count ends at once.
  for (let index = 0; index < headerCount && reader.position <= end; index++) {
    const name = readNullable(reader)
    headers.push([name === null ? "" : decoder.decode(name), readNullable(reader)])
  }
  if (reader.position !== end || headerCount < 0) return undefined
  const timestampMs = header.timestampType === "LogAppendTime"
    ? header.maxTimestampMs
    : header.baseTimestampMs + timestampDelta
  return { offset, timestampMs: Number(timestampMs), key, value, headers }
}

const writeNullable = (writer: VarintWriter, bytes: Uint8Array | null): void => {
  if (bytes === null) return writer.int(-1)
  writer.int(bytes.length)
  writer.bytes(bytes)
}

/** -1 is null; a length below it is corrupt and read as bytes that are not there. */
const readNullable = (reader: VarintReader): Uint8Array | null => {
  const length = reader.int()
  return length === -1 ? null : reader.bytes(length)
}

const encoder = new TextEncoder()
// A byte order mark at the start of a name is part of it.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

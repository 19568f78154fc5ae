import * as Either from "effect/Either"
import { setImmediate as othersTurn } from "node:timers/promises"
import { type AbortedTransaction, makeAbortFilter } from "../../domain/abortFilter.js"
import { expandedBytesMax, RecordCursor } from "../../domain/batchRecords.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { BatchFault, type BatchHeader, batchHeaderBytes, readBatchHeader } from "../../domain/recordBatch.js"
import { VarintReader } from "../../domain/varint.js"
import { expandInTurns } from "./codecs.js"
import { ownBytes } from "./ownBytes.js"

/** What one fetch brought of one partition. */
export interface FetchedRecords {
  /** The offset that was asked for. */
  readonly fetchedOffset: bigint
  /** After everything that the fetch covers; compaction and markers make it more than the last record's offset + 1. */
  readonly nextOffset: bigint
  readonly records: ReadonlyArray<KafkaRecord>
  readonly bytes: number
  /** Why what begins at `nextOffset` cannot be read, now or later. */
  readonly unreadable?: string
}

export interface DecodedRecordSet extends FetchedRecords {
  /** First and last offsets of the batches whose records are not to be seen: aborted ones, and markers. */
  readonly hidden: ReadonlyArray<readonly [first: bigint, last: bigint]>
}

export interface PartitionResponse {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly aborted: ReadonlyArray<AbortedTransaction>
  readonly recordSet: Uint8Array
}

/** Version 11 of the Fetch answer, as far as it is used; Kafka 2.3 was the first to speak it, and 4.x still does. */
export interface FetchResponse {
  readonly throttleMs: number
  readonly partitions: ReadonlyArray<PartitionResponse>
}

export const decodeFetchResponse = (payload: Buffer): FetchResponse => {
  const reader = new Reader(payload)
  const throttleMs = reader.int32()
  // The error code and id of a fetch session; there is none.
  reader.skip(6)
  const topics = reader.array(() => {
    const topic = reader.string()
    return reader.array(() => readPartition(reader, topic))
  })
  return { throttleMs, partitions: topics.flat() }
}

const readPartition = (reader: Reader, topic: string): PartitionResponse => {
  const partition = reader.int32()
  const errorCode = reader.int16()
  // High watermark, last stable offset, start of the log.
  reader.skip(24)
  const aborted = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }))
  // Preferred read replica: none, because no rack is told.
  reader.skip(4)
  return { topic, partition, errorCode, aborted, recordSet: reader.bytes() }
}

export interface DecodeLimits {
  /** Of one batch after decompression: one that would become more cannot be read. */
  readonly batchBytesMax: number
  /**
   * Of what is decoded of one fetch, as it lies in memory: the batches that follow are left for the next fetch, and of
   * a batch what would be twice as much. Without it the memory that a fetch takes would be as large as the best
   * compression makes it, times the partitions.
   */
  readonly heldBytesMax: number
}

/**
 * Both follow the size of a fetch, so that raising that one cures a batch which becomes too large. Topics compress to a
 * fifth or so, seldom to an eighth. Beyond that, and where compressed records are smaller than what an object costs,
 * the rest of an answer is fetched again: requests are cheaper than a process that the kernel kills.
 */
export const limitsOf = (fetchMaxBytesPerPartition: number): DecodeLimits => ({
  batchBytesMax: Math.max(expandedBytesMax, 64 * fetchMaxBytesPerPartition),
  heldBytesMax: 8 * fetchMaxBytesPerPartition
})
const defaultLimits = limitsOf(1024 * 1024)

/** A record beside its bytes: an object with an offset, views on key and value, headers (measured: 400 to 600). */
const recordOverheadBytes = 512
/** After so many records everything else has its turn: they take some milliseconds. */
const recordsInTurn = 10_000

/**
 * The records of a fetch. A batch that the broker has cut off is left for the next fetch, and so is what comes after the
 * limit, be it in the middle of a batch: brokers answer with whole batches. Undefined: there is nothing.
 * In place of kafkajs's decoder (protocol/requests/fetch/v4/decodeMessages.js), which ends the consumer for good on a
 * batch of 125,000 records (`records.push(...)` overflows the stack, tulios/kafkajs#1723), checks no checksum, and needs
 * one fetch for every offset that compaction has removed from the end of a batch.
 *
 * A batch that cannot be read (checksum, format, compression) ends it: what stands before is delivered, and the reason.
 * So does one in the wrong place: neither its length nor its offset is part of the checksum.
 */
export const decodeRecordSet = async (
  { aborted, partition, recordSet: bytes, topic }: PartitionResponse,
  fetchedOffset: bigint,
  { batchBytesMax, heldBytesMax }: DecodeLimits = defaultLimits
): Promise<DecodedRecordSet | undefined> => {
  if (bytes.length === 0) return undefined
  const isData = makeAbortFilter(aborted)
  const held: Held = { records: [], bytes: 0 }
  const hidden: Array<readonly [first: bigint, last: bigint]> = []
  let nextOffset = fetchedOffset
  const fetched = (): DecodedRecordSet => ({ ...held, fetchedOffset, nextOffset, hidden })
  const unreadable = (reason: string): DecodedRecordSet => ({
    ...fetched(),
    unreadable: `${topic}-${partition} at offset ${nextOffset}: ${reason}`
  })
  for (let at = 0; at < bytes.length && !isFull(held, heldBytesMax);) {
    const header = readBatchHeader(bytes, at, 0)
    if (Either.isLeft(header)) {
      // A broker sends the first batch whole, however long it is (KIP-74), so that a length which ends later is wrong.
      if (BatchFault.$is("Corrupt")(header.left)) return unreadable(header.left.reason)
      if (at === 0) return unreadable("the batch is longer than what the broker has sent of it")
      break
    }
    const batch = header.right
    if (nextOffset > fetchedOffset && batch.baseOffset < nextOffset) return unreadable(misplaced(batch))
    if (isData(batch, () => isAbortMarker(bytes, at, batch))) {
      const packed = bytes.subarray(at + batchHeaderBytes, at + batch.bytes)
      const expanded = batch.codec === 0
        ? Either.right(packed)
        : await expandInTurns(batch.codec, packed, batchBytesMax)
      if (Either.isLeft(expanded)) return unreadable(expanded.left)
      const before = { bytes: held.bytes, count: held.records.length }
      const cursor = new RecordCursor(expanded.right, batch)
      // Views would keep all of a batch in memory for as long as one of its records waits.
      const own = expanded.right.length > heldBytesMax
      const wanted = { from: fetchedOffset, own, heldBytesMax: 2 * heldBytesMax }
      let state = readOn(cursor, held, wanted)
      while (state === "more") {
        await othersTurn()
        state = readOn(cursor, held, wanted)
      }
      if (cursor.fault !== undefined) {
        held.records.length = before.count
        held.bytes = before.bytes
        return unreadable(cursor.fault)
      }
      const last = held.records.at(-1)
      if (state === "full" && last !== undefined) {
        nextOffset = last.offset + 1n
        return fetched()
      }
    } else if (batch.control || batch.recordCount > 0) hidden.push([batch.baseOffset, batch.lastOffset])
    if (batch.lastOffset >= nextOffset) nextOffset = batch.lastOffset + 1n
    at += batch.bytes
    // It would be asked for again and again.
    if (at >= bytes.length && nextOffset === fetchedOffset) return unreadable(misplaced(batch))
  }
  return fetched()
}

/** What is decoded of a fetch so far. */
interface Held {
  readonly records: Array<KafkaRecord>
  bytes: number
}

const isFull = ({ bytes, records }: Held, heldBytesMax: number): boolean =>
  bytes + recordOverheadBytes * records.length >= heldBytesMax

interface Wanted {
  /** The broker answers with whole batches; the first one may begin before the offset that was asked for. */
  readonly from: bigint
  /** Copied out of the batch. */
  readonly own: boolean
  readonly heldBytesMax: number
}

/** Takes records of a batch, as many as there is room for; "more": after everything else's turn. */
const readOn = (
  cursor: RecordCursor,
  held: Held,
  { from, heldBytesMax, own }: Wanted
): "all" | "full" | "more" => {
  for (let read = 0; read < recordsInTurn; read++) {
    const record = cursor.next()
    if (record === undefined) return "all"
    if (record.offset < from) continue
    held.records.push(own ? ownRecord(record) : record)
    held.bytes += sizeOf(record)
    if (isFull(held, heldBytesMax)) return "full"
  }
  return "more"
}

const misplaced = ({ baseOffset, lastOffset }: BatchHeader): string =>
  `a batch stands there that says to hold ${baseOffset} to ${lastOffset}`

const sizeOf = (record: KafkaRecord): number => {
  let size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) size += name.length + (value?.length ?? 0)
  return size
}

const ownRecord = (record: KafkaRecord): KafkaRecord => ({
  ...record,
  key: record.key === null ? null : ownBytes(record.key),
  value: record.value === null ? null : ownBytes(record.value),
  headers: record.headers.map(([name, value]) => [name, value === null ? null : ownBytes(value)])
})

/** A control record's key is int16 version, int16 type; type 0 aborts, 1 commits. A control batch holds one record. */
const isAbortMarker = (bytes: Uint8Array, at: number, header: BatchHeader): boolean => {
  const reader = new VarintReader(bytes, at + batchHeaderBytes, at + header.bytes)
  reader.int()
  reader.bytes(1)
  reader.long()
  reader.int()
  const key = reader.bytes(reader.int())
  return key.length >= 4 && key[2] === 0 && key[3] === 0
}

/** Big-endian fields one after the other; a payload that ends too early throws a RangeError. */
class Reader {
  #at = 0
  readonly #buffer: Buffer

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  int16(): number {
    const value = this.#buffer.readInt16BE(this.#at)
    this.#at += 2
    return value
  }

  int32(): number {
    const value = this.#buffer.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  int64(): bigint {
    const value = this.#buffer.readBigInt64BE(this.#at)
    this.#at += 8
    return value
  }

  string(): string {
    // A length that went backwards would let a short answer be read for ever.
    const length = Math.max(0, this.int16())
    this.#at += length
    return this.#buffer.toString("utf8", this.#at - length, this.#at)
  }

  /** Length -1 is null, which stands for nothing here. */
  bytes(): Uint8Array {
    const length = Math.max(0, this.int32())
    this.#at += length
    return this.#buffer.subarray(this.#at - length, this.#at)
  }

  array<A>(item: () => A): ReadonlyArray<A> {
    const length = this.int32()
    const items: Array<A> = []
    for (let index = 0; index < length; index++) items.push(item())
    return items
  }
}

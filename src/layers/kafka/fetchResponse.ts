import * as Either from "effect/Either"
import { type AbortedTransaction, makeAbortFilter } from "../../domain/abortFilter.js"
import { decodeRecords } from "../../domain/batchRecords.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { type BatchHeader, batchHeaderBytes, readBatchHeader } from "../../domain/recordBatch.js"
import { VarintReader } from "../../domain/varint.js"
import { batchCodecs } from "./codecs.js"
import { FetchedRecords } from "./FetchedRecords.js"

/** A batch that nobody can read, now or later: its checksum, format or compression. */
export class UnreadableBatch extends Error {
  override readonly name = "UnreadableBatch"
  /** Tells kafkajs not to try again. */
  readonly retriable = false
}

/** Version 11 of the Fetch answer, as far as it is used; Kafka 2.3 was the first to speak it, and 4.x still does. */
export interface FetchResponse {
  readonly throttleTime: number
  readonly clientSideThrottleTime: number
  readonly errorCode: number
  readonly sessionId: number
  readonly responses: ReadonlyArray<
    { readonly topicName: string; readonly partitions: ReadonlyArray<PartitionResponse> }
  >
}

export interface PartitionResponse {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: string
  readonly lastStableOffset: string
  readonly lastStartOffset: string
  readonly preferredReadReplica: number
  /** Always empty: what kafkajs's filter has to do is done. */
  readonly abortedTransactions: ReadonlyArray<never>
  readonly messages: ReadonlyArray<FetchedRecords>
}

/**
 * Reads a whole answer. In place of kafkajs's decoder (protocol/requests/fetch/v11/response.js), which crashes the
 * consumer for good on a batch of 125,000 records (`records.push(...)` overflows the stack, tulios/kafkajs#1723), checks
 * no checksum, and needs one fetch for every offset that compaction has removed from the end of a batch.
 * `fetchedOffset` tells what was asked for.
 */
export const decodeFetchResponse = (
  payload: Buffer,
  fetchedOffset: (topic: string, partition: number) => bigint
): FetchResponse => {
  const reader = new Reader(payload)
  const throttleTime = reader.int32()
  const errorCode = reader.int16()
  const sessionId = reader.int32()
  const responses = reader.array(() => {
    const topicName = reader.string()
    const partitions = reader.array(() => readPartition(reader, topicName, fetchedOffset))
    return { topicName, partitions }
  })
  // 0, because the broker has not waited: it expects the client to (KIP-219), which kafkajs's connection does.
  return { throttleTime: 0, clientSideThrottleTime: throttleTime, errorCode, sessionId, responses }
}

const readPartition = (
  reader: Reader,
  topic: string,
  fetchedOffset: (topic: string, partition: number) => bigint
): PartitionResponse => {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = String(reader.int64())
  const lastStableOffset = String(reader.int64())
  const lastStartOffset = String(reader.int64())
  const aborted = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }))
  const preferredReadReplica = reader.int32()
  const recordSet = reader.bytes()
  const head = { partition, errorCode, highWatermark, lastStableOffset, lastStartOffset, preferredReadReplica }
  const records = decodeRecordSet(recordSet, aborted, fetchedOffset(topic, partition), `${topic}-${partition}`)
  return { ...head, abortedTransactions: [], messages: records === undefined ? [] : [records] }
}

/** All whole batches of a fetch; the last one may be cut off and is left for the next fetch. Undefined: none is whole. */
export const decodeRecordSet = (
  bytes: Uint8Array,
  aborted: ReadonlyArray<AbortedTransaction>,
  fetchedOffset: bigint,
  name: string
): FetchedRecords | undefined => {
  const isData = makeAbortFilter(aborted)
  const records: Array<KafkaRecord> = []
  let size = 0
  let lastOffset: bigint | undefined
  for (let at = 0; at < bytes.length;) {
    const header = readBatchHeader(bytes, at, 0)
    if (Either.isLeft(header)) {
      if (header.left._tag === "Truncated") break
      throw new UnreadableBatch(`${name}, fetched from offset ${fetchedOffset}: ${header.left.reason}`)
    }
    const batch = header.right
    if (isData(batch, () => isAbortMarker(bytes, at, batch))) {
      const decoded = decodeRecords(bytes, at, batch, batchCodecs)
      if (Either.isLeft(decoded)) {
        const fault = decoded.left
        const reason = fault._tag === "Corrupt" ? fault.reason : "it ends too early"
        throw new UnreadableBatch(`${name}, the batch at offset ${batch.baseOffset}: ${reason}`)
      }
      for (const record of decoded.right) {
        // The broker answers with whole batches; the first one may begin before the offset that was asked for.
        if (record.offset < fetchedOffset) continue
        records.push(record)
        size += sizeOf(record)
      }
    }
    lastOffset = batch.lastOffset
    at += batch.bytes
  }
  // A set that ends below what was asked for has nothing to move to: such a stretch was covered before.
  return lastOffset === undefined || lastOffset < fetchedOffset
    ? undefined
    : new FetchedRecords(fetchedOffset, lastOffset, records, size)
}

const sizeOf = (record: KafkaRecord): number => {
  let size = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) size += name.length + (value?.length ?? 0)
  return size
}

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
  private readonly buffer: Buffer

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  int16(): number {
    const value = this.buffer.readInt16BE(this.#at)
    this.#at += 2
    return value
  }

  int32(): number {
    const value = this.buffer.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  int64(): bigint {
    const value = this.buffer.readBigInt64BE(this.#at)
    this.#at += 8
    return value
  }

  string(): string {
    const length = this.int16()
    this.#at += length
    return this.buffer.toString("utf8", this.#at - length, this.#at)
  }

  /** Length -1 is null, which stands for nothing here. */
  bytes(): Uint8Array {
    const length = Math.max(0, this.int32())
    this.#at += length
    return this.buffer.subarray(this.#at - length, this.#at)
  }

  array<A>(item: () => A): ReadonlyArray<A> {
    const length = this.int32()
    const items: Array<A> = []
    for (let index = 0; index < length; index++) items.push(item())
    return items
  }
}

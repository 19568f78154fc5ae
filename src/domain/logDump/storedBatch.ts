/** A batch as it is stored, every field shown and nothing trusted; what cannot be read is said and does not end it. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { type BatchCodec, decodeRecord, expandRecords } from "../batchRecords.js"
import type { KafkaRecord } from "../KafkaRecord.js"
import { readStoredHeader, type StoredHeader } from "../recordBatch.js"
import { sequenceAfter } from "../sequence.js"
import { VarintReader } from "../varint.js"
import { framesOf, magicAt } from "./frames.js"

/** The end of a transaction, or what else a broker writes for itself. */
export type Marker =
  | { readonly kind: "COMMIT" | "ABORT"; readonly coordinatorEpoch: number }
  | { readonly kind: "other"; readonly typeId: number }

export interface StoredRecord extends Omit<KafkaRecord, "timestampMs"> {
  /** Exact, however senseless. */
  readonly timestampMs: bigint
  /** -1 where the batch has none. */
  readonly sequence: number
  readonly marker?: Marker
}

export interface StoredBatch {
  /** Undefined: of a format that is older than this one (magic 0 and 1) or unknown. */
  readonly header: StoredHeader | undefined
  readonly position: number
  readonly records: ReadonlyArray<StoredRecord>
  /** What is wrong with the batch; the records before the first wrong one are there all the same. */
  readonly fault?: string
}

/** What of a log is looked at. */
export interface Shown {
  /** Offsets: `from` inclusive, `to` exclusive. A batch is shown that reaches into the range, and its records within. */
  readonly from: bigint
  readonly to: bigint | undefined
  /** The batches without their records, which are not even expanded. */
  readonly batchesOnly: boolean
  /** Only what brokers wrote: the ends of transactions. */
  readonly controlOnly: boolean
}

/**
 * What is shown of the whole batches that stand in `bytes` from its start on; `position` is where the first one stands in
 * the log. A batch with a fault always is.
 */
export function* storedBatches(
  bytes: Uint8Array,
  position: number,
  codecs: ReadonlyMap<number, BatchCodec>,
  shown: Shown
): Generator<StoredBatch> {
  let at = 0
  for (const length of framesOf(bytes).lengths) {
    const batch = storedBatch(bytes, at, length, position + at, codecs, shown)
    if (batch !== undefined) yield batch
    at += length
  }
}

const storedBatch = (
  bytes: Uint8Array,
  at: number,
  length: number,
  position: number,
  codecs: ReadonlyMap<number, BatchCodec>,
  shown: Shown
): StoredBatch | undefined => {
  const magic = bytes[at + magicAt] ?? 0
  if (magic !== 2) {
    const fault = `format version ${magic} (magic) is not 2, the only one that Kafka has written since 0.11`
    return { header: undefined, position, records: [], fault }
  }
  const header = readStoredHeader(bytes, at, length, position)
  const wanted = isWithin(header, shown) && (header.control || !shown.controlOnly)
  const { fault, records } = wanted && !shown.batchesOnly ? recordsOf(bytes, at, header, codecs) : none
  const faults = [header.valid ? undefined : "the checksum does not fit the content", fault]
    .filter(Predicate.isNotUndefined)
  if (!wanted && faults.length === 0) return undefined
  return {
    header,
    position,
    records: records.filter(({ offset }) => isWithin({ baseOffset: offset, lastOffset: offset }, shown)),
    ...faults.length === 0 ? {} : { fault: faults.join("; ") }
  }
}

const isWithin = (span: Pick<StoredHeader, "baseOffset" | "lastOffset">, { from, to }: Shown): boolean =>
  span.lastOffset >= from && (to === undefined || span.baseOffset < to)

interface Records {
  readonly records: ReadonlyArray<StoredRecord>
  readonly fault: string | undefined
}
const none: Records = { records: [], fault: undefined }

const recordsOf = (
  bytes: Uint8Array,
  at: number,
  header: StoredHeader,
  codecs: ReadonlyMap<number, BatchCodec>
): Records =>
  Either.match(expandRecords(bytes, at, header, codecs), {
    onLeft: (reason): Records => ({ records: [], fault: reason }),
    onRight: (payload) => storedRecords(payload, header)
  })

const storedRecords = (payload: Uint8Array, header: StoredHeader): Records => {
  const records: Array<StoredRecord> = []
  const reader = new VarintReader(payload, 0, payload.length)
  let last = header.baseOffset - 1n
  for (let index = 0; index < header.recordCount; index++) {
    const start = reader.position
    const record = decodeRecord(reader, payload, header)
    const which = `record ${index + 1} of ${header.recordCount}`
    if (record === undefined) return { records, fault: `${which} does not fit its length` }
    const marker = header.control ? markerOf(record) : undefined
    if (header.control && marker === undefined) return { records, fault: `${which} is no control record` }
    const sequence = sequenceAfter(header.baseSequence, Number(record.offset - header.baseOffset))
    const timestampMs = timestampOf(payload, start, header)
    records.push({ ...record, timestampMs, sequence, ...marker === undefined ? {} : { marker } })
    if (record.offset <= last || record.offset > header.lastOffset) {
      return { records, fault: `${which} has offset ${record.offset} after ${last}` }
    }
    last = record.offset
  }
  const whole = reader.position === payload.length
  return { records, fault: whole ? undefined : "bytes follow after the last record" }
}

/** The record that begins at `start`: its length, attributes and, then, the distance from the batch's timestamp. */
const timestampOf = (payload: Uint8Array, start: number, header: StoredHeader): bigint => {
  if (header.timestampType === "LogAppendTime") return header.maxTimestampMs
  const reader = new VarintReader(payload, start, payload.length)
  reader.int()
  reader.bytes(1)
  return BigInt.asIntN(64, header.baseTimestampMs + reader.long())
}

/** Key: int16 version, int16 type. Value of an end of a transaction: int16 version, int32 epoch of the coordinator. */
const markerOf = ({ key, value }: KafkaRecord): Marker | undefined => {
  if (key === null || key.length < 4) return undefined
  const typeId = viewOf(key).getInt16(2)
  if (typeId !== 0 && typeId !== 1) return { kind: "other", typeId }
  if (value === null || value.length < 6) return undefined
  return { kind: typeId === 0 ? "ABORT" : "COMMIT", coordinatorEpoch: viewOf(value).getInt32(2) }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

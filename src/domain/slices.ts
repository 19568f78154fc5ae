import type { FetchedBatch, KafkaRecord, Slice } from "./KafkaRecord.js"

const recordBytes = (record: KafkaRecord): number => {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}

/** Payload of these records, in bytes. */
export const bytesOf = (records: ReadonlyArray<KafkaRecord>): number => {
  let bytes = 0
  for (const record of records) bytes += recordBytes(record)
  return bytes
}

/**
 * Records `from` to `to` (exclusive) of a batch. The first slice starts at the offset that was asked for, the last one
 * ends where the fetch ended, so that slices of one batch form a chain without holes.
 */
export const sliceOf = (batch: FetchedBatch, from: number, to: number): Slice => {
  const records = from === 0 && to >= batch.records.length ? batch.records : batch.records.slice(from, to)
  const before = batch.records[from - 1]
  const last = to < batch.records.length ? batch.records[to - 1] : undefined
  return {
    expected: before === undefined ? batch.fetchedOffset : before.offset + 1n,
    next: last === undefined ? batch.nextOffset : last.offset + 1n,
    records,
    bytes: bytesOf(records),
    ...(last === undefined && batch.unreadable !== undefined ? { unreadable: batch.unreadable } : {})
  }
}

/**
 * The first `count` records and the rest. The cut lies behind the last record of the first part; whatever the log
 * holds between the two (control or aborted records) belongs to the rest, which therefore starts where the first ends.
 */
export const splitSlice = (slice: Slice, count: number): readonly [Slice, Slice | undefined] => {
  const last = slice.records[count - 1]
  if (last === undefined || count >= slice.records.length) return [slice, undefined]
  const head = slice.records.slice(0, count)
  const headBytes = bytesOf(head)
  const middle = last.offset + 1n
  return [
    { expected: slice.expected, next: middle, records: head, bytes: headBytes },
    { ...slice, expected: middle, records: slice.records.slice(count), bytes: slice.bytes - headBytes }
  ]
}

/** One slice out of a chain of at least one. */
export const joinSlices = (first: Slice, rest: ReadonlyArray<Slice>): Slice => {
  const last = rest.at(-1)
  if (last === undefined) return first
  return {
    expected: first.expected,
    next: last.next,
    records: [first, ...rest].flatMap((slice) => slice.records),
    bytes: rest.reduce((bytes, slice) => bytes + slice.bytes, first.bytes),
    ...(last.unreadable === undefined ? {} : { unreadable: last.unreadable })
  }
}

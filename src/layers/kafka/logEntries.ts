import * as Either from "effect/Either"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { readBatchHeader } from "../../domain/recordBatch.js"
import type { LogEntry } from "../LogReader.js"
import { type DecodeLimits, decodeRecordSet, type PartitionResponse } from "./fetchResponse.js"

/** What one fetch at an offset shows of a log. */
export interface LogPage {
  readonly entries: ReadonlyArray<LogEntry>
  /** After everything that the fetch covers; the offset asked for where it covers nothing. */
  readonly next: bigint
  /** Why what begins at `next` cannot be read. */
  readonly unreadable: string | undefined
}

/** The entries from `offset` (inclusive) to `to` (exclusive) in an answer to a fetch at `offset`. */
export const entriesOf = (
  answer: PartitionResponse,
  offset: bigint,
  to: bigint,
  limits: DecodeLimits
): LogPage => {
  // All of the first batch, whichever part of it was asked for: whether anything of it is visible is told by the whole.
  const start = Either.match(readBatchHeader(answer.recordSet, 0, 0), {
    onLeft: () => offset,
    onRight: ({ baseOffset }) => baseOffset < offset ? baseOffset : offset
  })
  const fetched = decodeRecordSet(answer, start, limits)
  if (fetched === undefined) return { entries: [], next: offset, unreadable: undefined }
  const { nextOffset, records, unreadable } = fetched
  const entries: Array<LogEntry> = []
  const add = (entry: LogEntry) => {
    if (entry.offset >= offset && entry.offset < to) entries.push(entry)
  }
  let index = 0
  for (let at = 0; at < answer.recordSet.length;) {
    const header = readBatchHeader(answer.recordSet, at, 0)
    if (Either.isLeft(header) || header.right.lastOffset >= nextOffset) break
    const { baseOffset, bytes, control, lastOffset, recordCount, transactional } = header.right
    const before = index
    for (let record = records[index]; record !== undefined && record.offset <= lastOffset; record = records[++index]) {
      add({ offset: record.offset, kind: record.value === null ? "tombstone" : "record" })
    }
    // A transactional batch that has records and shows none is aborted: compaction empties a batch altogether.
    if (control || (transactional && recordCount > 0 && index === before)) {
      for (let hidden = baseOffset; hidden <= lastOffset; hidden++) add({ offset: hidden, kind: "hidden" })
    }
    at += bytes
  }
  return { entries, next: nextOffset > offset ? nextOffset : offset, unreadable }
}

/**
 * Where to go on after a fetch at `offset` that brought nothing, or that the broker refused as out of range. Retention may
 * have passed by: what is gone cannot be compared, and what it has left still is. "wait": there is something to read
 * which the leader does not show yet.
 */
export const afterNothing = (offset: bigint, { lastStable, low }: LogRange): bigint | "end" | "wait" =>
  offset < low ? low : offset >= lastStable ? "end" : "wait"

import type { LogRange } from "../../domain/KafkaRecord.js"
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
export const entriesOf = async (
  answer: PartitionResponse,
  offset: bigint,
  to: bigint,
  limits: DecodeLimits
): Promise<LogPage> => {
  const fetched = await decodeRecordSet(answer, offset, limits)
  if (fetched === undefined) return { entries: [], next: offset, unreadable: undefined }
  const { hidden, nextOffset: next, records, unreadable } = fetched
  const entries = records.map((record): LogEntry => ({
    offset: record.offset,
    kind: record.value === null ? "tombstone" : "record"
  }))
  for (const [first, last] of hidden) {
    for (let at = first < offset ? offset : first; at <= last && at < to; at++) {
      entries.push({ offset: at, kind: "hidden" })
    }
  }
  const wanted = entries.filter((entry) => entry.offset < to)
  return { entries: wanted.toSorted((a, b) => a.offset < b.offset ? -1 : 1), next, unreadable }
}

/**
 * Where to go on after a fetch at `offset` that brought nothing, or that the broker refused as out of range. Retention may
 * have passed by: what is gone cannot be compared, and what it has left still is. "wait": there is something to read
 * which the leader does not show yet.
 */
export const afterNothing = (offset: bigint, { lastStable, low }: LogRange): bigint | "end" | "wait" =>
  offset < low ? low : offset >= lastStable ? "end" : "wait"

import type { LogRange } from "./KafkaRecord.js"

/** The rows of a partition, as one snapshot showed them together with the stored offset. */
export interface RowSummary {
  readonly count: bigint
  readonly distinctOffsets: bigint
  readonly firstOffset: bigint | null
  readonly lastOffset: bigint | null
  /** At or beyond the stored offset. */
  readonly beyondStored: bigint
}

/** All that is known of a partition before anything is looked at record by record. */
export interface PartitionFacts {
  readonly topic: string
  readonly log: LogRange
  /** Next offset to consume; undefined: the group has never acquired the partition. */
  readonly stored: bigint | undefined
  /** Undefined where the table has no key columns: then only offsets can be compared. */
  readonly rows: RowSummary | undefined
  /** Whether the group began at the start of the log. If not, records before its first row are none of its business. */
  readonly fromEarliest: boolean
}

/** A stretch of offsets, `to` exclusive. */
export interface Stretch {
  readonly from: bigint
  readonly to: bigint
}

/** Data records found missing: how many, and the first of them. */
export interface Missing {
  readonly count: bigint
  readonly first: ReadonlyArray<bigint>
}

/**
 * `exact`: every record before the end is a row, once. `behind`: the same so far, with records still to come.
 * `offsets only`: the table cannot tell, the offsets agree. `DIFFERENT`: something is lost, repeated or impossible.
 */
export type Result = "exact" | "behind" | "offsets only" | "DIFFERENT"

export interface PartitionVerdict {
  readonly topic: string
  readonly log: LogRange
  readonly stored: bigint | undefined
  /** Offsets between the stored one and the last stable one. */
  readonly lag: bigint
  readonly rows: bigint | undefined
  readonly missing: bigint
  readonly repeated: bigint
  readonly beyond: bigint
  readonly result: Result
  /** What a person has to know beside the numbers. */
  readonly notes: ReadonlyArray<string>
}

export const noneMissing: Missing = { count: 0n, first: [] }
const missingShownMax = 10

/**
 * The offsets whose rows have to be compared with the log one by one; undefined where the numbers prove already that
 * nothing is missing, because the rows lie side by side from the first expected offset to the last.
 */
export const stretchToCompare = ({ fromEarliest, log, rows, stored }: PartitionFacts): Stretch | undefined => {
  if (rows === undefined || stored === undefined) return undefined
  const { beyondStored, distinctOffsets, firstOffset, lastOffset } = rows
  // Below `low` the log says nothing any more; from there on the rows are all that is left.
  const from = fromEarliest ? log.low : max(log.low, firstOffset ?? stored)
  const to = min(stored, log.lastStable)
  if (from >= to) return undefined
  const contiguous = firstOffset !== null && lastOffset !== null && beyondStored === 0n &&
    distinctOffsets === lastOffset - firstOffset + 1n && firstOffset <= from && lastOffset === to - 1n
  return contiguous ? undefined : { from, to }
}

/**
 * The stretch of `within` that holds all offsets without a row, given the rows there, ascending. Undefined: there is a
 * row at every offset.
 */
export const gapHull = (within: Stretch, rowOffsets: ReadonlyArray<bigint>): Stretch | undefined => {
  let from: bigint | undefined
  let to = within.from
  let next = within.from
  const gap = (until: bigint) => {
    if (until <= next) return
    from ??= next
    to = until
  }
  for (const offset of rowOffsets) {
    gap(offset)
    next = max(next, offset + 1n)
  }
  gap(within.to)
  return from === undefined ? undefined : { from, to }
}

/** Adds to what is missing the records that the log holds and the table does not. Tombstones never become rows. */
export const addMissing = (
  before: Missing,
  logEntries: ReadonlyArray<{ readonly offset: bigint; readonly tombstone: boolean }>,
  rowOffsets: ReadonlySet<bigint>
): Missing => {
  const lost = logEntries.filter(({ offset, tombstone }) => !tombstone && !rowOffsets.has(offset))
  return {
    count: before.count + BigInt(lost.length),
    first: [...before.first, ...lost.map(({ offset }) => offset)].slice(0, missingShownMax)
  }
}

export const judge = (facts: PartitionFacts, missing: Missing): PartitionVerdict => {
  const { log, rows, stored, topic } = facts
  const position = stored ?? (facts.fromEarliest ? log.low : log.lastStable)
  const lag = max(0n, log.lastStable - position)
  const repeated = rows === undefined ? 0n : rows.count - rows.distinctOffsets
  const beyond = rows?.beyondStored ?? 0n
  const notes: Array<string> = []
  if (missing.count > 0n) {
    const more = missing.count > BigInt(missing.first.length) ? ", …" : ""
    notes.push(`records without a row at offsets ${missing.first.join(", ")}${more}`)
  }
  if (repeated > 0n) notes.push(`${repeated} rows repeat an offset that another row has`)
  if (beyond > 0n) notes.push(`${beyond} rows lie at or beyond the stored offset`)
  if (stored !== undefined && stored < log.low) {
    notes.push(`records ${stored} to ${log.low - 1n} have left the log without becoming rows`)
  }
  if (stored !== undefined && stored > log.end) {
    notes.push(`the stored offset lies beyond the log's end: was the topic created anew, or the log cut off?`)
  }
  const different = notes.length > 0
  if (rows === undefined && stored !== undefined) {
    notes.push("the table has no columns _source, _partition, _offset: only offsets were compared")
  }
  if (stored === undefined) notes.push("the group has no stored offset here yet")
  if (log.end > log.lastStable) notes.push(`a transaction is open from offset ${log.lastStable}`)
  const result = different
    ? "DIFFERENT"
    : lag > 0n
    ? "behind"
    : rows === undefined && stored !== undefined
    ? "offsets only"
    : "exact"
  return { topic, log, stored, lag, rows: rows?.count, missing: missing.count, repeated, beyond, result, notes }
}

/** The worst of them: one partition that differs makes the whole different. */
export const overall = (verdicts: ReadonlyArray<PartitionVerdict>): Result =>
  (["DIFFERENT", "behind", "offsets only"] as const).find((result) =>
    verdicts.some((verdict) => verdict.result === result)
  ) ?? "exact"

const max = (a: bigint, b: bigint): bigint => a > b ? a : b
const min = (a: bigint, b: bigint): bigint => a < b ? a : b

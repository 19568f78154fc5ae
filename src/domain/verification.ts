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
  /** Next offset to consume; undefined: the group has never acquired the partition, or its row was deleted. */
  readonly stored: bigint | undefined
  /** Undefined where the table has no key columns: then only offsets can be compared. */
  readonly rows: RowSummary | undefined
  /** Among how many tables the rows are divided. */
  readonly tables: number
  /** An upsert leaves one row of several records: rows cannot be counted against records then. */
  readonly mode: "insert" | "upsert"
  /** Whether the group began at the start of the log. If not, records before its first row are none of its business. */
  readonly fromEarliest: boolean
}

/** A stretch of offsets, `to` exclusive. */
export interface Stretch {
  readonly from: bigint
  readonly to: bigint
}

/** Offsets at which something is wrong: how many, and the first of them. */
interface Sample {
  readonly count: bigint
  readonly first: ReadonlyArray<bigint>
}

/** What comparing rows with the log one by one has found. */
export interface Differences {
  /** Records without a row. */
  readonly missing: Sample
  /** Rows at offsets that hold nothing that may become one. */
  readonly extra: Sample
  /** Rows beyond the first of an offset, in several tables. */
  readonly twice: Sample
  /** Records that are dead letters instead of rows. */
  readonly letters: bigint
  /** Records without a value, which are passed over. */
  readonly tombstones: bigint
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
  readonly extra: bigint
  readonly repeated: bigint
  readonly beyond: bigint
  readonly letters: bigint
  readonly tombstones: bigint
  readonly result: Result
  /** What a person has to know beside the numbers. */
  readonly notes: ReadonlyArray<string>
}

const none: Sample = { count: 0n, first: [] }
export const noDifferences: Differences = { missing: none, extra: none, twice: none, letters: 0n, tombstones: 0n }
const shownMax = 10

/**
 * The offsets whose rows have to be compared with the log one by one. Undefined where the numbers alone prove the rows
 * right: they lie side by side from the first expected offset to the end of the log. No record is without a row then, and
 * no row comes from an aborted transaction, because its marker would be an offset without one. Only the end of the log
 * proves that: at an earlier offset the marker may still be to come.
 */
export const stretchToCompare = (facts: PartitionFacts): Stretch | undefined => {
  const { fromEarliest, log, mode, rows, stored, tables } = facts
  if (rows === undefined || stored === undefined || mode === "upsert") return undefined
  const { beyondStored, distinctOffsets, firstOffset, lastOffset } = rows
  // Below `low` the log says nothing any more; from there on the rows are all that is left.
  const from = fromEarliest ? log.low : max(log.low, firstOffset ?? stored)
  const to = min(stored, log.lastStable)
  if (from >= to) return undefined
  const contiguous = firstOffset !== null && lastOffset !== null && beyondStored === 0n &&
    distinctOffsets === lastOffset - firstOffset + 1n && firstOffset <= from && lastOffset === to - 1n && to === log.end
  // Of several tables each tells only of its own rows: one that is in two of them could hide one that is in none.
  return contiguous && tables === 1 ? undefined : { from, to }
}

/**
 * Adds what a piece of the log tells of the rows. A row is extra where the log shows a record that may not become one. An
 * offset where the log shows nothing proves nothing: compaction removes records whose rows stay.
 */
export const addDifferences = (
  { extra, letters, missing, tombstones, twice }: Differences,
  logEntries: ReadonlyArray<{ readonly offset: bigint; readonly kind: "record" | "tombstone" | "hidden" }>,
  rowOffsets: ReadonlySet<bigint>,
  letterOffsets: ReadonlySet<bigint> = new Set()
): Differences => {
  const without = logEntries.filter(({ kind, offset }) => kind !== "hidden" && !rowOffsets.has(offset))
  const buried = without.filter(({ offset }) => letterOffsets.has(offset)).length
  const left = without.filter(({ offset }) => !letterOffsets.has(offset))
  return {
    missing: add(missing, left.filter(({ kind }) => kind === "record")),
    extra: add(extra, logEntries.filter(({ kind, offset }) => kind !== "record" && rowOffsets.has(offset))),
    twice,
    letters: letters + BigInt(buried),
    tombstones: tombstones + BigInt(left.filter(({ kind }) => kind === "tombstone").length)
  }
}

/** The rows of a stretch, of each table its own. Adds those that are in more than one to the differences. */
export const joinRows = (
  differences: Differences,
  tables: ReadonlyArray<ReadonlyArray<bigint>>
): { readonly present: ReadonlySet<bigint>; readonly differences: Differences } => {
  const present = new Set<bigint>()
  const twice: Array<{ readonly offset: bigint }> = []
  for (const offset of tables.flat()) {
    if (present.has(offset)) twice.push({ offset })
    present.add(offset)
  }
  return { present, differences: { ...differences, twice: add(differences.twice, twice) } }
}

/** What the tables of a topic hold of a partition, each its own, as one. Undefined where one of them cannot tell. */
export const sumRows = (tables: ReadonlyArray<RowSummary | undefined>): RowSummary | undefined =>
  tables.reduce((sum, one) =>
    sum === undefined || one === undefined
      ? undefined
      : {
        count: sum.count + one.count,
        distinctOffsets: sum.distinctOffsets + one.distinctOffsets,
        firstOffset: either(sum.firstOffset, one.firstOffset, min),
        lastOffset: either(sum.lastOffset, one.lastOffset, max),
        beyondStored: sum.beyondStored + one.beyondStored
      }
  )

const either = (a: bigint | null, b: bigint | null, both: (a: bigint, b: bigint) => bigint): bigint | null =>
  a === null ? b : b === null ? a : both(a, b)

const add = ({ count, first }: Sample, found: ReadonlyArray<{ readonly offset: bigint }>): Sample => ({
  count: count + BigInt(found.length),
  first: first.length < shownMax ? [...first, ...found.map(({ offset }) => offset)].slice(0, shownMax) : first
})

const named = ({ count, first }: Sample): string => `${first.join(", ")}${count > BigInt(first.length) ? ", …" : ""}`

/**
 * The sources whose rows belong to a group's topic now: those that a stored offset refers to, else the newest. Rows of
 * other sources are of an earlier life of the topic. `known` is newest first.
 */
export const currentSources = (
  known: ReadonlyArray<{ readonly id: number; readonly inUse: boolean }>
): ReadonlyArray<number> => {
  const used = known.filter(({ inUse }) => inUse)
  return (used.length > 0 ? used : known.slice(0, 1)).map(({ id }) => id)
}

export const judge = (facts: PartitionFacts, differences: Differences): PartitionVerdict => {
  const { extra, letters, missing, tombstones, twice } = differences
  const { log, rows, stored, topic } = facts
  const position = stored ?? (facts.fromEarliest ? log.low : log.lastStable)
  const lag = max(0n, log.lastStable - position)
  const repeated = rows === undefined ? 0n : rows.count - rows.distinctOffsets + twice.count
  const beyond = rows?.beyondStored ?? 0n
  const notes = differenceNotes(facts, differences, repeated, beyond)
  const different = notes.length > 0
  const offsetsOnly = stored !== undefined && (rows === undefined || facts.mode === "upsert")
  if (offsetsOnly) notes.push(`${uncountable(facts)}: only offsets were compared`)
  if (stored === undefined && !different) notes.push("the group has no stored offset here yet")
  if (log.end > log.lastStable) notes.push(`a transaction is open from offset ${log.lastStable}`)
  const result = different
    ? "DIFFERENT"
    : lag > 0n
    ? "behind"
    : offsetsOnly
    ? "offsets only"
    : "exact"
  return {
    topic,
    log,
    stored,
    lag,
    rows: rows?.count,
    missing: missing.count,
    extra: extra.count,
    repeated,
    beyond,
    letters,
    tombstones,
    result,
    notes
  }
}

const uncountable = ({ mode, rows }: PartitionFacts): string =>
  mode === "upsert" && rows !== undefined
    ? "an upsert leaves one row of several records"
    : "the table has no columns _source, _partition, _offset"

/** What is wrong, in words; none: nothing is. */
const differenceNotes = (
  { log, rows, stored }: PartitionFacts,
  { extra, missing, twice }: Differences,
  repeated: bigint,
  beyond: bigint
): Array<string> => {
  const notes: Array<string> = []
  if (missing.count > 0n) notes.push(`records without a row at offsets ${named(missing)}`)
  if (extra.count > 0n) {
    notes.push(`rows at offsets that hold an aborted record, a marker or a tombstone: ${named(extra)}`)
  }
  if (stored === undefined && rows !== undefined && rows.count > 0n) {
    notes.push(`${rows.count} rows, and no stored offset: kafka_offsets has no row of the partition`)
  }
  if (repeated > 0n) {
    const where = twice.count > 0n ? `, in another table at ${named(twice)}` : ""
    notes.push(`${repeated} rows repeat an offset that another row has${where}`)
  }
  if (beyond > 0n) notes.push(`${beyond} rows lie at or beyond the stored offset`)
  if (stored !== undefined && stored < log.low) {
    notes.push(`records ${stored} to ${log.low - 1n} have left the log without becoming rows`)
  }
  if (stored !== undefined && stored > log.end) {
    notes.push(`the stored offset lies beyond the log's end: was the topic created anew, or the log cut off?`)
  }
  return notes
}

/** The worst of them: one partition that differs makes the whole different. */
export const overall = (verdicts: ReadonlyArray<PartitionVerdict>): Result =>
  (["DIFFERENT", "behind", "offsets only"] as const).find((result) =>
    verdicts.some((verdict) => verdict.result === result)
  ) ?? "exact"

const max = (a: bigint, b: bigint): bigint => a > b ? a : b
const min = (a: bigint, b: bigint): bigint => a < b ? a : b

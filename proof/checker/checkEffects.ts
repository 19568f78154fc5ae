import type { Finding, LetterRow, OffsetMove, SourceLog, SourceRecord, TargetRow } from "./History.js"
import { found, type Part } from "./parts.js"

interface Range {
  readonly from: bigint
  readonly to: bigint
}

const within = (ranges: ReadonlyArray<Range>, offset: bigint): boolean =>
  ranges.some(({ from, to }) => from <= offset && offset < to)

const rangeOf = ({ from, to }: OffsetMove): ReadonlyArray<Range> =>
  from === undefined || from >= to ? [] : [{ from, to }]

const isReset = ({ reset }: OffsetMove): boolean => reset === true

/** Where the group began (`auto.offset.reset`); what is before was never promised. 0 where that was not seen. */
const beginningOf = (moves: ReadonlyArray<OffsetMove>): bigint =>
  moves.findLast(({ from }, index) => from === undefined && (index === 0 || moves[index - 1]?.reset === true))?.to ?? 0n

/**
 * The offsets whose records must have left something: from where the group began to the stored offset, without those
 * that a person has skipped by a reset and that nobody has come back for.
 */
const promiseOf = ({ moves, stored }: Part): (offset: bigint) => boolean => {
  if (stored === undefined) return () => false
  const beginning = beginningOf(moves)
  const skipped = moves.filter(isReset).flatMap(rangeOf)
  const covered = skipped.length === 0 ? [] : moves.filter((move) => !isReset(move)).flatMap(rangeOf)
  return (offset) => beginning <= offset && offset < stored && (!within(skipped, offset) || within(covered, offset))
}

const repeatsOf = <A extends { readonly offset: bigint }>(inOrder: ReadonlyArray<A>): ReadonlyArray<A> =>
  inOrder.filter(({ offset }, index) => inOrder[index - 1]?.offset === offset)

const offsetOf = ({ offset }: { readonly offset: bigint }): string => String(offset)

/** Rows and letters of nothing that a reader may see; what retention has taken since cannot be judged. */
const strangers = (
  part: Part,
  records: ReadonlyMap<bigint, SourceRecord>,
  what: string,
  effects: ReadonlyArray<{ readonly offset: bigint }>
): ReadonlyArray<Finding> => {
  const { log, name } = part
  if (log === undefined) return found("row of no record", `${name}, which is not there, ${what}`, effects, offsetOf)
  const aborted = new Set(log.aborted)
  const strange = effects.filter(({ offset }) => {
    const record = records.get(offset)
    return offset >= log.low && (record === undefined || record.rowless === true)
  })
  const of = (kind: "row of no record" | "effect of an aborted transaction", is: boolean) =>
    found(kind, `${name}, ${what}`, strange.filter(({ offset }) => aborted.has(offset) === is), offsetOf)
  return [...of("effect of an aborted transaction", true), ...of("row of no record", false)]
}

/** Rows that were inserted after a row of a later offset: (the row, the one that it came after). */
const outOfOrder = (part: Part): ReadonlyArray<readonly [TargetRow, TargetRow]> => {
  // A person who goes forward and later back has the records between written after those behind.
  if (part.moves.some((move) => isReset(move) && move.from !== undefined && move.to > move.from)) return []
  const replayed = new Set(part.letters.flatMap((letter) => letter.replayed === true ? [letter.offset] : []))
  const late: Array<readonly [TargetRow, TargetRow]> = []
  let next: TargetRow | undefined
  for (let index = part.rows.length - 1; index >= 0; index--) {
    const row = part.rows[index]
    // Of a repeated row the first insertion counts here.
    if (row?.seq === undefined || replayed.has(row.offset) || part.rows[index - 1]?.offset === row.offset) continue
    if (next?.seq !== undefined && row.seq >= next.seq) late.push([row, next])
    else next = row
  }
  return late.toReversed()
}

/**
 * Effects that lie outside of what the stored offset covers, or that no transaction has written together with a move
 * that covers them (where the history says what each has written).
 */
const uncovered = (
  { moves, stored }: Part,
  effects: ReadonlyArray<{ readonly offset: bigint }>
): ReadonlyArray<{ readonly offset: bigint }> => {
  const beginning = beginningOf(moves)
  const outside = effects.filter(({ offset }) => stored === undefined || offset >= stored || offset < beginning)
  const advancing = moves.filter((move) => !isReset(move) && rangeOf(move).length > 0)
  if (advancing.length === 0 || advancing.some((move) => move.effects === undefined)) return outside
  const together = new Set(advancing.flatMap((move) => {
    const range = rangeOf(move)
    return (move.effects ?? []).filter((offset) => within(range, offset))
  }))
  const known = new Set(outside)
  return [...outside, ...effects.filter((effect) => !together.has(effect.offset) && !known.has(effect))]
}

const recordsOf = (log: SourceLog | undefined): ReadonlyMap<bigint, SourceRecord> =>
  new Map((log?.records ?? []).map((record) => [record.offset, record]))

/** What the rows and dead letters of a partition contradict. */
export const checkEffects = (part: Part): ReadonlyArray<Finding> => {
  const { letters, log, name, rows } = part
  const records = recordsOf(log)
  const promised = promiseOf(part)
  const open: ReadonlyArray<LetterRow> = letters.filter(({ replayed }) => replayed !== true)
  const rowAt = new Set(rows.map(({ offset }) => offset))
  const letterAt = new Set(open.map(({ offset }) => offset))
  const lost = (log?.records ?? []).filter(({ offset, rowless }) =>
    rowless !== true && promised(offset) && !rowAt.has(offset) && !letterAt.has(offset)
  )
  const wrong = rows.flatMap((row) => {
    const record = records.get(row.offset)
    return record === undefined || record.content === row.content ? [] : [{ row, record }]
  })
  return [
    ...found("lost", name, lost, ({ content, offset }) => `${offset} (${content})`),
    ...found("repeated", `${name}, rows`, repeatsOf(rows), offsetOf),
    ...found("repeated", `${name}, dead letters`, repeatsOf(letters), offsetOf),
    ...found("out of order", name, outOfOrder(part), ([row, later]) => `${row.offset} after ${later.offset}`),
    ...found("wrong content", name, wrong, ({ record, row }) => `${row.offset}: ${row.content}, not ${record.content}`),
    ...strangers(part, records, "rows", rows),
    ...strangers(part, records, "dead letters", letters),
    ...found("row without its offset", name, uncovered(part, rows), offsetOf),
    ...found("dead letter without its offset", name, uncovered(part, letters), offsetOf),
    ...found("row and dead letter of one record", name, open.filter(({ offset }) => rowAt.has(offset)), offsetOf)
  ]
}

import type { Finding, FindingKind, History, LetterRow, OffsetMove, Place, SourceLog, TargetRow } from "./History.js"

/** All that a history says of one partition. */
export interface Part {
  readonly name: string
  /** Undefined: rows, letters or offsets of a partition that is not there. */
  readonly log: SourceLog | undefined
  /** By offset; those of one offset by insertion. */
  readonly rows: ReadonlyArray<TargetRow>
  readonly letters: ReadonlyArray<LetterRow>
  /** By commit. */
  readonly moves: ReadonlyArray<OffsetMove>
  readonly stored: bigint | undefined
}

const examples = 3

/** One finding that counts the items and shows the first few; none where there are none. */
export const found = <A>(
  kind: FindingKind,
  where: string,
  items: ReadonlyArray<A>,
  show: (item: A) => string
): ReadonlyArray<Finding> => {
  if (items.length === 0) return []
  const more = items.length > examples ? `, … (${items.length} in all)` : ""
  return [{ kind, what: `${where}: ${items.slice(0, examples).map(show).join(", ")}${more}` }]
}

export const placeName = ({ partition, topic }: Place): string => `${topic}-${partition}`

const byPlace = <A extends Place>(items: ReadonlyArray<A>): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const item of items) {
    const name = placeName(item)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [item])
    else group.push(item)
  }
  return groups
}

interface Placed {
  readonly offset: bigint
  readonly seq?: number
}

const byOffset = (a: Placed, b: Placed): number =>
  a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : (a.seq ?? 0) - (b.seq ?? 0)

export const partsOf = (history: History): ReadonlyArray<Part> => {
  const logs = byPlace(history.logs)
  const rows = byPlace(history.rows)
  const letters = byPlace(history.letters)
  const moves = byPlace(history.moves)
  const stored = byPlace(history.stored)
  const names = new Set([logs, rows, letters, moves, stored].flatMap((groups) => [...groups.keys()]))
  return Array.from(names, (name) => ({
    name,
    log: logs.get(name)?.[0],
    rows: (rows.get(name) ?? []).toSorted(byOffset),
    letters: (letters.get(name) ?? []).toSorted(byOffset),
    moves: (moves.get(name) ?? []).toSorted((a, b) => a.seq - b.seq),
    stored: stored.get(name)?.[0]?.offset
  }))
}

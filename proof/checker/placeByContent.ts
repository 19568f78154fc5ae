import type { History, SourceRecord, TargetRow } from "./History.js"
import { placeName } from "./parts.js"

type Unplaced = NonNullable<History["unplaced"]>[number]

const nameOf = ({ content, topic }: { readonly topic: string; readonly content: string }) => `${topic} ${content}`

/**
 * Gives records of whose place nobody was told the place of the first row that says the same and is no known record's,
 * so that they are checked as all others are; those that no row says are `missing`.
 */
export const placeByContent = (
  history: History
): { readonly placed: History; readonly missing: ReadonlyArray<Unplaced> } => {
  const { logs, rows, unplaced = [] } = history
  if (unplaced.length === 0) return { placed: history, missing: [] }
  const known = new Set(logs.flatMap((log) => log.records.map(({ offset }) => `${placeName(log)}@${offset}`)))
  const free = new Map<string, TargetRow>()
  for (const row of rows) {
    if (!free.has(nameOf(row)) && !known.has(`${placeName(row)}@${row.offset}`)) free.set(nameOf(row), row)
  }
  const found = new Map<string, Array<SourceRecord>>()
  const missing: Array<Unplaced> = []
  for (const record of unplaced) {
    const row = free.get(nameOf(record))
    if (row === undefined) {
      missing.push(record)
      continue
    }
    const others = found.get(placeName(row))
    if (others === undefined) found.set(placeName(row), [row])
    else others.push(row)
  }
  const placed = logs.map((log) => ({ ...log, records: [...log.records, ...(found.get(placeName(log)) ?? [])] }))
  return { placed: { ...history, logs: placed }, missing }
}

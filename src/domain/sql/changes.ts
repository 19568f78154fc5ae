import { type AppendedRows, makeAppendedRows } from "./appendedRows.js"
import type { Dialect } from "./Dialect.js"
import { foldedName, type Row, type RowShape } from "./Row.js"
import { deleteStatements, upsertStatements } from "./statements.js"

/** What one record does to one table: it writes a row, or deletes the row whose key is all that the columns say. */
export interface Change extends Row {
  readonly _tag: "Write" | "Delete"
}

/** Collects the changes of one transaction, in the order of the records. */
export interface ChangeBatch {
  readonly add: (change: Change) => void
  /** The statements so far, none longer than the limit but one of a single row; the batch is empty again. */
  readonly take: () => ReadonlyArray<string>
}

/** What the records so far make of one key: the row is deleted first, written then; either may be missing. */
interface KeyedChange {
  readonly deletion: Row | undefined
  readonly write: Row | undefined
}

interface TableChanges {
  readonly appended: AppendedRows
  readonly keyed: Map<string, KeyedChange>
}

/**
 * The row that does what both do, one after the other: what `newer` says, and for the columns that only `older` knows,
 * what that said. Writing only `newer` would lose those columns, which a table written one by one has.
 */
const merged = (older: Row | undefined, newer: Row): Row => {
  if (older === undefined || older.shape === newer.shape) return newer
  const known = new Set(newer.shape.columns.map(foldedName))
  const columns = [...newer.shape.columns]
  const cells = [...newer.cells]
  for (const [index, name] of older.shape.columns.entries()) {
    const cell = older.cells[index]
    if (cell === undefined || known.has(foldedName(name))) continue
    columns.push(name)
    cells.push(cell)
  }
  return columns.length === known.size ? newer : { shape: { ...newer.shape, columns }, cells }
}

/** Places of the key's cells in the order of their columns' names. */
const keyPlaces = ({ columns, keyLength }: RowShape): ReadonlyArray<number> => {
  const names = columns.slice(0, keyLength).map(foldedName)
  return names.map((_, place) => place).toSorted((a, b) => byKey([names[a] ?? "", a], [names[b] ?? "", b]))
}

/**
 * A key's literals are equal where the keys are, because each value has one spelling, and end where they should, so that
 * no two keys join to one text. In the order of the columns' names: two versions of a key's schema may have its fields in
 * different orders.
 */
const makeKeyOf = (): (row: Row) => string => {
  const places = new Map<RowShape, ReadonlyArray<number>>()
  return ({ cells, shape }) => {
    if (shape.keyLength === 1) return cells[0] ?? ""
    const known = places.get(shape) ?? keyPlaces(shape)
    places.set(shape, known)
    return known.map((place) => cells[place]).join(",")
  }
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => a < b ? -1 : a > b ? 1 : 0

/**
 * The statements of a batch leave the tables as if every record had been applied alone, in its order. Appended rows keep
 * their order. Of the records of one key, everything before the last deletion is gone; what is written after it is one
 * row. The deletion itself stays: the row before the batch may have columns that no record writes.
 *
 * Tables come in the order of their names and rows in the order of their keys, so that transactions which share rows wait
 * for each other instead of deadlocking.
 *
 * `maxStatementBytes` is UTF-8 bytes: the server's limit (max_allowed_packet) counts those. A single row beyond it
 * becomes a statement of its own, so that the server's refusal names the record it is about.
 */
export const makeChangeBatch = (dialect: Dialect, maxStatementBytes: number): ChangeBatch => {
  const tables = new Map<string, TableChanges>()
  const keyOf = makeKeyOf()
  const changesOf = (table: string): TableChanges => {
    const known = tables.get(table)
    if (known !== undefined) return known
    const made: TableChanges = { appended: makeAppendedRows(dialect, table), keyed: new Map() }
    tables.set(table, made)
    return made
  }
  const statementsOf = (table: string, { appended, keyed }: TableChanges): ReadonlyArray<string> => {
    const inOrder = [...keyed].toSorted(byKey).map(([, change]) => change)
    const deletions = inOrder.flatMap(({ deletion }) => deletion === undefined ? [] : [deletion])
    const writes = inOrder.flatMap(({ write }) => write === undefined ? [] : [write])
    return [
      ...appended.statements(maxStatementBytes),
      ...deleteStatements(dialect, table, deletions, maxStatementBytes),
      ...upsertStatements(dialect, table, writes, maxStatementBytes)
    ]
  }
  return {
    add: (change) => {
      const { appended, keyed } = changesOf(change.shape.table)
      if (change.shape.keyLength === 0) return appended.add(change)
      const key = keyOf(change)
      if (change._tag === "Delete") return void keyed.set(key, { deletion: change, write: undefined })
      const before = keyed.get(key)
      keyed.set(key, { deletion: before?.deletion, write: merged(before?.write, change) })
    },
    take: () => {
      const statements = [...tables].toSorted(byKey).flatMap(([table, changes]) => statementsOf(table, changes))
      tables.clear()
      return statements
    }
  }
}

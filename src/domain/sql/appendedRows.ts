import type { Dialect } from "./Dialect.js"
import { foldedName, type Row, type RowShape } from "./Row.js"
import { bracketed, insertHead, packed } from "./statements.js"

/** The rows that a transaction appends to one table, in their order. */
export interface AppendedRows {
  readonly add: (row: Row) => void
  readonly statements: (bytesMax: number) => ReadonlyArray<string>
}

/** Rows side by side, written under the same columns. */
interface Segment {
  readonly columns: ReadonlyArray<string>
  readonly texts: Array<string>
  readonly writers: Map<RowShape, (row: Row) => string>
}

/** The columns and, before them, those of the shape that are not among them. */
const widened = (columns: ReadonlyArray<string>, shape: RowShape): ReadonlyArray<string> => {
  const known = new Set(columns.map(foldedName))
  const fresh = shape.columns.filter((name) => !known.has(foldedName(name)))
  return fresh.length === 0 ? columns : [...fresh, ...columns]
}

/** Writes rows of one shape under other columns; `absent` where a row has no cell for one. */
const spread = (shape: RowShape, columns: ReadonlyArray<string>, absent: string): (row: Row) => string => {
  const places = new Map(shape.columns.map((name, index) => [foldedName(name), index]))
  const sources = columns.map((name) => places.get(foldedName(name)))
  return ({ cells }) =>
    `(${sources.map((source) => source === undefined ? absent : (cells[source] ?? absent)).join(",")})`
}

/**
 * Rows of several schema versions go into one statement over all their columns, however they interleave: what a version
 * lacks is left to the column's default, as if the row stood alone. Where the database has no word for that (`absent`),
 * a statement ends where the columns change.
 *
 * A row becomes text when it is added, so that its parts are garbage at once. That is why columns which later rows bring
 * come before those that are there: the rows so far then only need something in front.
 */
export const makeAppendedRows = (dialect: Dialect, table: string): AppendedRows => {
  const { absent } = dialect
  const segments: Array<Segment> = []
  let segment: Segment = { columns: [], texts: [], writers: new Map() }
  let shape: RowShape | undefined
  let write = bracketed
  const writerOf = (next: RowShape): (row: Row) => string => {
    const known = segment.writers.get(next)
    if (known !== undefined) return known
    const isNew = segments.length === 0 || absent === undefined
    const columns = isNew ? next.columns : widened(segment.columns, next)
    if (isNew || columns !== segment.columns) segments.push(segment = { columns, texts: [], writers: new Map() })
    const made = columns === next.columns ? bracketed : spread(next, columns, absent ?? "NULL")
    segment.writers.set(next, made)
    return made
  }
  return {
    add: (row) => {
      if (row.shape !== shape) {
        shape = row.shape
        write = writerOf(shape)
      }
      segment.texts.push(write(row))
    },
    statements: (bytesMax) => {
      const pack = (columns: ReadonlyArray<string>, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
        packed({ head: insertHead(dialect, table, columns), between: ",", tail: () => "" }, texts, bytesMax)
      if (segments.length <= 1 || absent === undefined) {
        return segments.flatMap(({ columns, texts }) => pack(columns, texts))
      }
      // Columns only come, so that the last segment has them all.
      const { columns } = segment
      const all = segments.flatMap(({ columns: known, texts }) => {
        const front = Array.from({ length: columns.length - known.length }, () => absent).join(",")
        if (front === "") return texts
        return texts.map((text) => known.length === 0 ? `(${front})` : `(${front},${text.slice(1)}`)
      })
      return pack(columns, all)
    }
  }
}

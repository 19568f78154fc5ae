import type { Dialect, Template } from "./Dialect.js"
import { foldedName, type Row, type RowShape } from "./Row.js"
import { keyColumnNames } from "./TablePlan.js"

/** As many statements as the limit makes necessary; a row beyond it is a statement of its own. */
const packed = (
  { between, head, tail }: Template,
  rows: ReadonlyArray<string>,
  bytesMax: number,
  rowsMax: number
): ReadonlyArray<string> => {
  const statements: Array<string> = []
  const frameBytes = Buffer.byteLength(head) + Buffer.byteLength(tail)
  let taken: Array<string> = []
  let bytes = 0
  const close = (): void => {
    if (taken.length > 0) statements.push(head + taken.join(between) + tail)
    taken = []
  }
  for (const row of rows) {
    const rowBytes = Buffer.byteLength(row)
    if (taken.length === rowsMax || bytes + between.length + rowBytes > bytesMax) close()
    bytes = (taken.length === 0 ? frameBytes : bytes + between.length) + rowBytes
    taken.push(row)
  }
  close()
  return statements
}

const insertHead = ({ identifier }: Dialect, table: string, columns: ReadonlyArray<string>): string =>
  `INSERT INTO ${identifier(table)} (${columns.map(identifier).join(", ")}) VALUES `

const isOrigin = (name: string): boolean => keyColumnNames.some((each) => each === name)

/** All columns of the shapes, each once, in the order of their first appearance; those of the origin stay last. */
const unionOf = (shapes: ReadonlySet<RowShape>): ReadonlyArray<string> => {
  const names = new Map<string, string>()
  for (const { columns } of shapes) {
    for (const name of columns) if (!names.has(foldedName(name))) names.set(foldedName(name), name)
  }
  const all = [...names.values()]
  return [...all.filter((name) => !isOrigin(name)), ...all.filter(isOrigin)]
}

/** Writes rows of one shape under other columns; `absent` where a row has no cell for one. */
const spread = (shape: RowShape, columns: ReadonlyArray<string>, absent: string): (row: Row) => string => {
  const places = new Map(shape.columns.map((name, index) => [foldedName(name), index]))
  const sources = columns.map((name) => places.get(foldedName(name)))
  return ({ cells }) =>
    `(${sources.map((source) => source === undefined ? absent : (cells[source] ?? absent)).join(",")})`
}

const bracketed = ({ cells }: Row): string => `(${cells.join(",")})`

/** Rows side by side that have the same columns. */
const runsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<readonly [RowShape, ReadonlyArray<Row>]> => {
  const runs: Array<readonly [RowShape, Array<Row>]> = []
  for (const row of rows) {
    const [shape, run] = runs.at(-1) ?? []
    if (shape === row.shape) run?.push(row)
    else runs.push([row.shape, [row]])
  }
  return runs
}

/**
 * Rows of several schema versions go into one statement over all their columns, however they interleave: what a version
 * lacks is left to the column's default, as if the row stood alone. Where the database has no word for that (`absent`),
 * a statement ends where the columns change.
 */
export const insertStatements = (
  dialect: Dialect,
  table: string,
  rows: ReadonlyArray<Row>,
  bytesMax: number
): ReadonlyArray<string> => {
  const { absent } = dialect
  const pack = (columns: ReadonlyArray<string>, texts: ReadonlyArray<string>): ReadonlyArray<string> =>
    packed({ head: insertHead(dialect, table, columns), between: ",", tail: "" }, texts, bytesMax, Infinity)
  const shapes = new Set(rows.map(({ shape }) => shape))
  if (shapes.size === 1 || absent === undefined) {
    return runsOf(rows).flatMap(([{ columns }, run]) => pack(columns, run.map(bracketed)))
  }
  const columns = unionOf(shapes)
  const spreads = new Map([...shapes].map((shape) => [shape, spread(shape, columns, absent)]))
  return pack(columns, rows.map((row) => spreads.get(row.shape)?.(row) ?? bracketed(row)))
}

/**
 * One statement per set of columns: what a row changes is what its own records say and no other's. No key is in two of
 * them, so that their order does not matter.
 */
export const upsertStatements = (
  dialect: Dialect,
  table: string,
  rows: ReadonlyArray<Row>,
  bytesMax: number
): ReadonlyArray<string> => {
  const groups = new Map<string, Array<Row>>()
  for (const row of rows) {
    const columns = row.shape.columns.join("\0")
    const group = groups.get(columns)
    if (group === undefined) groups.set(columns, [row])
    else group.push(row)
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { columns, keyLength } = first.shape
    const tail = dialect.upsertTail(table, columns.slice(0, keyLength), columns.slice(keyLength))
    const template = { head: insertHead(dialect, table, columns), between: ",", tail }
    return packed(template, group.map(bracketed), bytesMax, Infinity)
  })
}

/**
 * Beyond this many keys in a statement the optimizer's memory for ranges (range_optimizer_max_mem_size) may not suffice;
 * it would then read, and lock, the whole table.
 */
const deletedKeysMax = 1000

export const deleteStatements = (
  dialect: Dialect,
  table: string,
  rows: ReadonlyArray<Row>,
  bytesMax: number
): ReadonlyArray<string> => {
  const [first] = rows
  if (first === undefined) return []
  const { row, ...template } = dialect.deletion(table, first.shape.columns)
  return packed(template, rows.map(({ cells }) => row(cells)), bytesMax, deletedKeysMax)
}

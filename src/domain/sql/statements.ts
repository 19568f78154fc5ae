import type { Dialect, Template } from "./Dialect.js"
import type { Row } from "./Row.js"

/** As many statements as the limit makes necessary; a row beyond it is a statement of its own. */
export const packed = (
  { between, head, tail }: Template,
  rows: ReadonlyArray<string>,
  bytesMax: number,
  rowsMax = Infinity
): ReadonlyArray<string> => {
  const statements: Array<string> = []
  const frameBytes = Buffer.byteLength(head) + Buffer.byteLength(tail(rows.length))
  let taken: Array<string> = []
  let bytes = 0
  const close = (): void => {
    if (taken.length > 0) statements.push(head + taken.join(between) + tail(taken.length))
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

export const insertHead = ({ identifier }: Dialect, table: string, columns: ReadonlyArray<string>): string =>
  `INSERT INTO ${identifier(table)} (${columns.map(identifier).join(", ")}) VALUES `

export const bracketed = ({ cells }: Row): string => `(${cells.join(",")})`

/** Rows of the same columns in the same order, with the first of them. */
const byColumns = (rows: ReadonlyArray<Row>): ReadonlyArray<readonly [first: Row, group: ReadonlyArray<Row>]> => {
  const groups = new Map<string, readonly [first: Row, group: Array<Row>]>()
  for (const row of rows) {
    const columns = row.shape.columns.join("\0")
    const known = groups.get(columns)
    if (known === undefined) groups.set(columns, [row, [row]])
    else known[1].push(row)
  }
  return [...groups.values()]
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
  return byColumns(rows).flatMap(([{ shape: { columns, keyLength } }, group]) => {
    const tail = dialect.upsertTail(table, columns.slice(0, keyLength), columns.slice(keyLength))
    const template = { head: insertHead(dialect, table, columns), between: ",", tail: () => tail }
    return packed(template, group.map(bracketed), bytesMax)
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
): ReadonlyArray<string> =>
  byColumns(rows).flatMap(([first, group]) => {
    const { row, ...template } = dialect.deletion(table, first.shape.columns)
    return packed(template, group.map(({ cells }) => row(cells)), bytesMax, deletedKeysMax)
  })

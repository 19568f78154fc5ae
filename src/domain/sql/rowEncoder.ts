import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Dialect, Poison } from "./Dialect.js"
import { type Column, keyColumnNames, type TablePlan } from "./TablePlan.js"

/** Turns decoded values of one schema into the rows of one table. */
export interface RowEncoder {
  /** Everything before the first row: the same text means that rows may share a statement. */
  readonly head: string
  /** One row, with its brackets. */
  readonly row: (value: unknown, sourceId: number, partition: number, offset: bigint) => Either.Either<string, Poison>
}

/** Writes one column of a record. */
type Cell = (record: Readonly<Record<string, unknown>>) => Either.Either<string, Poison>

const makeCell = (dialect: Dialect, column: Column, field: string): Cell => {
  const write = dialect.literal(column)
  return (record) => write(record[field])
}

const headOf = (dialect: Dialect, plan: TablePlan, keyColumns: boolean): string => {
  const names = [...plan.columns.map((column) => column.name), ...(keyColumns ? keyColumnNames : [])]
  return `INSERT INTO ${dialect.identifier(plan.table)} (${names.map(dialect.identifier).join(", ")}) VALUES `
}

/**
 * Compiled once per schema id and table; `row` then runs per record, so it is a loop over prepared closures and nothing
 * else. `keyColumns`: whether the table has Tributary's key (tables made by others may not).
 */
export const makeRowEncoder = (dialect: Dialect, plan: TablePlan, keyColumns: boolean): RowEncoder => {
  const head = headOf(dialect, plan, keyColumns)
  const tail = (start: string, sourceId: number, partition: number, offset: bigint): string =>
    keyColumns ? `${start}${sourceId},${partition},${offset})` : `${start})`

  const [only] = plan.columns
  if (only !== undefined && only.field === undefined) {
    const write = dialect.literal(only)
    return {
      head,
      row: (value, sourceId, partition, offset) => {
        const literal = write(value)
        if (Either.isLeft(literal)) return literal
        return Either.right(tail(`(${literal.right}${keyColumns ? "," : ""}`, sourceId, partition, offset))
      }
    }
  }

  const cells = plan.columns.flatMap((column) =>
    column.field === undefined ? [] : [makeCell(dialect, column, column.field)]
  )
  const [firstCell, ...otherCells] = cells
  const notRecord = Either.left({ column: "", reason: "not a record" })
  if (firstCell === undefined) {
    return {
      head,
      row: (value, sourceId, partition, offset) =>
        Predicate.isRecord(value) ? Either.right(tail("(", sourceId, partition, offset)) : notRecord
    }
  }
  return {
    head,
    row: (value, sourceId, partition, offset) => {
      if (!Predicate.isRecord(value)) return notRecord
      const first = firstCell(value)
      if (Either.isLeft(first)) return first
      let text = `(${first.right}`
      for (const cell of otherCells) {
        const literal = cell(value)
        if (Either.isLeft(literal)) return literal
        text += `,${literal.right}`
      }
      return Either.right(tail(keyColumns ? `${text},` : text, sourceId, partition, offset))
    }
  }
}

import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { KafkaRecord } from "../KafkaRecord.js"
import type { Change } from "./changes.js"
import type { Dialect, LiteralWriter, Poison } from "./Dialect.js"
import { type Column, keyColumnNames, type TablePlan } from "./TablePlan.js"

/** A record, decoded, and where it is from. */
export interface DecodedRecord {
  readonly record: KafkaRecord
  /** Undefined where the key's format has not been asked for. */
  readonly key: unknown
  /** Never null as a whole for `write`, unless the schema says so: a record without a value is not decoded. */
  readonly value: unknown
  readonly sourceId: number
  readonly partition: number
}

/** Turns decoded records of one schema into changes of one table. */
export interface RowEncoder {
  readonly write: (decoded: DecodedRecord) => Either.Either<Change, Poison>
}

/** What the table is, beyond the plan. */
export interface TableShape {
  /** Whether it has Tributary's key columns (tables made by others may not). */
  readonly keyColumns: boolean
  /** The plan's columns that it lacks. */
  readonly ignored: ReadonlySet<string>
}

const notRecord: Either.Either<never, Poison> = Either.left({ column: "", reason: "not a record" })

/** Writes one column of a record. */
type Cell = (decoded: DecodedRecord) => Either.Either<string, Poison>

const makeCell = (column: Column, write: LiteralWriter): Cell => {
  const { from, path } = column
  const [field] = path
  if (field === undefined) return (decoded) => write(decoded[from])
  return (decoded) => {
    const whole = decoded[from]
    return Predicate.isRecord(whole) ? write(whole[field]) : notRecord
  }
}

const headOf = (dialect: Dialect, plan: TablePlan, columns: ReadonlyArray<Column>, keyColumns: boolean): string => {
  const names = [...columns.map((column) => column.name), ...(keyColumns ? keyColumnNames : [])]
  return `INSERT INTO ${dialect.identifier(plan.table)} (${names.map(dialect.identifier).join(", ")}) VALUES `
}

/**
 * Compiled once per schema id and table; `write` then runs per record, so it is a loop over prepared closures and nothing
 * else.
 */
export const makeRowEncoder = (dialect: Dialect, plan: TablePlan, { ignored, keyColumns }: TableShape): RowEncoder => {
  const columns = plan.columns.filter(({ name }) => !ignored.has(name))
  const head = headOf(dialect, plan, columns, keyColumns)
  const [firstCell, ...otherCells] = columns.map((column) => makeCell(column, dialect.literal(column)))
  const finish = (cells: string, { partition, record, sourceId }: DecodedRecord): Either.Either<Change, Poison> =>
    Either.right({
      _tag: "Insert",
      head,
      row: keyColumns
        ? `(${cells}${cells === "" ? "" : ","}${sourceId},${partition},${record.offset})`
        : `(${cells})`
    })
  if (firstCell === undefined) {
    return { write: (decoded) => Predicate.isRecord(decoded.value) ? finish("", decoded) : notRecord }
  }
  return {
    write: (decoded) => {
      const first = firstCell(decoded)
      if (Either.isLeft(first)) return Either.left(first.left)
      let text = first.right
      for (const cell of otherCells) {
        const literal = cell(decoded)
        if (Either.isLeft(literal)) return Either.left(literal.left)
        text += `,${literal.right}`
      }
      return finish(text, decoded)
    }
  }
}

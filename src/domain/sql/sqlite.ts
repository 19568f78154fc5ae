import type { Dialect } from "./Dialect.js"
import { makeLiteral, type Spelling } from "./literal.js"
import { hexOfText } from "./literal/bytes.js"
import type { Column, TablePlan } from "./TablePlan.js"

const identifier = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

/** A NUL ends the statement for SQLite's parser; the other control bytes go the same way, as for MySQL. */
const unsafe = /\p{Cc}/u
const text = (value: string): string =>
  unsafe.test(value) ? `CAST(x'${hexOfText(value)}' AS TEXT)` : `'${value.replaceAll("'", "''")}'`

const spelling: Spelling = {
  text,
  double: (value) => Object.is(value, -0) ? "-0.0" : String(value),
  // There is no exact decimal type: a number would become a double.
  decimal: (digits) => `'${digits}'`
}

/** Of the five types that a STRICT table allows. */
const columnType = ({ type }: Column): string => {
  switch (type.kind) {
    case "boolean":
    case "int":
    case "long":
    case "nanos":
      return "INTEGER"
    case "float":
    case "double":
      return "REAL"
    case "bytes":
    case "fixed":
      return "BLOB"
    case "null":
    case "string":
    case "enum":
    case "uuid":
    case "decimal":
    case "date":
    case "time":
    case "timestamp":
    case "local-timestamp":
      return "TEXT"
  }
}

const columnLine = (column: Column): string =>
  `${identifier(column.name)} ${columnType(column)}${column.nullable ? "" : " NOT NULL"}`

/** SQLite has no invisible columns: the key comes last, so that the record's fields keep their places. */
const createTable = (plan: TablePlan): string => {
  const lines = [
    ...plan.columns.map(columnLine),
    "\"_source\" INTEGER NOT NULL",
    "\"_partition\" INTEGER NOT NULL",
    "\"_offset\" INTEGER NOT NULL",
    "PRIMARY KEY (\"_source\", \"_partition\", \"_offset\")"
  ]
  return `CREATE TABLE IF NOT EXISTS ${identifier(plan.table)} (\n  ${lines.join(",\n  ")}\n) STRICT, WITHOUT ROWID`
}

export const sqlite: Dialect = {
  name: "sqlite",
  identifier,
  columnType,
  literal: (column) => makeLiteral(column, spelling),
  createTable
}

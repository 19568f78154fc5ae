import type { Dialect } from "./Dialect.js"
import { makeLiteral } from "./literal.js"
import { hexLiteral, hexOfText } from "./literal/bytes.js"
import type { Spelling } from "./literal/Spelling.js"
import { metadataColumn } from "./metadata.js"
import { type Column, keyColumnNames, type TablePlan } from "./TablePlan.js"
import { sqliteDeletion, sqliteUpsertTail } from "./upsert.js"

const identifier = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

/** A NUL ends the statement for SQLite's parser; the other control bytes go the same way, as for MySQL. */
const unsafe = /\p{Cc}/u
const text = (value: string): string =>
  unsafe.test(value) ? `CAST(x'${hexOfText(value)}' AS TEXT)` : `'${value.split("'").join("''")}'`

/** Powers of two up to here are exact both as an INTEGER and as a REAL. */
const shiftMax = 60
const chain = (operator: "*" | "/", shift: number): string =>
  `${operator}${2n ** BigInt(shiftMax)}`.repeat(Math.floor(shift / shiftMax)) +
  (shift % shiftMax === 0 ? "" : `${operator}${2n ** BigInt(shift % shiftMax)}`)

/**
 * SQLite's reading of a decimal fraction is now and then off by one in the last bit (3.45: about 1 of 5,000 random
 * doubles), so a double is written as the integer and the powers of two that it is: each step of that is exact.
 * Negative zero becomes zero: SQLite stores a REAL without a fraction as an integer.
 */
const double = (value: number): string => {
  if (Number.isSafeInteger(value)) return `${value}`
  let integer = value
  let shift = 0
  for (; !Number.isInteger(integer); shift += 8) integer *= 256
  for (; Math.abs(integer) >= 2 ** shiftMax; shift -= 8) integer /= 256
  return `${BigInt(integer)}*1.0${shift > 0 ? chain("/", shift) : chain("*", -shift)}`
}

const spelling: Spelling = {
  quote: "'",
  boolean: (value) => value ? "1" : "0",
  text,
  bytes: hexLiteral,
  double,
  // There is no exact decimal type: a number would become a double.
  decimal: (digits) => `'${digits}'`
}

/** Of the five types that a STRICT table allows. */
const columnType = ({ type }: Column): string => {
  switch (type.kind) {
    case "boolean":
    case "int":
    case "long":
      return "INTEGER"
    case "nanos":
      return type.stored === "datetime" ? "TEXT" : "INTEGER"
    case "float":
    case "double":
      return "REAL"
    case "bytes":
    case "fixed":
      return "BLOB"
    case "uuid":
      return type.stored === "binary" ? "BLOB" : "TEXT"
    case "null":
    case "string":
    case "enum":
    case "big-decimal":
    case "json":
    case "hash":
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

/** SQLite has no invisible columns: Tributary's own come last, so that the record's fields keep their places. */
const createTable = (plan: TablePlan): string => {
  const lines = [
    ...plan.columns.map(columnLine),
    ...plan.metadata.map((name) => columnLine(metadataColumn(name))),
    "\"_source\" INTEGER NOT NULL",
    "\"_partition\" INTEGER NOT NULL",
    "\"_offset\" INTEGER NOT NULL",
    `PRIMARY KEY (${(plan.key.length === 0 ? keyColumnNames : plan.key).map(identifier).join(", ")})`
  ]
  return `CREATE TABLE IF NOT EXISTS ${identifier(plan.table)} (\n  ${lines.join(",\n  ")}\n) STRICT, WITHOUT ROWID`
}

export const sqlite: Dialect = {
  name: "sqlite",
  identifier,
  columnType,
  literal: (column) => makeLiteral(column, spelling),
  createTable,
  absent: undefined,
  upsertTail: sqliteUpsertTail(identifier),
  deletion: sqliteDeletion(identifier)
}

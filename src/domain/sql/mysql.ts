import type { Dialect } from "./Dialect.js"
import { makeLiteral, type Spelling } from "./literal.js"
import { hexOfText } from "./literal/bytes.js"
import { enumLength } from "./rowBytes.js"
import type { Column, TablePlan } from "./TablePlan.js"

const identifier = (name: string): string => `\`${name.replaceAll("`", "``")}\``

/**
 * A back-slash is an escape or not depending on sql_mode (under NO_BACKSLASH_ESCAPES an escaped quote ends the literal),
 * so text that holds one is written in hexadecimal, which no mode changes; so are control bytes, some of which tools
 * and logs cut or rewrite. Elsewhere only the quote needs doubling, in every mode.
 */
const unsafe = /[\\\p{Cc}]/u
const text = (value: string): string =>
  unsafe.test(value)
    ? `_utf8mb4 x'${hexOfText(value)}'`
    : value.includes("'")
    ? `'${value.replaceAll("'", "''")}'`
    : `'${value}'`

const spelling: Spelling = {
  text,
  // JavaScript's own form is the shortest that reads back the same, and MySQL reads it exactly. A bare -0.0 would be a
  // DECIMAL, which has no negative zero.
  double: (value) => Object.is(value, -0) ? "-0e0" : String(value),
  decimal: (digits) => digits
}

const ascii = (type: string): string => `${type} CHARACTER SET ascii COLLATE ascii_bin`

const columnType = ({ type }: Column): string => {
  switch (type.kind) {
    case "null":
      return "CHAR(0)"
    case "boolean":
      return "BOOLEAN"
    case "int":
      return "INT"
    case "long":
    case "nanos":
      return "BIGINT"
    case "float":
    case "double":
      return "DOUBLE"
    case "string":
      return "LONGTEXT"
    case "bytes":
      return "LONGBLOB"
    case "fixed":
      return type.size <= 255 ? `BINARY(${type.size})` : type.size <= 65_535 ? `VARBINARY(${type.size})` : "LONGBLOB"
    case "enum":
      return ascii(`VARCHAR(${enumLength(type.symbols)})`)
    case "uuid":
      return ascii("CHAR(36)")
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`
    case "date":
      return "DATE"
    case "time":
      return `TIME(${type.unit === "millis" ? 3 : 6})`
    case "timestamp":
    case "local-timestamp":
      return `DATETIME(${type.unit === "millis" ? 3 : 6})`
  }
}

/** MySQL's limit for a column's comment, in characters. */
const commentLengthMax = 1024

/**
 * A comment must be a plain string literal of three-byte UTF-8: hexadecimal is not allowed there. So that no sql_mode
 * matters, the back-slash becomes its look-alike U+29F5, and what cannot be in it a blank or U+FFFD.
 */
const comment = (doc: string | undefined): string => {
  if (doc === undefined || doc === "") return ""
  const plain = doc
    .replace(/\p{Cc}+/gu, " ")
    .replaceAll("\\", "\u29f5")
    .replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, "\ufffd")
  const cut = plain.length > commentLengthMax ? `${plain.slice(0, commentLengthMax - 1)}…` : plain
  return ` COMMENT '${cut.replaceAll("'", "''")}'`
}

const columnLine = (column: Column): string =>
  `${identifier(column.name)} ${columnType(column)} ${column.nullable ? "NULL" : "NOT NULL"}${comment(column.doc)}`

/** The key columns are invisible, so that `SELECT *` shows the record's own fields alone. */
const createTable = (plan: TablePlan): string => {
  const lines = [
    ...plan.columns.map(columnLine),
    "`_source` SMALLINT UNSIGNED NOT NULL INVISIBLE",
    "`_partition` INT NOT NULL INVISIBLE",
    "`_offset` BIGINT NOT NULL INVISIBLE",
    "PRIMARY KEY (`_source`, `_partition`, `_offset`)"
  ]
  return `CREATE TABLE IF NOT EXISTS ${identifier(plan.table)} (\n  ${lines.join(",\n  ")}\n)` +
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC"
}

/** MySQL 8.0.23 and later (invisible columns). */
export const mysql: Dialect = {
  name: "mysql",
  identifier,
  columnType,
  literal: (column) => makeLiteral(column, spelling),
  createTable
}

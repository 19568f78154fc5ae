import * as Either from "effect/Either"
import { makeLiteral } from "../literal.js"
import { hexLiteral, hexOfText } from "../literal/bytes.js"
import { bigDecimalLengthMax } from "../literal/decimals.js"
import type { Spelling } from "../literal/Spelling.js"
import { decimalTextLength, enumLength, varbinaryLengthMax, varcharLengthMax } from "../plan/rowBytes.js"
import type { Column, ColumnType } from "../TablePlan.js"

/**
 * A back-slash is an escape or not depending on sql_mode (under NO_BACKSLASH_ESCAPES an escaped quote ends the literal),
 * so text that holds one is written in hexadecimal, which no mode changes; so are control bytes, some of which tools
 * and logs cut or rewrite. Elsewhere only the quote needs doubling, in every mode;
 * by split and join, which of a text full of quotes takes a fifth of the time.
 */
const unsafe = /[\\\p{Cc}]/u
const text = (value: string): string =>
  unsafe.test(value)
    ? `_utf8mb4 x'${hexOfText(value)}'`
    : value.includes("'")
    ? `'${value.split("'").join("''")}'`
    : `'${value}'`

export const spelling: Spelling = {
  quote: "'",
  boolean: (value) => value ? "1" : "0",
  text,
  bytes: hexLiteral,
  // JavaScript's own form is the shortest that reads back the same, and MySQL reads it exactly. A bare -0.0 would be a
  // DECIMAL, which has no negative zero.
  double: (value) => Object.is(value, -0) ? "-0e0" : String(value),
  decimal: (digits) => digits
}

const ascii = (type: string): string => `${type} CHARACTER SET ascii COLLATE ascii_bin`

/** Compare byte for byte, and without padding: 'a' and 'a ' are two keys. MariaDB does not have MySQL's (1273). */
export type KeyCollation = "utf8mb4_0900_bin" | "utf8mb4_nopad_bin"

/** A length that VARCHAR cannot have is still the limit of what we write. */
const varchar = (
  { key, length }: Extract<ColumnType, { readonly kind: "string" }>,
  keyCollation: KeyCollation
): string => {
  if (length === undefined || length > varcharLengthMax) return "LONGTEXT"
  return `VARCHAR(${length})${key === true ? ` CHARACTER SET utf8mb4 COLLATE ${keyCollation}` : ""}`
}

const varbinary = (length: number | undefined): string =>
  length === undefined || length > varbinaryLengthMax ? "LONGBLOB" : `VARBINARY(${length})`

export const columnTypeWith = (keyCollation: KeyCollation) => ({ type }: Column): string => {
  switch (type.kind) {
    case "null":
      return "CHAR(0)"
    case "boolean":
      return "BOOLEAN"
    case "int":
      return "INT"
    case "long":
      return "BIGINT"
    case "nanos":
      return type.stored === "datetime" ? "DATETIME(6)" : "BIGINT"
    case "float":
      return type.stored === "float" ? "FLOAT" : "DOUBLE"
    case "double":
      return "DOUBLE"
    case "string":
      return varchar(type, keyCollation)
    case "bytes":
      return varbinary(type.length)
    case "fixed":
      return type.size <= 255 ? `BINARY(${type.size})` : varbinary(type.size)
    case "enum":
      return ascii(
        type.stored === "enum"
          ? `ENUM(${type.symbols.map((symbol) => `'${symbol}'`).join(",")})`
          : `VARCHAR(${enumLength(type.symbols)})`
      )
    case "big-decimal":
      return ascii(`VARCHAR(${bigDecimalLengthMax})`)
    case "json":
      return "JSON"
    case "hash":
      return ascii("CHAR(64)")
    case "uuid":
      return type.stored === "binary" ? "BINARY(16)" : ascii("CHAR(36)")
    case "decimal":
      if (type.stored === "varchar") return ascii(`VARCHAR(${decimalTextLength(type.precision)})`)
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

export const columnType = columnTypeWith("utf8mb4_0900_bin")

/** Kept outside of the row. MySQL takes only expressions as their defaults. */
const isLong = (type: string): boolean => /^(?:LONG|JSON)/.test(type)

/**
 * The field's default as a literal, where it is a value that the column can hold. None for LONGTEXT, LONGBLOB and JSON: to
 * add a column whose default is an expression copies the table, and the server writes an expression down with
 * back-slashes, which it then cannot read itself under NO_BACKSLASH_ESCAPES (1064).
 */
export const defaultLiteral = (column: Column): string | undefined =>
  column.default === undefined || column.default.value === null || isLong(columnType(column))
    ? undefined
    : Either.getOrUndefined(makeLiteral(column, spelling)(column.default.value))

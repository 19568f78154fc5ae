import type { Spelling } from "./literal.js"
import { hexOfText } from "./literal/bytes.js"
import { enumLength } from "./rowBytes.js"
import type { Column } from "./TablePlan.js"

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

export const spelling: Spelling = {
  text,
  // JavaScript's own form is the shortest that reads back the same, and MySQL reads it exactly. A bare -0.0 would be a
  // DECIMAL, which has no negative zero.
  double: (value) => Object.is(value, -0) ? "-0e0" : String(value),
  decimal: (digits) => digits
}

const ascii = (type: string): string => `${type} CHARACTER SET ascii COLLATE ascii_bin`

export const columnType = ({ type }: Column): string => {
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
    case "big-decimal":
      return ascii("VARCHAR(255)")
    case "json":
      return "JSON"
    case "hash":
      return ascii("CHAR(64)")
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

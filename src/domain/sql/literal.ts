import * as Either from "effect/Either"
import type { LiteralWriter } from "./Dialect.js"
import { bytesLiteral, fixedLiteral } from "./literal/bytes.js"
import {
  booleanLiteral,
  decimalLiteral,
  doubleLiteral,
  floatLiteral,
  intLiteral,
  longLiteral
} from "./literal/numbers.js"
import { type Literal, poison } from "./literal/poison.js"
import { enumLiteral, stringLiteral, uuidLiteral } from "./literal/text.js"
import { dateLiteral, timeLiteral, timestampLiteral, units } from "./literal/times.js"
import type { Column } from "./TablePlan.js"

/** What databases spell differently. Which values are refused does not differ: the checks are before these. */
export interface Spelling {
  /** Of any well-formed text. */
  readonly text: (text: string) => string
  /** Of any finite number. */
  readonly double: (value: number) => string
  /** Of exact decimal digits with an optional sign and point. */
  readonly decimal: (digits: string) => string
}

const NULL: Literal = Either.right("NULL")

const writerOf = (column: Column, spelling: Spelling): LiteralWriter => {
  const { type } = column
  switch (type.kind) {
    case "null": {
      const wrong = poison(column, "not null")
      return () => wrong
    }
    case "boolean":
      return booleanLiteral(column)
    case "int":
      return intLiteral(column)
    case "long":
    case "nanos":
      return longLiteral(column)
    case "float":
      return floatLiteral(column, spelling.double)
    case "double":
      return doubleLiteral(column, spelling.double)
    case "string":
      return stringLiteral(column, spelling.text)
    case "bytes":
      return bytesLiteral(column)
    case "fixed":
      return fixedLiteral(column, type.size)
    case "enum":
      return enumLiteral(column, type.symbols, spelling.text)
    case "big-decimal":
    case "json":
    case "hash": {
      const wrong = poison(column, `a column of kind ${type.kind} is not written yet`)
      return () => wrong
    }
    case "uuid":
      return uuidLiteral(column)
    case "decimal":
      return decimalLiteral(column, type, spelling.decimal)
    case "date":
      return dateLiteral(column)
    case "time":
      return timeLiteral(column, units[type.unit])
    case "timestamp":
    case "local-timestamp":
      return timestampLiteral(column, units[type.unit])
  }
}

/** The writer of one column's values: a value of another type, or one that cannot be stored exactly, is `Poison`. */
export const makeLiteral = (column: Column, spelling: Spelling): LiteralWriter => {
  const write = writerOf(column, spelling)
  const missing = poison(column, "null in a column that is never NULL")
  return column.nullable
    ? (value) => value === null ? NULL : write(value)
    : (value) => value === null ? missing : write(value)
}

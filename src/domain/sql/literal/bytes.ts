import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import type { Column } from "../TablePlan.js"
import { poison } from "./poison.js"

export const hex = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString("hex")

export const hexOfText = (text: string): string => Buffer.from(text, "utf8").toString("hex")

/** `x'…'` is the same in MySQL and SQLite, in every sql_mode. */
export const bytesLiteral = (column: Column): LiteralWriter => {
  const wrong = poison(column, "not bytes")
  return (value) => value instanceof Uint8Array ? Either.right(`x'${hex(value)}'`) : wrong
}

export const fixedLiteral = (column: Column, size: number): LiteralWriter => {
  const wrong = poison(column, `not ${size} bytes`)
  return (value) => value instanceof Uint8Array && value.length === size ? Either.right(`x'${hex(value)}'`) : wrong
}

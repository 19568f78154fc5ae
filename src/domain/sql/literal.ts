import * as Either from "effect/Either"
import type { LiteralWriter } from "./Dialect.js"
import { jsonLiteral } from "./literal/json.js"
import { plainLiteral } from "./literal/plain.js"
import { type Literal, poison } from "./literal/poison.js"
import type { Spelling } from "./literal/Spelling.js"
import type { Column } from "./TablePlan.js"

const NULL: Literal = Either.right("NULL")

/** The writer of one column's values: a value of another type, or one that cannot be stored exactly, is `Poison`. */
export const makeLiteral = (column: Column, spelling: Spelling): LiteralWriter => {
  const { name, type } = column
  const write = type.kind === "json"
    ? jsonLiteral({ name }, type, spelling.text)
    : plainLiteral({ name }, type, spelling)
  const missing = poison({ name }, "null in a column that is never NULL")
  return column.nullable
    ? (value) => value === null ? NULL : write(value)
    : (value) => value === null ? missing : write(value)
}

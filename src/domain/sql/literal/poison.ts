import * as Either from "effect/Either"
import type { LiteralWriter, Poison } from "../Dialect.js"
import type { Column } from "../TablePlan.js"

export type Literal = Either.Either<string, Poison>

/** Writes a value of one kind; the column is only for naming it in a `Poison`. */
export type WriterOf = (column: Column) => LiteralWriter

/** The answer for a value that cannot be stored: made once per column and reason, because a poisoned topic has many. */
export const poison = (column: Column, reason: string): Literal => Either.left({ column: column.name, reason })

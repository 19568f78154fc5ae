import type * as Either from "effect/Either"
import type { Column, TablePlan } from "./TablePlan.js"

/** Why a value cannot be stored exactly. `reason` never quotes the value. */
export interface Poison {
  readonly column: string
  readonly reason: string
}

/** Writes one column's value as a literal that ends where it should, whatever the value and the session's modes are. */
export type LiteralWriter = (value: unknown) => Either.Either<string, Poison>

/** How one database spells things. Pure. */
export interface Dialect {
  readonly name: "mysql" | "sqlite"
  /** Quoted; a NUL is refused when the plan is made. */
  readonly identifier: (name: string) => string
  readonly columnType: (column: Column) => string
  readonly literal: (column: Column) => LiteralWriter
  readonly createTable: (plan: TablePlan) => string
}

import type * as Either from "effect/Either"
import type { Column, TablePlan } from "./TablePlan.js"

/** Why a value cannot be stored exactly. `reason` never quotes the value. */
export interface Poison {
  readonly column: string
  readonly reason: string
}

/** Writes one column's value as a literal that ends where it should, whatever the value and the session's modes are. */
export type LiteralWriter = (value: unknown) => Either.Either<string, Poison>

/** What stands around the rows of a statement, and between them. */
export interface Template {
  readonly head: string
  readonly between: string
  /** Of a statement of so many rows. */
  readonly tail: (rows: number) => string
}

/** Deletes rows by their keys. */
export interface Deletion extends Template {
  /** One key, as it stands between the template's head and tail. */
  readonly row: (cells: ReadonlyArray<string>) => string
}

/** How one database spells things. Pure. */
export interface Dialect {
  readonly name: "mysql" | "mariadb" | "sqlite"
  /** Quoted; a NUL is refused when the plan is made. */
  readonly identifier: (name: string) => string
  readonly columnType: (column: Column) => string
  readonly literal: (column: Column) => LiteralWriter
  readonly createTable: (plan: TablePlan) => string
  /** What a row says of a column that it leaves to its default; undefined: there is no word for it. */
  readonly absent: string | undefined
  /** What follows the rows of an INSERT, so that of rows whose key is there already the other columns are overwritten. */
  readonly upsertTail: (table: string, key: ReadonlyArray<string>, others: ReadonlyArray<string>) => string
  readonly deletion: (table: string, key: ReadonlyArray<string>) => Deletion
}

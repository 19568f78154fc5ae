import type { Dialect } from "./Dialect.js"

type Identifier = Dialect["identifier"]

const assignments = (
  identifier: Identifier,
  key: ReadonlyArray<string>,
  others: ReadonlyArray<string>,
  valueOf: (quoted: string) => string
): string =>
  // A table of nothing but its key still needs one assignment; the key's own changes nothing.
  (others.length === 0 ? key.slice(0, 1) : others)
    .map(identifier).map((name) => `${name} = ${valueOf(name)}`).join(", ")

/** MySQL 8.0.20 and later: VALUES(column) is deprecated there, which is a warning, and a warning fails the statement. */
export const mysqlUpsertTail = (identifier: Identifier): Dialect["upsertTail"] => (table, key, others) => {
  // The alias must differ from the table's name, however that compares.
  const alias = identifier(table.toLowerCase() === "new" ? "newer" : "new")
  return ` AS ${alias} ON DUPLICATE KEY UPDATE ${assignments(identifier, key, others, (name) => `${alias}.${name}`)}`
}

/** MariaDB has no alias for the rows (1064). */
export const mariadbUpsertTail = (identifier: Identifier): Dialect["upsertTail"] => (_table, key, others) =>
  ` ON DUPLICATE KEY UPDATE ${assignments(identifier, key, others, (name) => `VALUES(${name})`)}`

export const sqliteUpsertTail = (identifier: Identifier): Dialect["upsertTail"] => (_table, key, others) =>
  ` ON CONFLICT (${key.map(identifier).join(", ")}) DO UPDATE SET ${
    assignments(identifier, key, others, (name) => `excluded.${name}`)
  }`

const bracketed = (parts: ReadonlyArray<string>): string => parts.length === 1 ? parts.join("") : `(${parts.join(",")})`

/** What databases spell differently in a deletion. */
interface DeletionSpelling {
  /** What follows DELETE; the table's name comes quoted. */
  readonly hint: (quotedTable: string) => string
  /** Before and after a list of composite keys. */
  readonly rows: readonly [open: string, close: string]
}

const deletionIn = (identifier: Identifier, { hint, rows }: DeletionSpelling): Dialect["deletion"] => (table, key) => {
  const [open, close] = key.length === 1 ? ["(", ")"] : rows
  const quoted = identifier(table)
  return {
    head: `DELETE${hint(quoted)} FROM ${quoted} WHERE ${bracketed(key.map(identifier))} IN ${open}`,
    between: ",",
    tail: () => close,
    row: bracketed
  }
}

/**
 * Where a batch deletes a third of a table or more, MySQL would read, and lock, all of it, and so wait for rows of other
 * partitions. The hint names no index, because an index that is not there would be a warning.
 */
export const mysqlDeletion = (identifier: Identifier): Dialect["deletion"] =>
  deletionIn(identifier, { hint: (table) => ` /*+ INDEX(${table}) */`, rows: ["(", ")"] })

/**
 * MariaDB has no such hint, and FORCE INDEX does not keep it from reading all. An order and a limit that no more rows
 * can reach do; and a list of composite keys is no range for it, so that it is said with OR.
 */
export const mariadbDeletion = (identifier: Identifier): Dialect["deletion"] => (table, key) => {
  const names = key.map(identifier)
  return {
    head: `DELETE FROM ${identifier(table)} WHERE (`,
    between: " OR ",
    tail: (rows) => `) ORDER BY ${names.join(",")} LIMIT ${rows}`,
    row: (cells) => names.map((name, index) => `${name}=${cells[index] ?? "NULL"}`).join(" AND ")
  }
}

/** SQLite compares rows only with a table's. */
export const sqliteDeletion = (identifier: Identifier): Dialect["deletion"] =>
  deletionIn(identifier, { hint: () => "", rows: ["(VALUES ", ")"] })

import type { Deletion, Dialect } from "./Dialect.js"

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

/** `rows`: how a list of composite keys is said, before its first and after its last. */
export const deletionIn =
  (identifier: Identifier, rows: readonly [open: string, close: string]): Dialect["deletion"] =>
  (table, key): Deletion => {
    const [open, close] = key.length === 1 ? ["(", ")"] : rows
    return {
      head: `DELETE FROM ${identifier(table)} WHERE ${bracketed(key.map(identifier))} IN ${open}`,
      between: ",",
      tail: close,
      row: bracketed
    }
  }

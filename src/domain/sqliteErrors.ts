/** The class of an error of SQLite, after section 11 of the protocol. Codes: https://www.sqlite.org/rescode.html */

export type SqliteErrorClass =
  | "retriable"
  | "reconnect"
  | "wait-then-poison"
  | "poison"
  | "already-there"
  | "setup"
  | "unlisted"

/**
 * @param code extended result code
 * @param text SQLite's own words, which name the constraint's columns as `table.column`
 * @param statement the statement that failed
 */
export const classifySqlite = (code: number, text: string, statement = ""): SqliteErrorClass => {
  switch (code) {
    case 1555: // primary key
    case 2067: // unique
      return ownKey.test(text) ? "already-there" : "poison"
    case 1299: // NOT NULL: the record's fault only where it brought the column
      return namesColumn(statement, text) ? "poison" : "setup"
    case 787: // foreign key: the parent row may be on its way
      return "wait-then-poison"
    case 275: // CHECK
    case 1811: // RAISE in a trigger
    case 3091: // a STRICT table refuses the type
    case 18: // longer than SQLite stores
      return "poison"
    case 1:
      return missing.test(text) ? "setup" : "unlisted"
  }
  switch (code & 0xff) {
    case 5: // another connection writes
    case 6:
    case 7: // out of memory
    case 13: // disk full
      return "retriable"
    case 10: // I/O error
    case 14: // cannot open
      return "reconnect"
    case 8: // read-only
    case 11: // damaged
    case 23: // not authorised
    case 26: // not a database
      return "setup"
  }
  return "unlisted"
}

const ownKey = /: (.+)\._source, \1\._partition, \1\._offset$/
const missing = /^(?:no such table|no such column|table .* has no column named)/

/** Whether an INSERT lists the column that the text names as `table.column`; either name may hold dots of its own. */
const namesColumn = (insert: string, text: string): boolean => {
  const values = insert.search(/\bVALUES\b/i)
  const listed = insert.slice(0, values === -1 ? insert.length : values)
  const parts = text.split(".")
  return parts.some((_, index) => index > 0 && listed.includes(quoted(parts.slice(index).join("."))))
}

const quoted = (name: string) => `"${name.replaceAll("\"", "\"\"")}"`

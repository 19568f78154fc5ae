import { assert, it } from "@effect/vitest"
import { classifySqlite, type SqliteErrorClass } from "../../src/domain/sqliteErrors.js"

const insert = "INSERT INTO \"t\" (\"id\", \"a.b\", \"_source\") VALUES (1, NULL, 1), (2, 'VALUES \"other\"', 1)"
const cases: ReadonlyArray<readonly [SqliteErrorClass, number, string]> = [
  ["already-there", 1555, "UNIQUE constraint failed: t._source, t._partition, t._offset"],
  ["already-there", 2067, "UNIQUE constraint failed: my.t._source, my.t._partition, my.t._offset"],
  ["poison", 1555, "UNIQUE constraint failed: t.id"],
  ["poison", 2067, "UNIQUE constraint failed: t._source, t._partition"],
  ["poison", 1299, "NOT NULL constraint failed: t.id"],
  ["poison", 1299, "NOT NULL constraint failed: t.a.b"],
  ["setup", 1299, "NOT NULL constraint failed: t.other"],
  ["poison", 275, "CHECK constraint failed: id > 3"],
  ["poison", 3091, "cannot store TEXT value in INT column t.id"],
  ["wait-then-poison", 787, "FOREIGN KEY constraint failed"],
  ["setup", 1, "no such table: t"],
  ["setup", 1, "table t has no column named id"],
  ["unlisted", 1, "near \"(\": syntax error"],
  ["retriable", 5, "database is locked"],
  ["retriable", 517, "database is locked"],
  ["retriable", 13, "database or disk is full"],
  ["reconnect", 10, "disk I/O error"],
  ["reconnect", 1034, "disk I/O error"],
  ["setup", 8, "attempt to write a readonly database"],
  ["setup", 26, "file is not a database"],
  ["unlisted", 0, "anything else"],
  ["unlisted", 21, "bad parameter or other API misuse"]
]
for (const [errorClass, code, text] of cases) {
  it(`${code} ${text}: ${errorClass}`, () => assert.strictEqual(classifySqlite(code, text, insert), errorClass))
}

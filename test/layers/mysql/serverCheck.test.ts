import { assert, describe, it } from "@effect/vitest"
import { Either, Option } from "effect"
import { checkServer, dialectOf } from "../../../src/layers/mysql/serverCheck.js"

const address = { host: "db", port: 3306, database: "bank", username: "consumer" }
const variables = (over: Readonly<Record<string, string>>) =>
  new Map(Object.entries({ version: "8.4.3", log_bin: "ON", binlog_format: "ROW", ...over }))
const check = (over: Readonly<Record<string, string>>) => checkServer(address, variables(over))
const reasonOf = (over: Readonly<Record<string, string>>) => Option.getOrUndefined(Either.getLeft(check(over)))
const dialectName = (over: Readonly<Record<string, string>>) =>
  Either.match(check(over), { onLeft: (reason) => reason.message, onRight: ({ name }) => name })

const mariadb = "10.11.6-MariaDB-0+deb12u1"

describe("a server", () => {
  for (const version of ["8.0.23", "8.0.36-28", "8.4.3", "9.7.4-2", "10.0.0"]) {
    it(`of version ${version} is MySQL`, () => assert.strictEqual(dialectName({ version }), "mysql"))
  }

  for (
    const over of [
      { version: "10.6.0-MariaDB" },
      { version: `${mariadb}-log` },
      { version: "11.8.9-MariaDB-4 from Debian-log", version_comment: "-- Please help get to 10k stars" },
      { version: "12.1.2", version_comment: "mariadb.org binary distribution" }
    ]
  ) {
    it(`that is ${JSON.stringify(over)} is MariaDB`, () => assert.strictEqual(dialectName(over), "mariadb"))
  }

  for (const version of ["5.7.44-log", "8.0.22", "8.0", "unknown", "10.5.29-MariaDB", "5.5.68-MariaDB"]) {
    it(`of version ${version} is refused by its version`, () => {
      const reason = reasonOf({ version })
      assert.strictEqual(reason?._tag, "DestinationRefused")
      assert.include(reason?.message, version)
      assert.include(reason?.message, "MySQL 8.0.23 or newer, or MariaDB 10.6 or newer")
    })
  }

  const others = [
    { version: "8.0.11-TiDB-v7.5.0" },
    { version: "8.0.30", version_comment: "Version: 20.0 (Vitess)" }
  ]
  for (const over of others) {
    it(`that is ${JSON.stringify(over)} is refused by its name`, () => {
      assert.include(reasonOf(over)?.message, "is not supported: use MySQL 8.0.23 or newer, or MariaDB 10.6 or newer")
    })
  }

  const readOnly = [
    { super_read_only: "ON" },
    { innodb_read_only: "ON" },
    { version: mariadb, read_only: "ON" },
    { version: mariadb, read_only: "NO_LOCK" },
    { version: mariadb, innodb_read_only: "ON" }
  ]
  for (const over of readOnly) {
    it(`that takes no writes is waited for, and can be read: ${JSON.stringify(over)}`, () => {
      const reason = reasonOf(over)
      assert.strictEqual(reason?._tag, "DestinationUnavailable")
      assert.include(reason?.message, "read_only")
      assert.isTrue(Either.isRight(dialectOf(address, variables(over))))
    })
  }

  it("of MySQL with read_only alone takes the writes of those who may", () => {
    assert.isUndefined(reasonOf({ read_only: "ON" }))
  })

  it("whose binary log is not by row is refused with the setting; without a binary log the format does not matter", () => {
    const reason = reasonOf({ binlog_format: "STATEMENT" })
    assert.strictEqual(reason?._tag, "DestinationRefused")
    assert.include(reason?.message, "SET PERSIST binlog_format='ROW'")
    assert.isUndefined(reasonOf({ binlog_format: "STATEMENT", log_bin: "OFF" }))
  })

  it("of MariaDB may log in its default format, MIXED, and is told how to leave STATEMENT without SET PERSIST", () => {
    assert.isUndefined(reasonOf({ version: mariadb, binlog_format: "MIXED" }))
    const reason = reasonOf({ version: mariadb, binlog_format: "STATEMENT" })
    assert.include(reason?.message, "SET GLOBAL binlog_format='ROW'")
    assert.notInclude(reason?.message, "PERSIST")
  })
})

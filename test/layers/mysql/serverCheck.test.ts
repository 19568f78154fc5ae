import { assert, describe, it } from "@effect/vitest"
import { checkServer } from "../../../src/layers/mysql/serverCheck.js"

const address = { host: "db", port: 3306, database: "bank", username: "consumer" }
const check = (over: Readonly<Record<string, string>>) =>
  checkServer(address, new Map(Object.entries({ version: "8.4.3", log_bin: "ON", binlog_format: "ROW", ...over })))

describe("a server", () => {
  for (const version of ["8.0.23", "8.0.36-28", "8.4.3", "9.7.4-2", "10.0.0"]) {
    it(`of version ${version} will do`, () => assert.isUndefined(check({ version })))
  }

  for (const version of ["5.7.44-log", "8.0.22", "8.0", "unknown"]) {
    it(`of version ${version} is refused by its version`, () => {
      const reason = check({ version })
      assert.strictEqual(reason?._tag, "DestinationRefused")
      assert.include(reason?.message, version)
      assert.include(reason?.message, "8.0.23")
    })
  }

  const others = [
    { version: "10.11.6-MariaDB-0+deb12u1" },
    { version: "8.0.11-TiDB-v7.5.0" },
    { version: "8.0.30", version_comment: "Version: 20.0 (Vitess)" }
  ]
  for (const variables of others) {
    it(`that is ${JSON.stringify(variables)} is refused by its name`, () => {
      assert.include(check(variables)?.message, "not supported yet")
    })
  }

  it("that takes no writes is waited for", () => {
    for (const name of ["super_read_only", "innodb_read_only"]) {
      const reason = check({ [name]: "ON" })
      assert.strictEqual(reason?._tag, "DestinationUnavailable")
      assert.include(reason?.message, name)
    }
  })

  it("whose binary log is not by row is refused with the setting; without a binary log the format does not matter", () => {
    const reason = check({ binlog_format: "STATEMENT" })
    assert.strictEqual(reason?._tag, "DestinationRefused")
    assert.include(reason?.message, "SET PERSIST binlog_format='ROW'")
    assert.isUndefined(check({ binlog_format: "STATEMENT", log_bin: "OFF" }))
  })
})

import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { cureOf } from "../../src/domain/MysqlCures.js"
import {
  accountCodes,
  classify,
  clientCode,
  columnOf,
  indexOf,
  type MysqlErrorClass,
  type MysqlPhase,
  withoutValues
} from "../../src/domain/MysqlErrors.js"

const phases: ReadonlyArray<MysqlPhase> = ["connect", "control", "offset", "rows", "dead-letters", "commit"]
const address = { host: "db", port: 3306, database: "bank", username: "consumer" }

/** The table of protocol section 11, in the phase that it is about: writing rows. */
const table: ReadonlyArray<readonly [MysqlErrorClass, ReadonlyArray<number>]> = [
  ["retriable", [1213, 1205, 1412, 1317, 3024, 1206, 3101, 1615, 1040, 1203, 1226, 1114, 1021, 1020, 1969]],
  ["reconnect", [2006, 2013, 4031, 1927, 1290, 1836, 1792, 3032, 1053]],
  ["wait-then-poison", [1452]],
  ["poison", [1406, 1264, 1366, 1292, 1048, 1364, 1265, 1367, 1690, 3140, 3151, 3157, 3819, 4025, 1451, 1644]],
  ["setup", [1044, 1045, 1142, 1665, 1049, 1054, 1146, 1153]]
]

describe("class of an error by code and phase", () => {
  for (const [expected, codes] of table) {
    it(`of rows: ${codes.join(", ")} are ${expected}`, () => {
      for (const code of codes) assert.strictEqual(classify(code, "rows"), expected, String(code))
    })
  }

  it("1062 is poison only on an index that is known not to be ours", () => {
    assert.strictEqual(classify(1062, "rows", { ownKey: true }), "already-there")
    assert.strictEqual(classify(1062, "rows", { ownKey: false }), "poison")
    assert.strictEqual(classify(1062, "rows"), "already-there")
  })

  it("1048 and 1364 are a set-up error for a field that the schema lacks", () => {
    for (const code of [1048, 1364]) {
      assert.strictEqual(classify(code, "rows", { fieldPresent: false }), "setup")
      assert.strictEqual(classify(code, "rows", { fieldPresent: true }), "poison")
    }
  })

  it("any error of a dead letter's statement is a set-up error, but for what heals by itself", () => {
    assert.strictEqual(classify(1406, "dead-letters"), "setup")
    assert.strictEqual(classify(9999, "dead-letters"), "setup")
    assert.strictEqual(classify(1213, "dead-letters"), "retriable")
    assert.strictEqual(classify(2013, "dead-letters"), "reconnect")
  })

  it("only rows are poison, whatever the code", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 6000 }), fc.constantFrom(...phases), (code, phase) => {
      const result = classify(code, phase)
      if (phase !== "rows") assert.notInclude(["poison", "wait-then-poison", "already-there"], result)
    }))
  })

  it("a code that is not in the table is unlisted, never poison", () => {
    const listed = new Set([...table.flatMap(([, codes]) => codes), 1062, 2002, 2003, 2005, ...accountCodes])
    fc.assert(fc.property(fc.integer({ min: 0, max: 6000 }), (code) => {
      fc.pre(!listed.has(code))
      assert.strictEqual(classify(code, "rows"), "unlisted")
    }))
  })

  it("errors of the connection ask for a new one, named or not", () => {
    const names = [
      "PROTOCOL_CONNECTION_LOST",
      "ECONNREFUSED",
      "ECONNRESET",
      "ETIMEDOUT",
      "EPIPE",
      "ENOTFOUND",
      "ODD",
      undefined
    ]
    for (const name of names) assert.strictEqual(classify(clientCode(name), "commit"), "reconnect", name)
    assert.strictEqual(classify(clientCode("AUTH_SWITCH_PLUGIN_ERROR"), "connect"), "setup")
  })
})

describe("messages of the server", () => {
  const value = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" })
  const quoting: ReadonlyArray<readonly [number, (value: string) => string]> = [
    [1062, (text) => `Duplicate entry '${text}' for key 'orders.PRIMARY'`],
    [1064, (text) => `You have an error in your SQL syntax; check the manual … to use near '${text}' at line 1`],
    [1366, (text) => `Incorrect integer value: '${text}' for column 'amount' at row 3`],
    [1292, (text) => `Incorrect datetime value: '${text}' for column 'at' at row 3`],
    [1366, (text) => `Incorrect integer value: '${text}' for column \`bank\`.\`orders\`.\`amount\` at row 3`], // MariaDB
    [1292, (text) => `Incorrect datetime value: '${text}' for column \`bank\`.\`orders\`.\`at\` at row 3`],
    [1062, (text) => `Duplicate entry '${text}' for key 'PRIMARY'`],
    [1292, (text) => `Truncated incorrect DOUBLE value: '${text}'`],
    [1367, (text) => `Illegal double '${text}' value found during parsing`],
    [1690, (text) => `BIGINT UNSIGNED value is out of range in '${text}'`]
  ]
  for (const [code, message] of quoting) {
    it(`the value in ${message("…")} is left out`, () => {
      fc.assert(fc.property(value, (text) => {
        assert.strictEqual(withoutValues(code, message(text)), message("…"))
      }))
    })
  }

  it("names of columns and indexes stay", () => {
    assert.strictEqual(columnOf("Column 'amount' cannot be null"), "amount")
    assert.strictEqual(columnOf("Field 'amount' doesn't have a default value"), "amount")
    assert.strictEqual(columnOf("Data too long for column 'a b' at row 3"), "a b")
    const inFull = "Incorrect integer value: '…' for column `bank`.`orders`.`amount` at row 3"
    assert.strictEqual(columnOf(inFull), "amount")
    assert.strictEqual(indexOf("Duplicate entry 'it's' for key 'PRIMARY'"), "PRIMARY")
    assert.strictEqual(indexOf("Duplicate entry 'it''s for key x' for key 'orders.PRIMARY'"), "orders.PRIMARY")
    assert.include(withoutValues(1406, "Data too long for column 'note' at row 3"), "'note' at row 3")
  })
})

describe("cures", () => {
  it("a missing privilege is cured by the GRANT for the account that the server names", () => {
    assert.strictEqual(
      cureOf(1142, "INSERT command denied to user 'app'@'10.0.0.%' for table 'kafka_offsets'", address),
      "as an administrator: GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON `bank`.* TO 'app'@'10.0.0.%';"
    )
    assert.include(
      cureOf(1044, "Access denied for user 'consumer'@'%' to database 'bank'", address),
      "TO 'consumer'@'%';"
    )
  })

  it("every set-up code has a cure of its own", () => {
    for (let code = 1000; code < 4100; code += 1) {
      if (classify(code, "rows") === "setup") {
        assert.notInclude(cureOf(code, "", address), "does not know", String(code))
      }
    }
    assert.include(cureOf(1049, "", address), "CREATE DATABASE `bank`")
    assert.include(cureOf(1665, "", address), "binlog_format='ROW'")
    assert.include(cureOf(1153, "", address), "max_allowed_packet")
  })
})

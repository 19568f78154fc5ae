import { Either } from "effect"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { parseSchema } from "../../src/domain/avro/parseSchema.js"
import { columnOf } from "../../src/domain/sql/plan/columnType.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { defaultTopicSettings, type TypeOptions } from "../../src/domain/TopicSettings.js"

// docs/mapping.md's table of types says what the code does: each of its rows is asked of the code, and no row is left out.

type Sample = readonly [type: unknown, column: string, options?: Partial<TypeOptions>]

const logical = (type: string, logicalType: string, rest = {}): object => ({ type, logicalType, ...rest })
const decimal = (precision: number): object => logical("bytes", "decimal", { precision, scale: 2 })
const fixed = (size: number, rest = {}): object => ({ type: "fixed", name: "F", size, ...rest })
const symbols = { type: "enum", name: "E", symbols: ["A"] }
const ascii = " CHARACTER SET ascii COLLATE ascii_bin"
const each = (names: ReadonlyArray<string>, type: string, column: string, options: Partial<TypeOptions> = {}) =>
  names.map((name): Sample => [logical(type, name), column, options])
const nanos = ["timestamp-nanos", "local-timestamp-nanos"]

/** What each row says, by its first cell; of every column that the second names there is a sample. */
const rows: Readonly<Record<string, ReadonlyArray<Sample>>> = {
  null: [["null", "CHAR(0) NULL"]],
  boolean: [["boolean", "BOOLEAN"]],
  int: [["int", "INT"]],
  long: [["long", "BIGINT"]],
  float: [["float", "DOUBLE"], ["float", "FLOAT", { float: "float" }]],
  double: [["double", "DOUBLE"]],
  string: [["string", "LONGTEXT"]],
  "string with `maxLength`: n": [
    [{ type: "string", maxLength: 7 }, "VARCHAR(7)"],
    [{ type: "string", maxLength: 16_383 }, "VARCHAR(16383)"],
    [{ type: "string", maxLength: 16_384 }, "LONGTEXT"]
  ],
  bytes: [["bytes", "LONGBLOB"]],
  "bytes with `maxLength`: n": [
    [{ type: "bytes", maxLength: 65_535 }, "VARBINARY(65535)"],
    [{ type: "bytes", maxLength: 65_536 }, "LONGBLOB"]
  ],
  "fixed(n)": [[fixed(255), "BINARY(255)"], [fixed(65_535), "VARBINARY(65535)"], [fixed(65_536), "LONGBLOB"]],
  enum: [[symbols, `VARCHAR(16)${ascii}`], [symbols, `ENUM('A')${ascii}`, { enumeration: "enum" }]],
  "union of null and one type, in either order": [[["null", "int"], "INT NULL"], [["int", "null"], "INT NULL"]],
  "array, map, a record in a record, recursive types": [
    [{ type: "array", items: "int" }, "JSON"],
    [{ type: "map", values: "int" }, "JSON"],
    [{ type: "record", name: "R", fields: [{ name: "r", type: ["null", "R"] }] }, "JSON"]
  ],
  "union of several types": [[["int", "string"], "JSON"], [["int", "null", "string"], "JSON NULL"]],
  "decimal(p, s) on bytes or fixed": [
    [decimal(65), "DECIMAL(65, 2)"],
    [fixed(9, { logicalType: "decimal", precision: 20, scale: 2 }), "DECIMAL(20, 2)"],
    [decimal(66), `VARCHAR(69)${ascii}`, { wideDecimal: "varchar" }]
  ],
  "big-decimal": [[logical("bytes", "big-decimal"), `VARCHAR(255)${ascii}`]],
  "uuid on string or fixed(16)": [
    [logical("string", "uuid"), `CHAR(36)${ascii}`],
    [fixed(16, { logicalType: "uuid" }), "BINARY(16)", { uuid: "binary" }]
  ],
  date: [[logical("int", "date"), "DATE"]],
  "time-millis": each(["time-millis"], "int", "TIME(3)"),
  "time-micros": each(["time-micros"], "long", "TIME(6)"),
  "timestamp-millis": each(["timestamp-millis"], "long", "DATETIME(3)"),
  "timestamp-micros": each(["timestamp-micros"], "long", "DATETIME(6)"),
  "local-timestamp-millis": each(["local-timestamp-millis"], "long", "DATETIME(3)"),
  "local-timestamp-micros": each(["local-timestamp-micros"], "long", "DATETIME(6)"),
  "timestamp-nanos, local-timestamp-nanos": [
    ...each(nanos, "long", "BIGINT"),
    ...each(nanos, "long", "DATETIME(6)", { nanos: "datetime" })
  ],
  duration: [[fixed(12, { logicalType: "duration" }), "JSON"]],
  "a logical type that is unknown, or does not fit its underlying type": [
    [logical("int", "color"), "INT"],
    [logical("string", "date"), "LONGTEXT"]
  ]
}

const page = readFileSync(new URL("../../docs/mapping.md", import.meta.url), "utf8")
const [, table = ""] = page.split(/^## Types$/mu)
const lines = table.split("\n").slice(2)
const documented = lines.slice(2, lines.indexOf("")).map((line) => {
  const [avro = "", column = ""] = line.split("|").slice(1).map((cell) => cell.trim())
  return { avro, column }
})

const declared = (type: unknown, options: Partial<TypeOptions> = {}): string => {
  const schema = Either.getOrThrow(parseSchema(JSON.stringify(type)))
  const mapped = Either.getOrThrow(columnOf(schema, { ...defaultTopicSettings.types, ...options }, false))
  return mysql.columnType({ from: "value", path: [], name: "f", ...mapped }) + (mapped.nullable ? " NULL" : "")
}

describe("docs/mapping.md", () => {
  it("has the rows that are checked here, and no others", () => {
    assert.sameMembers(documented.map(({ avro }) => avro), Object.keys(rows))
  })

  for (const [avro, samples] of Object.entries(rows)) {
    it(`${avro} is what it says`, () => {
      const said = documented.find((row) => row.avro === avro)?.column ?? ""
      for (const [type, column, options] of samples) {
        assert.strictEqual(declared(type, options), column)
        // In the page's words: DECIMAL, not DECIMAL(65, 2). What says "that type" names none.
        const name = /^[A-Z]+/.exec(column)?.[0] ?? column
        assert.include(/^(?:that|as the underlying) type/.test(said) ? name : said, name)
      }
    })
  }
})

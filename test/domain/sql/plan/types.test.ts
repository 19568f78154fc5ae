import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parseSchema } from "../../../../src/domain/avro/parseSchema.js"
import { planTable } from "../../../../src/domain/sql/plan/planTable.js"
import { mysql } from "../../../../src/domain/sql/mysql.js"
import { rowBytes, rowBytesMax } from "../../../../src/domain/sql/plan/rowBytes.js"
import type { SetupProblem } from "../../../../src/domain/sql/plan/SetupProblem.js"
import { sqlite } from "../../../../src/domain/sql/sqlite.js"
import type { Column, TablePlan } from "../../../../src/domain/sql/TablePlan.js"
import { defaultTopicSettings } from "../../../../src/domain/TopicSettings.js"

const plan = (schema: unknown, table = "t"): Either.Either<TablePlan, ReadonlyArray<SetupProblem>> =>
  Either.getOrThrow(
    Either.map(parseSchema(JSON.stringify(schema)), (parsed) =>
      planTable({ topic: "payments", schemaId: 7, table, schema: parsed, settings: defaultTopicSettings }))
  )
const record = (...fields: ReadonlyArray<readonly [name: string, type: unknown]>): object => ({
  type: "record",
  name: "R",
  fields: fields.map(([name, type]) => ({ name, type }))
})
const columns = (schema: unknown): ReadonlyArray<Column> => Either.getOrThrow(plan(schema)).columns
const messages = (schema: unknown, table?: string): ReadonlyArray<string> =>
  Either.getOrThrow(Either.flip(plan(schema, table))).map((problem) => problem.message)

const fixed = (size: number, rest: object = {}): object => ({ type: "fixed", name: "F", size, ...rest })
const enumOf = (...symbols: ReadonlyArray<string>): object => ({ type: "enum", name: "E", symbols })
const wide = (size: number): object => record(["a", fixed(size)])
const many = (count: number): object => record(...Array.from({ length: count }, (_, i) => [`f${i}`, "int"] as const))
const logical = (type: string, logicalType: string, rest: object = {}): object => ({ type, logicalType, ...rest })

const types: ReadonlyArray<readonly [type: unknown, mysql: string, sqlite: string]> = [
  ["boolean", "BOOLEAN", "INTEGER"],
  ["int", "INT", "INTEGER"],
  ["long", "BIGINT", "INTEGER"],
  ["float", "DOUBLE", "REAL"],
  ["double", "DOUBLE", "REAL"],
  ["string", "LONGTEXT", "TEXT"],
  ["bytes", "LONGBLOB", "BLOB"],
  [fixed(0), "BINARY(0)", "BLOB"],
  [fixed(255), "BINARY(255)", "BLOB"],
  [fixed(256), "VARBINARY(256)", "BLOB"],
  [fixed(65_536), "LONGBLOB", "BLOB"],
  [enumOf("A"), "VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"],
  [enumOf("A", "b".repeat(17)), "VARCHAR(17) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"],
  [logical("bytes", "decimal", { precision: 65, scale: 30 }), "DECIMAL(65, 30)", "TEXT"],
  [fixed(4, { logicalType: "decimal", precision: 9 }), "DECIMAL(9, 0)", "TEXT"],
  [logical("string", "uuid"), "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"],
  [fixed(16, { logicalType: "uuid" }), "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"],
  [logical("int", "date"), "DATE", "TEXT"],
  [logical("int", "time-millis"), "TIME(3)", "TEXT"],
  [logical("long", "time-micros"), "TIME(6)", "TEXT"],
  [logical("long", "timestamp-millis"), "DATETIME(3)", "TEXT"],
  [logical("long", "timestamp-micros"), "DATETIME(6)", "TEXT"],
  [logical("long", "timestamp-nanos"), "BIGINT", "INTEGER"],
  [logical("long", "local-timestamp-millis"), "DATETIME(3)", "TEXT"],
  [logical("long", "local-timestamp-micros"), "DATETIME(6)", "TEXT"],
  [logical("long", "local-timestamp-nanos"), "BIGINT", "INTEGER"],
  [logical("int", "never-heard-of"), "INT", "INTEGER"],
  [logical("bytes", "big-decimal"), "VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin", "TEXT"],
  [{ type: "array", items: "string" }, "JSON", "TEXT"],
  [{ type: "map", values: ["null", "int"] }, "JSON", "TEXT"],
  [{ type: "record", name: "n.Inner", fields: [] }, "JSON", "TEXT"],
  [fixed(12, { logicalType: "duration" }), "JSON", "TEXT"]
]

describe("each type has its column", () => {
  for (const [type, inMysql, inSqlite] of types) {
    it(`${JSON.stringify(type)} → ${inMysql}`, () => {
      const [bare] = columns(record(["a", type]))
      const [nullable] = columns(record(["a", ["null", type]]))
      assert.deepStrictEqual({ ...bare, nullable: true, type: bare?.type.kind }, {
        ...nullable,
        type: nullable?.type.kind
      })
      assert.isFalse(bare?.nullable)
      for (const [dialect, expected] of [[mysql, inMysql], [sqlite, inSqlite]] as const) {
        assert.strictEqual(bare === undefined ? "" : dialect.columnType(bare), expected)
      }
    })
  }

  it("a union of one type and null, in either order or alone, is the type", () => {
    const [nullFirst, nullLast, alone] = columns(
      record(["a", ["null", enumOf("X")]], ["b", ["long", "null"]], ["c", ["double"]])
    )
    assert.deepInclude(nullFirst, { nullable: true, type: { kind: "enum", symbols: ["X"], stored: "varchar" } })
    assert.deepInclude(nullLast, { nullable: true, type: { kind: "long" } })
    assert.deepInclude(alone, { nullable: false, type: { kind: "double" } })
  })

  it("a union of several types is a document, NULL allowed where null is one of them; so is a record inside itself", () => {
    const [several, orNull, self] = columns(
      record(["a", ["int", "string"]], ["b", ["int", "null", "string"]], ["c", ["null", "R"]])
    )
    assert.deepInclude(several, { nullable: false })
    for (const column of [orNull, self]) assert.deepInclude(column, { nullable: true })
    for (const column of [several, orNull, self]) assert.strictEqual(column?.type.kind, "json")
  })

  it("null alone is a column that is only ever NULL", () => {
    const [bare, union] = columns(record(["a", "null"], ["b", ["null"]]))
    for (const column of [bare, union]) assert.deepInclude(column, { nullable: true, type: { kind: "null" } })
  })

  it("a top-level value that is no record is the column `value`", () => {
    assert.deepStrictEqual(columns("string"), [
      { from: "value", path: [], name: "value", type: { kind: "string" }, nullable: false }
    ])
    assert.deepStrictEqual(columns(["null", "long"]), [
      { from: "value", path: [], name: "value", type: { kind: "long" }, nullable: true }
    ])
  })
})

describe("what has no column stops the set-up, naming topic, schema, field and type", () => {
  const cases: ReadonlyArray<readonly [type: unknown, named: string]> = [
    [logical("bytes", "decimal", { precision: 66 }), "decimal(66, 0) is beyond DECIMAL(65, 30)"],
    [logical("bytes", "decimal", { precision: 40, scale: 31 }), "decimal(40, 31) is beyond DECIMAL(65, 30)"]
  ]
  for (const [type, named] of cases) {
    it(named, () => {
      const [message = "", ...others] = messages(record(["ok", "int"], ["bad", type]))
      assert.include(message, "topic payments, schema id 7, field \"bad\": ")
      assert.include(message, named)
      assert.deepStrictEqual(others, [])
    })
  }

  it("a top-level value too", () => {
    const [message] = messages(logical("bytes", "decimal", { precision: 66 }))
    assert.include(message, "topic payments, schema id 7: decimal(66, 0) is beyond")
  })

  const names: ReadonlyArray<readonly [fields: ReadonlyArray<string>, message: string]> = [
    [["id", "ID"], "field \"ID\": it collides with field \"id\""],
    [["_source"], "field \"_source\": the name is reserved"],
    [["_PARTITION"], "field \"_PARTITION\": the name is reserved for Tributary's column _partition"],
    [["_Offset"], "field \"_Offset\": the name is reserved"],
    [["a".repeat(65)], "has 65 characters, more than 64"]
  ]
  for (const [fields, message] of names) {
    it(`fields ${fields.join(", ").slice(0, 30)}`, () => {
      const found = messages(record(...fields.map((name) => [name, "int"] as const)))
      assert.lengthOf(found, 1)
      assert.include(found[0], message)
    })
  }

  it("a NUL in a name, where a schema was not made by the parser", () => {
    const schema = { type: "record", name: "R", fields: [{ name: "a\0b", schema: { type: "int" } }] } as const
    const problems = planTable({ topic: "payments", schemaId: 7, table: "t", schema, settings: defaultTopicSettings })
    assert.include(Either.getOrThrow(Either.flip(problems))[0]?.message, "contains a NUL")
  })

  const tables: ReadonlyArray<readonly [table: string, message: string]> = [
    ["kafka_offsets", "Tributary's own"],
    ["KAFKA_SOURCES", "Tributary's own"],
    ["dead_letters", "Tributary's own"],
    ["", "is empty"],
    ["t".repeat(65), "has 65 characters"],
    ["a\0b", "contains a NUL"],
    ["blank ", "ends with a blank"],
    ["😀", "beyond U+FFFF"]
  ]
  for (const [table, message] of tables) {
    it(`table ${JSON.stringify(table.slice(0, 20))}`, () => {
      const [found = ""] = messages(record(["a", "int"]), table)
      assert.include(found, message)
      assert.include(found, "table.name.format")
    })
  }

  it("all problems are reported together", () => {
    const tooWide = logical("bytes", "decimal", { precision: 66 })
    const schema = record(["id", "int"], ["ID", tooWide], ["_offset", ["null", tooWide]])
    assert.lengthOf(messages(schema, "kafka_offsets"), 5)
  })

  it("a row wider than MySQL's", () => {
    const key = 14
    const fits = rowBytesMax - key - 2
    assert.strictEqual(rowBytes(columns(wide(fits))), rowBytesMax)
    assert.include(messages(wide(fits + 1))[0], "a row of 65536 bytes, MySQL takes 65535")
    assert.lengthOf(columns(many(1014)), 1014)
    assert.include(messages(many(1015))[0], "1015 fields, InnoDB takes 1014")
  })
})

import { assert, describe, it } from "@effect/vitest"
import { takes } from "../../../src/domain/sql/evolution/takes.js"
import { widened } from "../../../src/domain/sql/evolution/widening.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import type { Column, ColumnType } from "../../../src/domain/sql/TablePlan.js"
import { catalogColumn } from "../../support/catalogTables.js"

const fits = (columnType: string, type: ColumnType): boolean => takes(catalogColumn("c", columnType), type)

const cases: ReadonlyArray<readonly [ColumnType, ReadonlyArray<string>, ReadonlyArray<string>]> = [
  [{ kind: "boolean" }, ["tinyint(1)", "int", "double"], ["varchar(5)", "bit(1)"]],
  [{ kind: "int" }, ["int", "bigint", "double", "decimal(10,0)"], [
    "int unsigned",
    "smallint",
    "decimal(9,0)",
    "varchar(20)"
  ]],
  [{ kind: "long" }, ["bigint", "decimal(19,0)"], ["bigint unsigned", "int", "double", "decimal(20,2)"]],
  [{ kind: "nanos", stored: "datetime" }, ["datetime(6)"], ["datetime(3)", "bigint"]],
  [{ kind: "nanos", stored: "bigint" }, ["bigint"], ["datetime(6)", "int"]],
  [{ kind: "float", stored: "double" }, ["float", "double"], ["decimal(10,5)"]],
  [{ kind: "double" }, ["double"], ["float", "decimal(65,30)"]],
  // A VARCHAR that is too short raises an error; a CHAR loses blanks, JSON and ENUM rewrite what they get.
  [{ kind: "string" }, ["varchar(10)", "text", "longtext"], ["char(10)", "json", "enum('a')", "varbinary(10)"]],
  [{ kind: "string", length: 20 }, ["varchar(20)", "longtext"], ["varchar(19)"]],
  [{ kind: "bytes" }, ["varbinary(10)", "longblob"], ["binary(10)", "text"]],
  [{ kind: "fixed", size: 16 }, ["binary(16)", "varbinary(16)", "blob"], ["binary(17)", "varbinary(15)", "char(16)"]],
  [{ kind: "enum", symbols: ["RED", "GREEN"], stored: "varchar" }, [
    "varchar(5)",
    "char(5)",
    "enum('GREEN','RED','BLUE')"
  ], [
    "varchar(4)",
    "enum('RED')",
    "int"
  ]],
  [{ kind: "uuid", stored: "char" }, ["char(36)", "varchar(40)"], ["char(32)", "binary(16)"]],
  [{ kind: "uuid", stored: "binary" }, ["binary(16)", "varbinary(16)", "blob"], ["binary(15)", "char(36)"]],
  [{ kind: "decimal", precision: 9, scale: 2, stored: "decimal" }, ["decimal(9,2)", "decimal(12,4)"], [
    "decimal(9,3)",
    "decimal(9,1)",
    "double"
  ]],
  [{ kind: "date" }, ["date"], ["datetime(6)", "varchar(10)"]],
  [{ kind: "time", unit: "millis" }, ["time(3)", "time(6)"], ["time", "time(2)"]],
  [{ kind: "timestamp", unit: "micros" }, ["datetime(6)", "timestamp(6)"], ["datetime", "datetime(3)"]],
  // TIMESTAMP shows another wall clock to a session in another zone.
  [{ kind: "local-timestamp", unit: "millis" }, ["datetime(3)"], ["timestamp(3)", "datetime"]]
]

const columnOf = (type: ColumnType): Column => ({ from: "value", path: ["c"], name: "c", type, nullable: true })

/** The column as the catalog tells it, of its declaration. */
const inCatalog = (declared: string) =>
  catalogColumn("c", declared.replace(/ CHARACTER SET.*/u, "").toLowerCase().replace("boolean", "tinyint(1)"))

describe("a column takes a type only if every value comes out as it went in, or raises an error", () => {
  for (const [type, good, bad] of cases) {
    it(`${type.kind}: ${good.join(", ")}, but not ${bad.join(", ")}`, () => {
      for (const columnType of good) assert.isTrue(fits(columnType, type), columnType)
      for (const columnType of bad) assert.isFalse(fits(columnType, type), columnType)
    })
  }

  it("a column that is made wider for one type still takes the type that it was made for", () => {
    const types = cases.map(([type]) => type)
    const pairs = types.flatMap((before) => types.map((after) => [before, after] as const))
    const wider = pairs.flatMap(([before, after]) => {
      const found = inCatalog(mysql.columnType(columnOf(before)))
      const widening = takes(found, after) ? undefined : widened(mysql, found, columnOf(after))
      return widening === undefined ? [] : [{ before, after, column: inCatalog(widening.type) }]
    })
    assert.isAbove(wider.length, 5)
    for (const { after, before, column } of wider) {
      assert.isTrue(takes(column, before), `${column.columnType} for ${after.kind} takes ${before.kind}`)
      assert.isTrue(takes(column, after), `${column.columnType} takes ${after.kind}`)
    }
  })

  it("text in another character set than utf8mb4 takes symbols, but not every string", () => {
    const latin = catalogColumn("c", "varchar(10)", { collation: "latin1_swedish_ci" })
    assert.isFalse(takes(latin, { kind: "string" }))
    assert.isTrue(takes(latin, { kind: "enum", symbols: ["RED"], stored: "varchar" }))
  })
})

import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { makeChangeBatch } from "../../../src/domain/sql/changes.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import type { Row, RowShape } from "../../../src/domain/sql/Row.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"

const shapeOf = (table: string, columns: ReadonlyArray<string>, keyLength = 0): RowShape => ({
  table,
  columns,
  keyLength
})
const built = (bytesMax: number, rows: ReadonlyArray<Row>, dialect = mysql): ReadonlyArray<string> => {
  const batch = makeChangeBatch(dialect, bytesMax)
  for (const row of rows) batch.add({ _tag: "Write", ...row })
  return batch.take()
}

const shapes = [shapeOf("a", ["x"]), shapeOf("ü", ["x"])]
const rows = fc.array(fc.record({
  shape: fc.constantFrom(...shapes),
  cells: fc.fullUnicodeString({ maxLength: 12 }).map((text) => [text.replaceAll(/[(),;]/gu, "x")])
}))

/** The rows of a statement, as they were added. */
const rowsOf = (statement: string): ReadonlyArray<Row> => {
  const start = statement.indexOf(" VALUES ")
  const shape = shapes.find(({ table }) => statement.startsWith(`INSERT INTO \`${table}\` (`)) ?? shapeOf("none", [])
  return (statement.slice(start).match(/\([^)]*\)/gu) ?? []).map((row) => ({ shape, cells: [row.slice(1, -1)] }))
}
const inTableOrder = (added: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  shapes.flatMap((shape) => added.filter((row) => row.shape === shape))

describe("statements", () => {
  it("hold every row once, in order, under its own head, tables in the order of their names", () => {
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 200 }), (added, bytesMax) => {
      assert.deepStrictEqual(built(bytesMax, added).flatMap(rowsOf), inTableOrder(added))
    }))
  })

  it("are never longer in UTF-8 than the limit, unless one row alone is; and are not cut without need", () => {
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 200 }), (added, bytesMax) => {
      const statements = built(bytesMax, added)
      for (const statement of statements) {
        if (rowsOf(statement).length > 1) assert.isAtMost(Buffer.byteLength(statement), bytesMax)
      }
      for (const [index, statement] of statements.entries()) {
        const next = statements[index + 1]
        const [first] = next === undefined ? [] : rowsOf(next)
        if (first === undefined || first.shape !== rowsOf(statement)[0]?.shape) continue
        assert.isAbove(Buffer.byteLength(`${statement},(${first.cells.join(",")})`), bytesMax)
      }
    }))
  })

  it("start empty again when taken", () => {
    const batch = makeChangeBatch(mysql, 100)
    const add = (cell: string) => batch.add({ _tag: "Write", shape: shapeOf("t", ["a"]), cells: [cell] })
    assert.deepStrictEqual(batch.take(), [])
    add("1")
    assert.lengthOf(batch.take(), 1)
    add("2")
    assert.deepStrictEqual(batch.take(), ["INSERT INTO `t` (`a`) VALUES (2)"])
    assert.deepStrictEqual(batch.take(), [])
  })
})

const origin = ["_source", "_partition", "_offset"]
const v1 = shapeOf("t", ["id", "name", ...origin])
const v2 = shapeOf("t", ["id", "added", "NAME", ...origin])

describe("interleaved schema versions", () => {
  const interleaved = [
    { shape: v1, cells: ["1", "'a'", "7", "0", "1"] },
    { shape: v2, cells: ["2", "5", "'b'", "7", "0", "2"] },
    { shape: v1, cells: ["3", "'c'", "7", "0", "3"] }
  ]

  it("are one INSERT over the union of their columns, the origin last, an absent field as DEFAULT", () => {
    assert.deepStrictEqual(built(4096, interleaved), [
      "INSERT INTO `t` (`added`, `id`, `name`, `_source`, `_partition`, `_offset`) VALUES "
      + "(DEFAULT,1,'a',7,0,1),(5,2,'b',7,0,2),(DEFAULT,3,'c',7,0,3)"
    ])
  })

  it("are a statement per run of rows where the database has no such word", () => {
    assert.deepStrictEqual(built(4096, interleaved, sqlite), [
      "INSERT INTO \"t\" (\"id\", \"name\", \"_source\", \"_partition\", \"_offset\") VALUES (1,'a',7,0,1)",
      "INSERT INTO \"t\" (\"id\", \"added\", \"NAME\", \"_source\", \"_partition\", \"_offset\") VALUES (2,5,'b',7,0,2)",
      "INSERT INTO \"t\" (\"id\", \"name\", \"_source\", \"_partition\", \"_offset\") VALUES (3,'c',7,0,3)"
    ])
  })
})

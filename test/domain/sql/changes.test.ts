import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { makeChangeBatch } from "../../../src/domain/sql/changes.js"

interface Row {
  readonly head: string
  readonly row: string
}
const build = (bytesMax: number, rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const builder = makeChangeBatch(bytesMax)
  for (const { head, row } of rows) builder.add({ _tag: "Insert", head, row })
  return builder.take()
}

const rows = fc.array(fc.record({
  head: fc.constantFrom("INSERT INTO a VALUES ", "INSERT INTO ü VALUES "),
  row: fc.fullUnicodeString({ maxLength: 12 }).map((text) => `(${text.replaceAll(/[(),;]/gu, "x")})`)
}))

/** The rows of a statement, as they were added. */
const rowsOf = (statement: string): ReadonlyArray<Row> => {
  const start = statement.indexOf("(")
  const head = statement.slice(0, start)
  return (statement.slice(start).match(/\([^)]*\)/gu) ?? []).map((row) => ({ head, row }))
}

describe("statements", () => {
  it("hold every row once, in order, under its own head", () => {
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 200 }), (added, bytesMax) => {
      assert.deepStrictEqual(build(bytesMax, added).flatMap(rowsOf), added)
    }))
  })

  it("are never longer in UTF-8 than the limit, unless one row alone is; and are not cut without need", () => {
    fc.assert(fc.property(rows, fc.integer({ min: 1, max: 200 }), (added, bytesMax) => {
      const statements = build(bytesMax, added)
      for (const statement of statements) {
        if (rowsOf(statement).length > 1) assert.isAtMost(Buffer.byteLength(statement), bytesMax)
      }
      for (const [index, statement] of statements.entries()) {
        const next = statements[index + 1]
        const [first] = next === undefined ? [] : rowsOf(next)
        if (first === undefined || !statement.startsWith(first.head)) continue
        assert.isAbove(Buffer.byteLength(`${statement},${first.row}`), bytesMax)
      }
    }))
  })

  it("start empty again when taken", () => {
    const builder = makeChangeBatch(100)
    assert.deepStrictEqual(builder.take(), [])
    builder.add({ _tag: "Insert", head: "I ", row: "(1)" })
    builder.add({ _tag: "Insert", head: "I ", row: "(2)" })
    assert.deepStrictEqual(builder.take(), ["I (1),(2)"])
    builder.add({ _tag: "Insert", head: "I ", row: "(3)" })
    assert.deepStrictEqual(builder.take(), ["I (3)"])
    assert.deepStrictEqual(builder.take(), [])
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import type { Dialect } from "../../../src/domain/sql/Dialect.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import type { Column, TablePlan } from "../../../src/domain/sql/TablePlan.js"
import { expectedRow, type RandomRecords, randomRecords } from "../../support/avroFields.js"
import { comparable } from "../../support/jsonDocuments.js"
import { insertEncoder, plannedBy } from "../../support/rows.js"
import { modes, type Read, readRow } from "../../support/mysqlLiterals.js"

const planOf = (schemaText: string): TablePlan =>
  Either.getOrThrow(
    Either.flatMap(parseSchema(schemaText), (schema) => plannedBy(schema, "t"))
  )

const column = (name: string, rest: Partial<Column> = {}): Column => ({
  from: "value",
  path: [name],
  name,
  type: { kind: "int" },
  nullable: false,
  ...rest
})
const plan = (...columns: ReadonlyArray<Column>): TablePlan => ({
  topic: "t",
  schemaId: 1,
  table: "t",
  columns,
  key: [],
  metadata: [],
  notes: []
})

/** What the encoder does, said in one expression: no preparation, no reuse. */
const plainRow = (
  dialect: Dialect,
  { columns }: TablePlan,
  value: Readonly<Record<string, unknown>>,
  key: ReadonlyArray<unknown>
) =>
  Either.map(
    Either.all(columns.map((each) => dialect.literal(each)(each.path[0] === undefined ? value : value[each.path[0]]))),
    (literals) => `(${[...literals, ...key].join(",")})`
  )

const textOf = (read: Read): string | null => read.kind === "null" ? null : read.kind === "bytes" ? read.hex : read.text

/** `1e+21` and `-0e0` are spellings of what is expected as JavaScript's text. */
const sameNumber = (read: string | null, expected: string | null | undefined): string | null => {
  const isNumber = typeof read === "string" && typeof expected === "string" && /^-?[\d.]+(e[+-]?\d+)?$/.test(read)
  return isNumber && /e/.test(read) && Object.is(Number(read), Number(expected)) ? expected : read
}

describe("the row encoder", () => {
  it("writes what the plain path writes, in both dialects, for random schemas", () => {
    fc.assert(
      fc.property(randomRecords(5), ({ schemaText, values }) => {
        const planned = planOf(schemaText)
        for (const dialect of [mysql, sqlite]) {
          const encoder = insertEncoder(dialect, planned)
          for (const value of values) {
            assert.deepStrictEqual(encoder.row(value, 7, 2, 9n), plainRow(dialect, planned, value, [7, 2, 9]))
          }
        }
      }),
      { numRuns: 60 }
    )
  })

  it("a row reads back as its values in every sql_mode, and no value moves into the next column", () => {
    fc.assert(
      fc.property(randomRecords(5), (random: RandomRecords) => {
        const encoder = insertEncoder(mysql, planOf(random.schemaText))
        for (const value of random.values) {
          const row = Either.getOrThrow(encoder.row(value, 65_535, 0, 2n ** 63n - 1n))
          const expected = [...expectedRow(random, value), "65535", "0", "9223372036854775807"]
          for (const mode of modes) {
            const read = readRow(row, mode)?.map(textOf)
              .map((text, index) => comparable(sameNumber(text, expected[index]), expected[index]))
            assert.deepStrictEqual(read, expected)
          }
        }
      }),
      { numRuns: 60 }
    )
  })

  it("names the columns once, the key last, or no key", () => {
    const columns = plan(column("a"), column("b`c"))
    assert.strictEqual(
      insertEncoder(mysql, columns).head({ a: 1, "b`c": 2 }),
      "INSERT INTO `t` (`a`, `b``c`, `_source`, `_partition`, `_offset`) VALUES "
    )
    const without = insertEncoder(mysql, columns, false)
    assert.strictEqual(without.head({ a: 1, "b`c": 2 }), "INSERT INTO `t` (`a`, `b``c`) VALUES ")
    assert.deepStrictEqual(without.row({ a: 1, "b`c": 2 }, 7, 2, 9n), Either.right("(1,2)"))
  })

  it("writes a value that is no record into its one column", () => {
    const value = plan(column("value", { from: "value", path: [], type: { kind: "string" } }))
    assert.deepStrictEqual(insertEncoder(mysql, value).row("x", 7, 2, 9n), Either.right("('x',7,2,9)"))
    assert.deepStrictEqual(insertEncoder(mysql, value, false).row("x", 7, 2, 9n), Either.right("('x')"))
    assert.deepStrictEqual(
      insertEncoder(mysql, value).row(1, 7, 2, 9n),
      Either.left({ column: "value", reason: "not a string" })
    )
  })

  it("writes a record without fields as a row of its key", () => {
    const encoder = insertEncoder(mysql, plan())
    assert.strictEqual(encoder.head({}), "INSERT INTO `t` (`_source`, `_partition`, `_offset`) VALUES ")
    assert.deepStrictEqual(encoder.row({}, 7, 2, 9n), Either.right("(7,2,9)"))
  })

  it("names the first column that cannot be stored", () => {
    const encoder = insertEncoder(mysql, plan(column("a"), column("b"), column("c")))
    assert.deepStrictEqual(
      encoder.row({ a: 1, b: "x", c: "y" }, 7, 2, 9n),
      Either.left({ column: "b", reason: "not a 32-bit integer" })
    )
    assert.deepStrictEqual(
      encoder.row({ a: 1, c: 2 }, 7, 2, 9n),
      Either.left({ column: "b", reason: "not a 32-bit integer" })
    )
    for (const value of [null, "x", 1, undefined]) {
      assert.deepStrictEqual(encoder.row(value, 7, 2, 9n), Either.left({ column: "", reason: "not a record" }))
    }
  })
})

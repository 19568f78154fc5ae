import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parseSchema } from "../../../../src/domain/avro/parseSchema.js"
import { columnOf } from "../../../../src/domain/sql/plan/columnType.js"
import { mysql } from "../../../../src/domain/sql/mysql.js"
import { columnBytes } from "../../../../src/domain/sql/plan/rowBytes.js"
import { defaultTopicSettings, type TypeOptions } from "../../../../src/domain/TopicSettings.js"

interface Asked {
  readonly options?: Partial<TypeOptions>
  readonly key?: boolean
}

/** The column as MySQL declares it, or what is wrong. */
const columnFor = (type: unknown, { key = false, options = {} }: Asked = {}): string => {
  const schema = Either.getOrThrow(parseSchema(JSON.stringify(type)))
  return Either.match(columnOf(schema, { ...defaultTopicSettings.types, ...options }, key), {
    onLeft: ({ cure, what }) => `${what}; ${cure}`,
    onRight: ({ nullable, type: mapped }) =>
      mysql.columnType({ from: "value", path: ["f"], name: "f", type: mapped, nullable }) + (nullable ? " NULL" : "")
  })
}
const decimal = (precision: number, scale = 0): object => ({ type: "bytes", logicalType: "decimal", precision, scale })
const fixed = (size: number): object => ({ type: "fixed", name: "F", size })
const symbols = (count: number, length = 1): object => ({
  type: "enum",
  name: "E",
  symbols: Array.from({ length: count }, (_, index) => `s${index}`.padEnd(length, "x"))
})
const keyText = "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"

describe("what is beyond a column is refused, or chosen by an option", () => {
  it("a decimal beyond DECIMAL(65, 30) names the option that keeps it, which does", () => {
    assert.strictEqual(columnFor(decimal(65, 30)), "DECIMAL(65, 30)")
    for (const wide of [decimal(66), decimal(40, 31)]) {
      assert.match(columnFor(wide), /beyond DECIMAL\(65, 30\).*types\.decimal\.beyond=varchar/)
    }
    const options = { wideDecimal: "varchar" } as const
    assert.strictEqual(columnFor(decimal(65, 30), { options }), "DECIMAL(65, 30)")
    assert.strictEqual(
      columnFor(decimal(40, 31), { options }),
      "VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin"
    )
    assert.match(columnFor(decimal(10_001), { options }), /more than 10000 digits/)
  })

  it("an ENUM that MySQL does not take names the option that does", () => {
    const options = { enumeration: "enum" } as const
    assert.match(columnFor(symbols(1, 255), { options }), /^ENUM\('s0x+'\)/)
    assert.match(columnFor(symbols(1, 256), { options }), /types\.enum=varchar/)
    assert.match(columnFor(symbols(1, 256)), /^VARCHAR\(256\)/)
  })

  it("a length that VARCHAR cannot have is kept by a LONG type", () => {
    assert.strictEqual(columnFor({ type: "string", maxLength: 16_383 }), "VARCHAR(16383)")
    assert.strictEqual(columnFor({ type: "string", maxLength: 16_384 }), "LONGTEXT")
    assert.strictEqual(columnFor({ type: "bytes", maxLength: 65_536 }), "LONGBLOB")
    for (const maxLength of [0, -1, 1.5, "3"]) assert.strictEqual(columnFor({ type: "string", maxLength }), "LONGTEXT")
  })
})

describe("as part of a key", () => {
  it("text and bytes have a length, and text compares byte for byte", () => {
    assert.strictEqual(columnFor("string", { key: true }), `VARCHAR(255) ${keyText}`)
    assert.strictEqual(columnFor({ type: "string", maxLength: 20 }, { key: true }), `VARCHAR(20) ${keyText}`)
    assert.strictEqual(columnFor("bytes", { key: true }), "VARBINARY(255)")
    assert.strictEqual(columnFor(["null", "long"], { key: true }), "BIGINT NULL")
  })

  it("what its literal does not find again is refused", () => {
    const documents = [{ type: "array", items: "int" }, ["int", "string"], { type: "map", values: "int" }]
    for (const type of [...documents, "float", "double", "null", fixed(3_073)]) {
      assert.match(columnFor(type, { key: true }), /cannot be part of a key/)
    }
    assert.strictEqual(columnFor(fixed(3_072), { key: true }), "VARBINARY(3072)")
  })

  it("bytes of a key are counted as MySQL does", () => {
    assert.strictEqual(columnBytes({ kind: "string", length: 255, key: true }), 1022)
    assert.strictEqual(columnBytes({ kind: "bytes", length: 255 }), 256)
  })
})

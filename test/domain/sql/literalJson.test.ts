import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { columnOf } from "../../../src/domain/sql/plan/columnType.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { sqlite } from "../../../src/domain/sql/sqlite.js"
import { defaultTopicSettings } from "../../../src/domain/TopicSettings.js"

/** The document as SQL, or `poison: ` and the reason. The column is that of `field` in a record, where one is named. */
const write = (type: unknown, value: unknown, field?: string, dialect = mysql): string => {
  const root = Either.getOrThrow(parseSchema(JSON.stringify(type)))
  const schema = root.type === "record" ? root.fields.find(({ name }) => name === field)?.schema ?? root : root
  const { nullable, type: mapped } = Either.getOrThrow(columnOf(schema, defaultTopicSettings.types, false, root))
  const literal = dialect.literal({ from: "value", path: ["f"], name: "f", type: mapped, nullable })
  return Either.match(literal(value), {
    onLeft: ({ column, reason }) => `poison: ${column}: ${reason}`,
    onRight: (text) => text
  })
}

const array = (items: unknown): object => ({ type: "array", items })
const map = (values: unknown): object => ({ type: "map", values })
const tree = {
  type: "record",
  name: "x.Tree",
  fields: [{ name: "v", type: "long" }, { name: "children", type: array("Tree") }]
}
const leaf = (v: bigint): object => ({ v, children: [] })
const chain = { type: "record", name: "Chain", fields: [{ name: "next", type: ["null", "Chain"] }] }
const links = (depth: number): unknown => depth === 0 ? null : { next: links(depth - 1) }

describe("documents", () => {
  it("numbers keep their digits and their kind", () => {
    assert.strictEqual(write(array("long"), [2n ** 63n - 1n, -1n]), "'[9223372036854775807,-1]'")
    assert.strictEqual(write(array("double"), [1, -0, 1e21, 0.1]), "'[1.0,-0.0,1e+21,0.1]'")
    assert.strictEqual(write(array("float"), [Math.fround(0.1), 3]), "'[0.1,3.0]'")
    assert.strictEqual(write(array("int"), [1, -0]), "'[1,0]'")
  })

  it("no sql_mode changes what the text is: with a back-slash it is hexadecimal", () => {
    assert.strictEqual(write(map("string"), { a: "'" }), "'{\"a\":\"''\"}'")
    assert.strictEqual(
      write(map("string"), { "\"": "\n" }),
      `_utf8mb4 x'${Buffer.from("{\"\\\"\":\"\\n\"}").toString("hex")}'`
    )
    assert.strictEqual(write(map("string"), { "\"": "\n" }, undefined, sqlite), "'{\"\\\"\":\"\\n\"}'")
  })

  it("a column whose type is inside its own record finds it", () => {
    assert.strictEqual(
      write(tree, [{ v: 1n, children: [leaf(2n)] }], "children"),
      "'[{\"v\":1,\"children\":[{\"v\":2,\"children\":[]}]}]'"
    )
  })

  it("branches of a union are told apart by name, null is NULL", () => {
    const union = ["null", "int", "string", { type: "enum", name: "x.E", symbols: ["A"] }]
    assert.strictEqual(write(union, { "x.E": "A" }), "'{\"x.E\":\"A\"}'")
    assert.strictEqual(write(union, null), "NULL")
    for (const wrong of [7, "A", {}, { int: 1, string: "" }, { long: 1n }, { E: "A" }]) {
      assert.match(write(union, wrong), /^poison: f: not a branch of the union/)
    }
    assert.strictEqual(write(array(union), [null, { int: 1 }]), "'[null,{\"int\":1}]'")
    assert.match(write(array(["int", "string"]), [null]), /null in a union without null/)
  })

  it("a refusal names the field of the record type and quotes nothing", () => {
    assert.strictEqual(
      write(tree, { v: 1n, children: [{ v: 4111111111111111, children: [] }] }),
      "poison: f: not a 64-bit integer (field v of record x.Tree)"
    )
  })

  it("what MySQL's JSON would change or refuse is poison", () => {
    assert.notMatch(write(chain, links(100)), /^poison/)
    assert.match(write(chain, links(101)), /more than 100 arrays and objects/)
    assert.match(write(array("string"), ["\ud83d"]), /surrogate/)
    assert.match(write(map("int"), { "\ude00": 1 }), /surrogate/)
    // Bytes count, not characters.
    assert.notMatch(write(map("int"), { ["é".repeat(32_767)]: 1 }), /^poison/)
    assert.match(write(map("int"), { ["é".repeat(32_768)]: 1 }), /key of more than 65535 bytes/)
    assert.match(write(map("double"), { a: Number.NaN }), /NaN and infinity/)
  })

  it("records that use one another twice, level by level, are compiled once each", () => {
    const doubled = Array.from({ length: 12 }).reduce<unknown>((inner, _, level) => ({
      type: "record",
      name: `R${level}`,
      fields: [{ name: "a", type: inner }, { name: "b", type: typeof inner === "string" ? inner : `R${level - 1}` }]
    }), "int")
    assert.match(write(doubled, {}), /^poison: f: not a record/)
  })
})

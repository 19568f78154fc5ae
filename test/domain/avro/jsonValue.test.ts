import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { jsonReader } from "../../../src/domain/avro/jsonValue.js"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { randomValues } from "../../../src/domain/avro/randomValue.js"
import { avroJson } from "../../../src/domain/avroJson.js"
import { parseExactJson } from "../../../src/domain/exactJson.js"
import { makeRandom } from "../../../src/domain/random.js"
import { compile } from "../../../src/layers/avro/AvroCodec.js"
import { randomSchemas } from "../../support/avroSchemas.js"

const read = (schema: unknown, text: string): unknown => {
  const json = Either.getOrThrow(parseExactJson(text))
  const parsed = Either.getOrThrow(parseSchema(JSON.stringify(schema)))
  return Either.getOrElse(jsonReader(parsed)(json, text.length), (why) => `poison: ${why}`)
}
const record = (fields: ReadonlyArray<unknown>) => ({ type: "record", name: "n.R", fields })

const one = (name: string) => ({ type: "record", name, fields: [{ name: "next", type: ["A", "B", "null"] }] })

describe("a value from JSON", () => {
  it("is what Avro's own encoding means", () => {
    assert.strictEqual(read("long", "9223372036854775807"), 2n ** 63n - 1n)
    assert.strictEqual(read("double", "1e3"), 1_000)
    assert.deepStrictEqual(read("double", "\"NaN\""), Number.NaN)
    assert.strictEqual(read("float", "0.1"), Math.fround(0.1))
    assert.deepStrictEqual(read("bytes", "\"\\u00ff\\u0000\""), Buffer.of(255, 0))
    assert.deepStrictEqual(
      read({ type: "map", values: "int" }, `{"__proto__":1}`),
      Object.fromEntries([["__proto__", 1]])
    )
    assert.deepStrictEqual(read(["null", "int", "string"], `{"int":1}`), { int: 1 })
    assert.strictEqual(read(["null", "int"], `{"int":1}`), 1)
  })

  it("may leave out the branch where only one takes it", () => {
    assert.strictEqual(read(["null", "int"], "1"), 1)
    assert.deepStrictEqual(read(["null", "int", "string"], "\"a\""), { string: "a" })
    assert.match(String(read(["int", "long"], "1")), /poison: .*fits several branches/)
    const named = record([{ name: "x", type: "int" }])
    assert.deepStrictEqual(read([named, "string"], `{"R":{"x":1}}`), { "n.R": { x: 1 } })
    assert.deepStrictEqual(read([named, "string"], `{"x":1}`), { "n.R": { x: 1 } })
  })

  it("may have more fields, and fewer where these have defaults", () => {
    const schema = record([{ name: "a", type: "int" }, { name: "b", type: ["null", "long"], default: null }])
    assert.deepStrictEqual(read(schema, `{"z":1,"a":2}`), { a: 2, b: null })
    assert.strictEqual(read(schema, "{}"), "poison: field a is missing")
    assert.match(String(read(record([{ name: "constructor", type: "int" }]), "{}")), /constructor is missing/)
  })

  const wrong: ReadonlyArray<readonly [schema: unknown, text: string]> = [
    ["int", "2147483648"],
    ["int", "1.5"],
    ["int", "\"1\""],
    ["long", "9223372036854775808"],
    ["long", "1.5"],
    ["long", "9007199254740993.0"],
    ["boolean", "1"],
    ["string", "1"],
    ["bytes", "\"\u0100\""],
    [{ type: "fixed", name: "F", size: 2 }, "\"a\""],
    [{ type: "enum", name: "E", symbols: ["A"] }, "\"B\""],
    [{ type: "array", items: "int" }, "{}"],
    [{ type: "map", values: "int" }, "[]"],
    [record([]), "[]"],
    ["null", "0"]
  ]
  for (const [schema, text] of wrong) {
    it(`of ${JSON.stringify(schema)} is not ${text}`, () => assert.match(String(read(schema, text)), /^poison: /))
  }

  it("does not follow the default of a record inside itself without an end", () => {
    const inside = record([{ name: "next", type: "R", default: {} }])
    assert.match(String(read(inside, "{}")), /^poison: /)
    const twice = record([{ name: "a", type: ["null", "R"], default: {} }, { name: "b", type: "R", default: {} }])
    assert.match(String(read(twice, "{}")), /^poison: /)
  })

  it("does not try the branches of unions without an end", () => {
    const both = [{ ...one("A"), fields: [{ name: "next", type: ["A", one("B"), "null"] }] }, "null"]
    const text = `${`{"next":`.repeat(60)}1${"}".repeat(60)}`
    assert.match(String(read(both, text)), /poison: /)
  })

  it("is what the same value prints as", () => {
    fc.assert(
      fc.property(randomSchemas, fc.integer({ min: 1, max: 1_000_000 }), (schema, seed) => {
        const { schema: parsed } = Either.getOrThrow(compile(JSON.stringify(schema)))
        const make = randomValues(parsed)
        if (Either.isLeft(make)) return
        const value = make.right(makeRandom(seed))
        const text = avroJson(value)
        const json = Either.getOrThrow(parseExactJson(text))
        assert.deepStrictEqual(jsonReader(parsed)(json, text.length), Either.right(value))
      }),
      { numRuns: 300 }
    )
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import type { AvroSchema } from "../../../src/domain/avro/AvroSchema.js"
import { nameLengthMax } from "../../../src/domain/avro/names.js"
import {
  parseSchema,
  schemaDepthMax,
  schemaExpandedMax,
  schemaLengthMax,
  schemaTypesMax
} from "../../../src/domain/avro/parseSchema.js"

const parse = (schema: unknown): Either.Either<AvroSchema, string> =>
  Either.mapLeft(parseSchema(JSON.stringify(schema)), (refused) => refused.message)
const accepted = (schema: unknown): AvroSchema => Either.getOrThrowWith(parse(schema), (message) => new Error(message))
const refused = (schema: unknown): string => Either.getOrThrow(Either.flip(parse(schema)))

const record = (fields: ReadonlyArray<unknown>, rest: object = {}): object => ({
  type: "record",
  name: "R",
  fields,
  ...rest
})
const field = (type: unknown, name = "f"): object => ({ name, type })
const fixed = (size: number, rest: object = {}): object => ({ type: "fixed", name: "F", size, ...rest })

const nameOf = (schema: object): string => {
  const parsed = accepted(schema)
  return "name" in parsed ? parsed.name : "none"
}

const logicalOf = (schema: unknown): unknown => {
  const parsed = accepted(schema)
  return "logical" in parsed ? parsed.logical : undefined
}

const onFixed = (size: number, precision: number): unknown =>
  logicalOf(fixed(size, { logicalType: "decimal", precision }))

const nested = (depth: number): string => `${"{\"type\":\"array\",\"items\":".repeat(depth)}"int"${"}".repeat(depth)}`

const ints = (count: number): object => record(Array.from({ length: count }, (_, index) => field("int", `f${index}`)))

const enumOf = (count: number) => ({
  type: "enum",
  name: "E",
  symbols: Array.from({ length: count }, (_, index) => `S${index}`)
})

describe("parseSchema", () => {
  for (const type of ["null", "boolean", "int", "long", "float", "double", "string", "bytes"]) {
    it(`reads ${type} as text and as an object, other attributes ignored`, () => {
      assert.deepStrictEqual<unknown>(parse(type), Either.right({ type }))
      assert.deepStrictEqual<unknown>(parse({ type, "avro.java.string": "String" }), Either.right({ type }))
      assert.deepStrictEqual<unknown>(parse({ type: { type } }), Either.right({ type }))
    })
  }

  it("keeps the doc of fields, and drops one that is not text", () => {
    const schema = accepted(record([{ name: "a", type: "int", doc: "why" }, { name: "b", type: "int", doc: 1 }]))
    assert.deepStrictEqual<unknown>(schema, {
      type: "record",
      name: "R",
      fields: [{ name: "a", schema: { type: "int" }, doc: "why" }, { name: "b", schema: { type: "int" } }]
    })
  })

  it("reads containers, enums, fixeds and unions", () => {
    assert.deepStrictEqual<unknown>(accepted({ type: "array", items: "int" }), {
      type: "array",
      items: { type: "int" }
    })
    assert.deepStrictEqual<unknown>(accepted({ type: "map", values: "int" }), { type: "map", values: { type: "int" } })
    assert.deepStrictEqual<unknown>(accepted({ type: "enum", name: "E", symbols: ["A", "b_1"] }), {
      type: "enum",
      name: "E",
      symbols: ["A", "b_1"]
    })
    assert.deepStrictEqual<unknown>(accepted(fixed(3)), { type: "fixed", name: "F", size: 3 })
    assert.deepStrictEqual<unknown>(accepted(["null", "int"]), {
      type: "union",
      branches: [{ type: "null" }, { type: "int" }]
    })
  })
})

describe("names", () => {
  it("take the namespace from the dotted name, else the attribute, else the definition around it", () => {
    assert.strictEqual(nameOf({ type: "fixed", size: 1, name: "a.b.F", namespace: "ignored" }), "a.b.F")
    assert.strictEqual(nameOf({ type: "fixed", size: 1, name: "F", namespace: "a.b" }), "a.b.F")
    assert.strictEqual(nameOf({ type: "fixed", size: 1, name: "F", namespace: "" }), "F")
    const inner = accepted(record([field(fixed(1))], { namespace: "n.s" }))
    assert.deepStrictEqual<unknown>(inner, {
      type: "record",
      name: "n.s.R",
      fields: [{ name: "f", schema: { type: "fixed", name: "n.s.F", size: 1 } }]
    })
  })

  it("are looked up in the namespace around the use, then without one; a dotted name only as it stands", () => {
    const twice = (use: string): object =>
      record([field(fixed(1, { namespace: "n" }), "a"), field(fixed(2, { name: ".F" }), "b"), field(use, "c")], {
        namespace: "n"
      })
    const third = (use: string): AvroSchema | undefined => {
      const parsed = accepted(twice(use))
      return parsed.type === "record" ? parsed.fields[2]?.schema : undefined
    }
    assert.deepStrictEqual<unknown>(third("F"), { type: "fixed", name: "n.F", size: 1 })
    assert.deepStrictEqual<unknown>(third("n.F"), { type: "fixed", name: "n.F", size: 1 })
    assert.deepStrictEqual<unknown>(third(".F"), { type: "fixed", name: "F", size: 2 })
    assert.include(refused(twice("m.F")), "\"m.F\" is not defined")
    const fallback = record([field(fixed(2, { name: ".G" }), "a"), field("G", "b")], { namespace: "n" })
    assert.include(JSON.stringify(accepted(fallback)), "\"name\":\"b\",\"schema\":{\"type\":\"fixed\",\"name\":\"G\"")
  })

  it("may be used through an object and again after the definition", () => {
    const schema = accepted(record([field(fixed(2), "a"), field({ type: "F" }, "b"), field(["null", "F"], "c")]))
    const use = { type: "fixed", name: "F", size: 2 }
    assert.deepStrictEqual<unknown>(schema, {
      type: "record",
      name: "R",
      fields: [
        { name: "a", schema: use },
        { name: "b", schema: use },
        { name: "c", schema: { type: "union", branches: [{ type: "null" }, use] } }
      ]
    })
  })

  it("used inside their own record are a reference", () => {
    assert.deepStrictEqual<unknown>(accepted(record([field(["null", "R"], "next")], { namespace: "n" })), {
      type: "record",
      name: "n.R",
      fields: [
        { name: "next", schema: { type: "union", branches: [{ type: "null" }, { type: "reference", name: "n.R" }] } }
      ]
    })
  })
})

describe("logical types", () => {
  const fits: ReadonlyArray<readonly [logicalType: string, type: string]> = [
    ["big-decimal", "bytes"],
    ["uuid", "string"],
    ["date", "int"],
    ["time-millis", "int"],
    ["time-micros", "long"],
    ["timestamp-millis", "long"],
    ["timestamp-micros", "long"],
    ["timestamp-nanos", "long"],
    ["local-timestamp-millis", "long"],
    ["local-timestamp-micros", "long"],
    ["local-timestamp-nanos", "long"]
  ]
  for (const [logicalType, type] of fits) {
    it(`${logicalType} counts on ${type} and is ignored elsewhere`, () => {
      assert.deepStrictEqual<unknown>(logicalOf({ type, logicalType }), { name: logicalType })
      assert.isUndefined(logicalOf({ type: "boolean", logicalType }))
      assert.isUndefined(logicalOf({ type: type === "int" ? "long" : "int", logicalType }))
    })
  }

  it("uuid also counts on a fixed of 16, duration on a fixed of 12", () => {
    assert.deepStrictEqual<unknown>(logicalOf(fixed(16, { logicalType: "uuid" })), { name: "uuid" })
    assert.isUndefined(logicalOf(fixed(15, { logicalType: "uuid" })))
    assert.deepStrictEqual<unknown>(logicalOf(fixed(12, { logicalType: "duration" })), { name: "duration" })
    assert.isUndefined(logicalOf(fixed(16, { logicalType: "duration" })))
  })

  const decimals: ReadonlyArray<readonly [attributes: object, expected: object | undefined]> = [
    [{ precision: 4, scale: 2 }, { name: "decimal", precision: 4, scale: 2 }],
    [{ precision: 4 }, { name: "decimal", precision: 4, scale: 0 }],
    [{ precision: 4, scale: 4 }, { name: "decimal", precision: 4, scale: 4 }],
    [{ precision: 4, scale: 5 }, undefined],
    [{ precision: 4, scale: -1 }, undefined],
    [{ precision: 0 }, undefined],
    [{ precision: 2.5 }, undefined],
    [{ precision: "4" }, undefined],
    [{}, undefined]
  ]
  for (const [attributes, expected] of decimals) {
    it(`decimal with ${JSON.stringify(attributes)} is ${expected === undefined ? "ignored" : "kept"}`, () => {
      assert.deepStrictEqual<unknown>(logicalOf({ type: "bytes", logicalType: "decimal", ...attributes }), expected)
    })
  }

  it("decimal on a fixed may have the digits that always fit, not more", () => {
    for (const [size, most] of [[1, 2], [2, 4], [4, 9], [8, 18], [16, 38]] as const) {
      assert.deepStrictEqual<unknown>(onFixed(size, most), { name: "decimal", precision: most, scale: 0 })
      assert.isUndefined(onFixed(size, most + 1))
    }
    assert.isUndefined(onFixed(0, 1))
  })

  it("unknown ones, and one beside a field's type instead of in it, are ignored", () => {
    assert.isUndefined(logicalOf({ type: "string", logicalType: "regex" }))
    assert.isUndefined(logicalOf({ type: "int", logicalType: 7 }))
    assert.deepStrictEqual<unknown>(accepted(record([{ name: "at", type: "long", logicalType: "timestamp-millis" }])), {
      type: "record",
      name: "R",
      fields: [{ name: "at", schema: { type: "long" } }]
    })
  })
})

describe("refused schemas say where and why", () => {
  const cases: ReadonlyArray<readonly [what: string, schema: unknown, message: string]> = [
    ["a missing type", { name: "x" }, "Avro schema: a type is a name, a list, or an object with \"type\""],
    ["a number", 7, "Avro schema"],
    ["null", null, "Avro schema"],
    ["an unknown name", "strnig", "type \"strnig\" is not defined"],
    ["a record without a name", { type: "record", fields: [] }, "name"],
    ["a record without fields", { type: "record", name: "R" }, "fields"],
    ["a field without a type", record([{ name: "f" }]), "Avro schema, R.f: a type is a name"],
    ["a bad field name", record([field("int", "a-b")]), "\"a-b\" is not a valid field name"],
    ["a field that would be a prototype", record([field("int", "__proto__")]), "cannot be named __proto__"],
    ["a repeated field", record([field("int"), field("long")]), "field f occurs twice"],
    ["a bad record name", { type: "record", name: "1R", fields: [] }, "\"1R\" is not a name"],
    ["a bad namespace", record([], { namespace: "a..b" }), "\"a..b.R\" is not a name"],
    ["a name of a primitive", { type: "record", name: "string", fields: [] }, "cannot be named string"],
    [
      "a name defined twice",
      record([field(fixed(1), "a"), field(fixed(1), "b")]),
      "Avro schema, R.b: type F is defined twice"
    ],
    ["an empty enum", { type: "enum", name: "E", symbols: [] }, "symbols"],
    ["a bad symbol", { type: "enum", name: "E", symbols: ["a b"] }, "\"a b\" is not a valid symbol"],
    ["a repeated symbol", { type: "enum", name: "E", symbols: ["A", "B", "A"] }, "symbol A occurs twice"],
    ["a negative size", fixed(-1), "size"],
    ["a size that is no integer", fixed(1.5), "size"],
    ["an array without items", { type: "array" }, "items"],
    ["a map without values", { type: "map" }, "values"],
    ["an empty union", [], "without branches"],
    ["a union in a union", ["null", ["int"]], "directly inside a union"],
    ["a union of a type twice", ["int", { type: "int", logicalType: "date" }], "two branches of type int"],
    [
      "a bad type in the depth",
      record([field({ type: "map", values: ["null", "X"] })]),
      "R.f.values.branch 1: type \"X\""
    ]
  ]
  for (const [what, schema, message] of cases) {
    it(what, () => assert.include(refused(schema), message))
  }

  it("text that is not JSON", () => {
    assert.include(Either.getOrThrow(Either.flip(parseSchema("{"))).message, "not JSON")
    assert.include(Either.getOrThrow(Either.flip(parseSchema(""))).message, "not JSON")
  })
})

describe("limits", () => {
  it("on the length of the text", () => {
    const text = `"int"${" ".repeat(schemaLengthMax)}`
    assert.include(Either.getOrThrow(Either.flip(parseSchema(text))).message, "longer than")
    assert.isTrue(Either.isRight(parseSchema(text.slice(0, schemaLengthMax))))
  })

  it("on the depth", () => {
    assert.isTrue(Either.isRight(parseSchema(nested(schemaDepthMax))))
    assert.include(Either.getOrThrow(Either.flip(parseSchema(nested(schemaDepthMax + 1)))).message, "deeper than")
    // As objects without a meaning of their own, too; far more than a stack could take.
    const hollow = `${"{\"type\":".repeat(100_000)}"int"${"}".repeat(100_000)}`
    assert.include(Either.getOrThrow(Either.flip(parseSchema(hollow))).message, "deeper than")
  })

  it("on the number of types", () => {
    assert.isTrue(Either.isRight(parse(ints(schemaTypesMax - 1))))
    assert.include(refused(ints(schemaTypesMax)), "more than")
  })

  it("on symbols, which count as types, at each use of their enum", () => {
    assert.isTrue(Either.isRight(parse(enumOf(schemaTypesMax - 1))))
    assert.include(refused(enumOf(schemaTypesMax)), `more than ${schemaTypesMax} types and symbols`)
    const uses = (count: number) =>
      record([
        field(enumOf(schemaExpandedMax / 5), "e"),
        ...Array.from({ length: count }, (_, index) => field("E", `f${index}`))
      ])
    assert.isTrue(Either.isRight(parse(uses(3))))
    assert.include(refused(uses(4)), `more than ${schemaExpandedMax} types and symbols`)
  })

  it("on names, which messages do not quote then", () => {
    const long = "a".repeat(nameLengthMax)
    assert.isTrue(Either.isRight(parse(record([field("int", long)], { name: long }))))
    const namespaced = record([], { name: "R", namespace: long })
    for (
      const schema of [record([field("int", `${long}b`)]), record([], { name: `${long}b` }), namespaced, `${long}b`]
    ) {
      assert.match(refused(schema), /^Avro schema.*: .*name .*more than 1024 characters/)
    }
  })
})

describe("what a reader needs", () => {
  it("aliases are kept in full, defaults with all their digits; what is no name is passed over", () => {
    const text = `{"type":"record","name":"n.R","aliases":["Old","m.Older",7,"no name"],"fields":[
      {"name":"a","type":"long","aliases":["b","1"],"default":9223372036854775807},
      {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"B"},"default":null}]}`
    assert.deepStrictEqual<unknown>(
      parseSchema(text),
      Either.right({
        type: "record",
        name: "n.R",
        aliases: ["n.Old", "m.Older"],
        fields: [
          { name: "a", schema: { type: "long" }, aliases: ["b"], default: { json: 2n ** 63n - 1n } },
          {
            name: "e",
            schema: { type: "enum", name: "n.E", symbols: ["A", "B"], default: "B" },
            default: { json: null }
          }
        ]
      })
    )
  })

  it("names that references define are known, in the order in which they use one another", () => {
    const inner = JSON.stringify(fixed(1, { namespace: "n" }))
    const middle = JSON.stringify({ type: "record", name: "n.M", fields: [field("F")] })
    const outer = JSON.stringify({ type: "array", items: "n.M" })
    const schema = Either.getOrThrow(parseSchema(outer, [inner, middle, inner]))
    assert.deepStrictEqual<unknown>(schema, {
      type: "array",
      items: { type: "record", name: "n.M", fields: [{ name: "f", schema: { type: "fixed", name: "n.F", size: 1 } }] }
    })
    assert.isTrue(Either.isLeft(parseSchema(outer, [inner])))
    assert.isTrue(Either.isLeft(parseSchema(outer, [middle, inner])))
  })

  it("records that use one another again and again are bounded by what they stand for", () => {
    let schema: object = record([], { name: "R0" })
    for (let level = 1; level <= 20; level++) {
      schema = record([field(schema, "a"), field(`R${level - 1}`, "b")], { name: `R${level}` })
    }
    assert.include(refused(schema), `more than ${schemaExpandedMax} types`)
  })
})

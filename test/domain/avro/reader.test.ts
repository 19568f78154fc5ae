import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { workMaxOf } from "../../../src/domain/avro/work.js"
import type { AvroSchema } from "../../../src/domain/avro/AvroSchema.js"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { randomValues } from "../../../src/domain/avro/randomValue.js"
import { makeAvroReader } from "../../../src/domain/avro/reader.js"
import { makeRandom } from "../../../src/domain/random.js"
import { compile } from "../../../src/layers/avro/AvroCodec.js"
import { randomSchemas } from "../../support/avroSchemas.js"

const parse = (schema: unknown): AvroSchema => Either.getOrThrow(parseSchema(JSON.stringify(schema)))
const record = (fields: Readonly<Record<string, unknown>>, name = "R") => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }))
})
const decode = (schema: unknown, bytes: Uint8Array) =>
  Either.flatMap(makeAvroReader(parse(schema)), (read) => read(bytes, 0))
const reason = (schema: unknown, bytes: Uint8Array): string =>
  Either.match(decode(schema, bytes), { onLeft: String, onRight: () => "decoded" })

/** Written with one schema, read as another. */
const resolved = (writer: unknown, reader: unknown, value: unknown): unknown =>
  Either.match(makeAvroReader(parse(writer), parse(reader)), {
    onLeft: (refused) => `refused: ${refused.message}`,
    onRight: (read) => {
      const bytes = Either.getOrThrow(compile(JSON.stringify(writer))).encode(value)
      return Either.getOrElse(read(bytes, 0), (why) => `poison: ${why}`)
    }
  })

const named = (name: string) => ({ type: "record", name, fields: [{ name: "x", type: "int" }] })
const levels = (count: number) => Buffer.concat([Buffer.alloc(count - 1, 2), Buffer.of(0)])

describe("wide unions", () => {
  const cases: ReadonlyArray<readonly [schema: ReadonlyArray<unknown>, values: ReadonlyArray<unknown>]> = [
    [["int", "long"], [{ int: 1 }, { long: 1n }]],
    [["null", "float", "double"], [null, { float: 0.5 }, { double: 0.1 }]],
    [["string", { type: "enum", name: "n.E", symbols: ["A"] }], [{ string: "A" }, { "n.E": "A" }]],
    [["bytes", { type: "fixed", name: "F", size: 1 }], [{ bytes: Buffer.of(1) }, { F: Buffer.of(1) }]],
    [[named("n.A"), named("n.B")], [{ "n.A": { x: 1 } }, { "n.B": { x: 1 } }]],
    [["int", "string"], [{ int: 1 }, { string: "" }]],
    [["null", "string"], [null, "a"]],
    [["string"], ["a"]]
  ]
  for (const [schema, values] of cases) {
    it(`of ${JSON.stringify(schema)} name their branch, and others do not`, () => {
      const codec = Either.getOrThrow(compile(JSON.stringify(schema)))
      for (const value of values) {
        assert.deepStrictEqual(codec.decode(codec.encode(value), 0), Either.right(value))
      }
    })
  }
})

describe("schema resolution", () => {
  it("promotes numbers, and text and bytes into one another", () => {
    assert.strictEqual(resolved("int", "long", 7), 7n)
    assert.strictEqual(resolved("int", "double", 7), 7)
    assert.strictEqual(resolved("long", "double", 2n ** 53n), 2 ** 53)
    assert.strictEqual(resolved("float", "double", 0.5), 0.5)
    assert.deepStrictEqual(resolved("string", "bytes", "é"), Buffer.from("é"))
    assert.strictEqual(resolved("bytes", "string", Buffer.from("é")), "é")
    assert.match(String(resolved("bytes", "string", Buffer.of(255))), /poison: .*UTF-8/)
    assert.match(String(resolved("long", "int", 7n)), /refused: .*long cannot be read as int/)
  })

  it("takes fields by name or alias in any order, drops what is not wanted, and fills in defaults", () => {
    const reader = {
      type: "record",
      name: "other.R",
      fields: [
        { name: "big", type: "long", default: 0 },
        { name: "renamed", type: "string", aliases: ["c"] },
        { name: "a", type: "long" },
        { name: "u", type: ["string", "null"], default: "x" },
        { name: "w", type: ["int", "string"], default: 5 },
        { name: "raw", type: "bytes", default: "\u00ff" },
        { name: "list", type: { type: "array", items: "int" }, default: [1] }
      ]
    }
    const text = JSON.stringify(reader).replace("\"default\":0", "\"default\":9223372036854775807")
    const writer = parse(record({ a: "int", b: "string", c: "string" }))
    const read = Either.getOrThrow(makeAvroReader(writer, Either.getOrThrow(parseSchema(text))))
    const bytes = Buffer.from("0202620263", "hex")
    assert.deepStrictEqual<unknown>(
      read(bytes, 0),
      Either.right({
        big: 2n ** 63n - 1n,
        renamed: "c",
        a: 1n,
        u: "x",
        w: { int: 5 },
        raw: Buffer.of(255),
        list: [1]
      })
    )
  })

  it("refuses what has no way: a missing default, other names, another scale or unit", () => {
    const refusals: ReadonlyArray<readonly [unknown, unknown, RegExp]> = [
      [record({}), record({ a: "int" }), /R.a: the writer does not have it, and it has no default/],
      [record({}), record({}, "Other"), /record R cannot be read as record Other/],
      [{ type: "fixed", name: "F", size: 1 }, { type: "fixed", name: "F", size: 2 }, /cannot be read/],
      [
        { type: "long", logicalType: "timestamp-millis" },
        { type: "long", logicalType: "timestamp-micros" },
        /timestamp-millis\) cannot be read as long \(timestamp-micros/
      ],
      [
        { type: "bytes", logicalType: "decimal", precision: 4, scale: 2 },
        { type: "bytes", logicalType: "decimal", precision: 4, scale: 1 },
        /cannot be read/
      ],
      ["int", ["null", "string"], /no branch of the reader's union takes int/]
    ]
    for (const [writer, reader, expected] of refusals) {
      const made = makeAvroReader(parse(writer), parse(reader))
      assert.match(Either.isLeft(made) ? made.left.message : "made", expected)
    }
  })

  it("reads names that an alias knows, and symbols that it does not know as the default", () => {
    const writer = { type: "enum", name: "old.E", symbols: ["A", "B"] }
    const reader = { type: "enum", name: "E2", aliases: ["old.E"], symbols: ["A", "Z"] }
    assert.strictEqual(resolved(writer, reader, "A"), "A")
    assert.match(String(resolved(writer, reader, "B")), /poison: a symbol that the reader's schema does not have/)
    assert.strictEqual(resolved(writer, { ...reader, default: "Z" }, "B"), "Z")
  })

  it("goes through unions on either side, to the same branch before a promotion", () => {
    assert.strictEqual(resolved(["null", "int"], ["long", "null"], 7), 7n)
    assert.deepStrictEqual(resolved("int", ["null", "double", "int"], 7), { int: 7 })
    assert.deepStrictEqual(resolved("int", ["null", "double", "long"], 7), { double: 7 })
    assert.strictEqual(resolved(["null", "int"], "int", 7), 7)
    assert.match(String(resolved(["null", "int"], "int", null)), /poison: .*null cannot be read as int/)
  })

  it("follows records into themselves", () => {
    const writer = record({ v: "int", next: ["null", "R"] })
    const reader = record({ next: ["null", "R"], v: "long" })
    assert.deepStrictEqual(resolved(writer, reader, { v: 1, next: { v: 2, next: null } }), {
      next: { next: null, v: 2n },
      v: 1n
    })
  })
})

describe("hostile bytes", () => {
  const huge = Buffer.from("feffffffff7f00", "hex")

  it("cannot ask for more work than their size allows", () => {
    for (const items of ["null", record({}), { type: "fixed", name: "F", size: 0 }]) {
      assert.match(reason({ type: "array", items }, huge), /more values than a record of its size may/)
    }
    assert.match(reason({ type: "array", items: "int" }, huge), /more values/)
    assert.match(reason({ type: "map", values: "null" }, huge), /more values/)
    // The same for records that use one another twice: 2^12 of them in no byte at all.
    let doubled: unknown = record({}, "R0")
    for (let level = 1; level <= 12; level++) doubled = record({ a: doubled, b: `R${level - 1}` }, `R${level}`)
    assert.match(reason(doubled, new Uint8Array()), /more values/)
    assert.isBelow(workMaxOf(1 << 20), 2_000_000)
  })

  it("takes half a million ints in one array, which are a value for each byte", () => {
    const bytes = Buffer.concat([Buffer.from("c0843d", "hex"), Buffer.alloc(500_001)])
    assert.strictEqual(reason({ type: "array", items: "int" }, bytes), "decoded")
  })

  it("cannot nest deeper than 101 levels", () => {
    const list = record({ next: ["null", "R"] })
    assert.strictEqual(reason(list, levels(101)), "decoded")
    assert.match(reason(list, levels(102)), /nested deeper than 101/)
    assert.match(reason(list, levels(1 << 20)), /nested deeper than 101/)
  })

  it("keep __proto__ and constructor as keys of a map", () => {
    const codec = Either.getOrThrow(compile(JSON.stringify({ type: "map", values: { type: "map", values: "int" } })))
    const bytes = Buffer.concat([
      Buffer.from([4, 18]),
      Buffer.from("__proto__"),
      Buffer.from([2, 2, 97, 2, 0, 22]),
      Buffer.from("constructor"),
      Buffer.from([0, 0])
    ])
    const value = Object(Either.getOrThrow(codec.decode(bytes, 0)))
    assert.deepStrictEqual(Object.keys(value), ["__proto__", "constructor"])
    assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
    assert.isUndefined(value.a)
    assert.deepStrictEqual(Buffer.from(codec.encode(value)), bytes)
  })

  it("may give blocks with their size, which has to be right", () => {
    const ints = { type: "array", items: "int" }
    assert.deepStrictEqual(decode(ints, Buffer.from("0304020400", "hex")), Either.right([1, 2]))
    assert.match(reason(ints, Buffer.from("0306020400", "hex")), /a block is not as long as it says/)
    assert.match(reason(ints, Buffer.from("0301020400", "hex")), /a length below zero/)
  })

  it("cannot have ints of more than 32 bits, lengths beyond the end, or booleans of a third kind", () => {
    assert.match(reason("int", Buffer.from("ffffffff1f", "hex")), /an int of more than 32 bits/)
    assert.deepStrictEqual(decode("int", Buffer.from("ffffffff0f", "hex")), Either.right(-2_147_483_648))
    assert.match(reason("string", Buffer.from("feffffffffffffffff01", "hex")), /ends before/)
    assert.match(reason("boolean", Buffer.of(2)), /neither 0 nor 1/)
  })

  it("random ones, and changed records, are a value or a reason for any schema: never an exception", () => {
    const seeds = fc.integer({ min: 1, max: 1_000_000 })
    fc.assert(
      fc.property(randomSchemas, seeds, fc.uint8Array({ maxLength: 80 }), fc.nat(), (schema, seed, noise, at) => {
        const codec = Either.getOrThrow(compile(JSON.stringify(schema)))
        const make = randomValues(codec.schema)
        const value = Either.isRight(make) ? codec.encode(make.right(makeRandom(seed))) : new Uint8Array()
        const changed = Buffer.from(value)
        noise.slice(0, 3).forEach((byte, index) => {
          if (changed.length > 0) changed[(at + index * 7) % changed.length] = byte
        })
        assert.isTrue(Either.isLeft(make) || Either.isRight(codec.decode(value, 0)))
        for (const bytes of [noise, changed]) {
          const result = codec.decode(bytes, 0)
          if (Either.isLeft(result)) assert.isString(result.left)
        }
      }),
      { numRuns: 500 }
    )
  })
})

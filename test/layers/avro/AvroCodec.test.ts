import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { AvroRefused } from "../../../src/domain/avro/AvroRefused.js"
import { type AvroCodec, compile } from "../../../src/layers/avro/AvroCodec.js"
import { fullRecords, type RandomRecords, randomRecords } from "../../support/avroFields.js"

const codec = (schema: unknown): AvroCodec => Either.getOrThrow(compile(JSON.stringify(schema)))
const decoded = (schema: unknown, hex: string): unknown => codec(schema).decode(Buffer.from(hex, "hex"), 0)
const record = (...fields: ReadonlyArray<readonly [name: string, type: unknown]>): object => ({
  type: "record",
  name: "R",
  fields: fields.map(([name, type]) => ({ name, type }))
})
const left = (reason: string): unknown => Either.left(reason)
const right = (value: unknown): unknown => Either.right(value)
/** Records come as instances of a class that avsc makes. */
const plain = (value: unknown): unknown => Either.map(Either.right(value), (object) => ({ ...Object(object) }))

const inner = { type: "record", name: "Inner", fields: [{ name: "s", type: "string" }] }

const comesBack = ({ schemaText, values }: RandomRecords): void => {
  const each = Either.getOrThrow(compile(schemaText))
  for (const value of values) {
    const framed = Buffer.concat([Buffer.from("prefix"), each.encode(value)])
    assert.deepStrictEqual(plain(Either.getOrThrow(each.decode(framed, 6))), right(value))
  }
}

describe("round trips", () => {
  it("decode(encode(x)) is x, for random schemas", () => {
    fc.assert(fc.property(randomRecords(3), comesBack), { numRuns: 100 })
  })

  it("decode(encode(x)) is x, for all types at once", () => {
    fc.assert(fc.property(fullRecords(1), comesBack), { numRuns: 10 })
  })

  it("every cut and every added byte is noticed", () => {
    fc.assert(
      fc.property(randomRecords(1), ({ schemaText, values: [value] }) => {
        const each = Either.getOrThrow(compile(schemaText))
        const bytes = each.encode(value)
        for (let end = 0; end < bytes.length; end++) {
          assert.isTrue(Either.isLeft(each.decode(bytes.subarray(0, end), 0)), `cut at ${end} of ${bytes.length}`)
        }
        assert.deepStrictEqual<unknown>(
          each.decode(Buffer.concat([bytes, Buffer.alloc(2)]), 0),
          left("2 bytes follow after its end")
        )
      }),
      { numRuns: 100 }
    )
  })

  it("any bytes are a value or a reason, never an exception", () => {
    fc.assert(
      fc.property(randomRecords(1), fc.uint8Array({ maxLength: 60 }), ({ schemaText }, bytes) => {
        const result = Either.getOrThrow(compile(schemaText)).decode(bytes, 0)
        if (Either.isLeft(result)) assert.isString(result.left)
      }),
      { numRuns: 100 }
    )
  })
})

describe("longs are exact", () => {
  // Zig-zag examples of the specification, and the ends of the range.
  const longs: ReadonlyArray<readonly [value: bigint, hex: string]> = [
    [0n, "00"],
    [-1n, "01"],
    [1n, "02"],
    [-64n, "7f"],
    [64n, "8001"],
    [9_007_199_254_740_993n, "8280808080808020"],
    [9_223_372_036_854_775_807n, "feffffffffffffffff01"],
    [-9_223_372_036_854_775_808n, "ffffffffffffffffff01"]
  ]
  for (const [value, hex] of longs) {
    it(String(value), () => {
      for (const type of ["long", { type: "long" }, { type: "long", logicalType: "timestamp-micros" }]) {
        assert.strictEqual(Buffer.from(codec(type).encode(value)).toString("hex"), hex)
        assert.deepStrictEqual<unknown>(decoded(type, hex), right(value))
      }
      assert.deepStrictEqual<unknown>(decoded(["null", "long"], `02${hex}`), right(value))
    })
  }

  it("more than 64 bits are refused, not cut", () => {
    assert.deepStrictEqual<unknown>(decoded("long", "ffffffffffffffffff02"), left("a long of more than 64 bits"))
    assert.deepStrictEqual<unknown>(decoded("long", `${"80".repeat(10)}01`), left("a long of more than 64 bits"))
    assert.deepStrictEqual<unknown>(decoded("long", "80"), left("it ends before the schema does"))
  })
})

describe("text", () => {
  it("that is not UTF-8 is refused", () => {
    for (const bad of ["ff", "c328", "eda0bd", "f8", "c0af", "e282"]) {
      const hex = `${bad.length.toString(16).padStart(2, "0")}${bad}`
      assert.deepStrictEqual<unknown>(decoded("string", hex), left("a string in it is not valid UTF-8"), bad)
      assert.deepStrictEqual<unknown>(
        decoded(["null", "string"], `02${hex}`),
        left("a string in it is not valid UTF-8")
      )
      assert.isTrue(
        Either.isLeft(codec(record(["a", "int"], ["b", "string"])).decode(Buffer.from(`02${hex}`, "hex"), 0))
      )
    }
  })

  it("keeps the replacement character itself, and a byte order mark", () => {
    for (const text of ["\ufffd", "a\ufffdb", "\ufeffa"]) {
      const bytes = codec("string").encode(text)
      assert.deepStrictEqual<unknown>(codec("string").decode(bytes, 0), right(text))
    }
  })

  it("is checked inside containers, too", () => {
    const nested = record(["a", { type: "map", values: { type: "array", items: inner } }])
    const each = codec(nested)
    const bytes = Buffer.from(each.encode({ a: { key: [{ s: "abc" }] } }))
    assert.isTrue(Either.isRight(each.decode(bytes, 0)))
    for (const text of ["key", "abc"]) {
      const broken = Buffer.from(bytes)
      broken[broken.indexOf(text)] = 0xff
      assert.deepStrictEqual<unknown>(each.decode(broken, 0), left("a string in it is not valid UTF-8"), text)
    }
  })
})

describe("other damage", () => {
  const cases: ReadonlyArray<readonly [what: string, schema: unknown, hex: string]> = [
    ["a union branch that does not exist", ["null", "int"], "04"],
    ["a negative union branch", ["null", "int"], "01"],
    ["a symbol that does not exist", { type: "enum", name: "E", symbols: ["A"] }, "02"],
    ["a negative length", "string", "01"],
    ["a length beyond the end", "bytes", "feffffffffffffffff01"],
    ["recursion deeper than the stack", record(["next", ["null", "R"]]), "02".repeat(200_000)]
  ]
  for (const [what, schema, hex] of cases) {
    it(what, () => assert.isTrue(Either.isLeft(codec(schema).decode(Buffer.from(hex, "hex"), 0))))
  }

  it("a plain Uint8Array is read like a Buffer", () => {
    assert.deepStrictEqual<unknown>(codec("string").decode(Uint8Array.of(9, 2, 0x61), 1), right("a"))
  })
})

describe("schemas", () => {
  it("that the parser refuses are refused", () => {
    const refused = Either.getOrThrow(Either.flip(compile("{\"type\":\"nothing\"}")))
    assert.instanceOf(refused, AvroRefused)
    assert.include(refused.message, "\"nothing\" is not defined")
  })

  it("may use a definition again, and name it in the object form", () => {
    const fixed = { type: "fixed", name: "F", size: 1 }
    const each = codec(record(["a", fixed], ["b", { type: "F" }], ["c", ["null", "F"]]))
    const value = { a: Buffer.of(1), b: Buffer.of(2), c: Buffer.of(3) }
    assert.deepStrictEqual(plain(Either.getOrThrow(each.decode(each.encode(value), 0))), right(value))
  })

  it("may have fields named like what every object has", () => {
    const names = ["constructor", "toString", "clone", "hasOwnProperty", "class", "then"]
    const each = codec(record(...names.map((name) => [name, "int"] as const)))
    const value = Object.fromEntries(names.map((name, index) => [name, index]))
    assert.deepStrictEqual(plain(Either.getOrThrow(each.decode(each.encode(value), 0))), right(value))
  })
})

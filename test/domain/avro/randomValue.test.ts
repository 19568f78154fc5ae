import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import type { AvroSchema, LogicalType } from "../../../src/domain/avro/AvroSchema.js"
import { randomValues } from "../../../src/domain/avro/randomValue.js"
import { avroJson } from "../../../src/domain/avroJson.js"
import { makeRandom } from "../../../src/domain/random.js"
import { compile } from "../../../src/layers/avro/AvroCodec.js"

const schemaOf = (schema: unknown): AvroSchema => Either.getOrThrow(compile(JSON.stringify(schema))).schema
const refusal = (schema: unknown) => Either.match(randomValues(schemaOf(schema)), { onLeft: String, onRight: () => "" })

/** Values for the seeds from 1 on, after each has been encoded and read again as the same. */
const valuesOf = (schema: unknown, count = 300): ReadonlyArray<unknown> => {
  const codec = Either.getOrThrow(compile(JSON.stringify(schema)))
  const make = Either.getOrThrow(randomValues(codec.schema))
  return Array.from({ length: count }, (_, index) => {
    const value = make(makeRandom(index + 1))
    const bytes = codec.encode(value)
    assert.deepStrictEqual(Buffer.from(codec.encode(Either.getOrThrow(codec.decode(bytes, 0)))), Buffer.from(bytes))
    return value
  })
}
const numbersOf = (schema: unknown): ReadonlyArray<bigint> => valuesOf(schema).map((value) => BigInt(String(value)))

const signed = (bytes: unknown): bigint => {
  if (!Buffer.isBuffer(bytes)) return assert.fail("no bytes")
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`))
}

/** How many objects lie in one another. */
const depthOf = (value: unknown): number =>
  typeof value !== "object" || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf))
const partsOf = (value: unknown): number =>
  typeof value !== "object" || value === null ? 1 : Object.values(value).reduce((sum, part) => sum + partsOf(part), 1)

const record = (name: string, fields: Readonly<Record<string, unknown>>) => ({
  type: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }))
})

describe("random values of a schema", () => {
  const plain = [
    ..."null boolean int long float double string bytes".split(" "),
    { type: "enum", name: "E", symbols: ["A", "B"] },
    { type: "fixed", name: "F", size: 5 },
    { type: "fixed", name: "F", size: 0 },
    { type: "array", items: "string" },
    { type: "map", values: "long" }
  ]
  for (const schema of plain) {
    it(`of ${JSON.stringify(schema)} can be encoded, and differ`, () => {
      const different = Object(schema).size === 0 || schema === "null" ? 1 : 2
      assert.isAtLeast(new Set(valuesOf(schema).map(avroJson)).size, different)
    })
  }

  // Where two branches look alike as JavaScript values, the codec wants to be told which one is meant, and nowhere else.
  const branches = [...plain.slice(0, 8), plain[8], plain[9], plain[11], plain[12], record("R", { id: "int" })]
  for (const [index, first] of branches.entries()) {
    it(`of unions with ${JSON.stringify(first)}, ambiguous or not, take every branch`, () => {
      for (const second of branches.slice(index + 1)) {
        const codec = Either.getOrThrow(compile(JSON.stringify([first, second])))
        const taken = valuesOf([first, second], 40).map((value) => codec.encode(value)[0])
        assert.sameMembers([...new Set(taken)], [0, 2], JSON.stringify(second))
      }
    })
  }

  const day = 86_400_000n
  const year = [1_767_225_600_000n, 1_767_225_600_000n + 365n * day - 1n] as const
  const times: ReadonlyArray<readonly [LogicalType["name"], string, bigint, bigint]> = [
    ["date", "int", year[0] / day, year[1] / day],
    ["time-millis", "int", 0n, day - 1n],
    ["time-micros", "long", 0n, day * 1_000n - 1n],
    ["timestamp-millis", "long", ...year],
    ["timestamp-micros", "long", year[0] * 1_000n, year[1] * 1_000n],
    ["timestamp-nanos", "long", year[0] * 1_000_000n, year[1] * 1_000_000n],
    ["local-timestamp-millis", "long", ...year],
    ["local-timestamp-micros", "long", year[0] * 1_000n, year[1] * 1_000n],
    ["local-timestamp-nanos", "long", year[0] * 1_000_000n, year[1] * 1_000_000n]
  ]
  for (const [logicalType, type, least, most] of times) {
    it(`of ${logicalType} lie within their edges`, () => {
      const values = numbersOf({ type, logicalType })
      assert.deepStrictEqual(values.filter((value) => value < least || value > most), [])
      assert.isAbove(new Set(values).size, 100)
    })
  }

  for (const precision of [1, 4, 9, 18, 38]) {
    it(`of decimal(${precision}) have as many digits at most, as bytes and as a fixed`, () => {
      const decimal = { logicalType: "decimal", precision, scale: 1 }
      const values = [
        ...valuesOf({ type: "bytes", ...decimal }),
        ...valuesOf({ type: "fixed", name: "D", size: 16, ...decimal })
      ].map(signed)
      const limit = 10n ** BigInt(precision)
      assert.deepStrictEqual(values.filter((value) => value <= -limit || value >= limit), [])
      // The whole of it is used, on both sides of zero.
      assert.isTrue(values.some((value) => value < -limit / 4n) && values.some((value) => value > limit / 4n))
    })
  }

  it("of big-decimal are the number's bytes and then its scale", () => {
    for (const value of valuesOf({ type: "bytes", logicalType: "big-decimal" })) {
      if (!Buffer.isBuffer(value)) assert.fail("no bytes")
      const digits = (value[0] ?? 0) / 2
      assert.lengthOf(value, digits + 2)
      assert.isTrue(signed(value.subarray(1, -1)) < 10n ** 18n && (value.at(-1) ?? 99) <= 20)
    }
  })

  it("of uuid are UUIDs of version 4, as text; as a fixed, 16 bytes; of duration, 12", () => {
    for (const value of valuesOf({ type: "string", logicalType: "uuid" })) {
      assert.match(String(value), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
    for (const [logicalType, size] of [["uuid", 16], ["duration", 12]] as const) {
      const values = valuesOf({ type: "fixed", name: "X", size, logicalType })
      assert.isTrue(values.every((value) => Buffer.isBuffer(value) && value.length === size))
    }
  })

  const trees = { type: "array", items: "Tree" }
  const wide = ["null", "Wide", { type: "array", items: "Wide" }]
  // What recurs through unions, arrays and maps ends, and stays small even where it branches a lot.
  const recursions = {
    "a list": record("Node", { value: "long", next: ["null", "Node"] }),
    "a tree of arrays and maps": record("Tree", { a: trees, b: trees, c: { type: "map", values: "Tree" } }),
    "many ways on and one to end": record("Wide", Object.fromEntries(Array.from("abcdefgh", (name) => [name, wide]))),
    "an end only inside other records": record("A", {
      left: ["A", record("B", { end: record("C", { x: "int" }), again: ["A", "C"] })],
      right: ["A", "B"]
    }),
    "a branch without an end": ["null", record("Endless", { self: "Endless" })]
  }
  for (const [what, schema] of Object.entries(recursions)) {
    it(`end: ${what}`, () => {
      const values = valuesOf(schema, 100)
      assert.isAtMost(Math.max(...values.map(depthOf)), 30)
      assert.isAtMost(Math.max(...values.map(partsOf)), 20_000)
    })
  }

  it("are refused where every value contains itself", () => {
    assert.match(refusal(record("A", { self: "A" })), /contains itself, without an end/)
    assert.match(refusal(record("A", { b: record("B", { a: ["A", "B"] }) })), /contains itself/)
    assert.strictEqual(refusal(record("A", { self: ["A", "null"] })), "")
  })

  it("are the same for the same seed", () => {
    for (const schema of Object.values(recursions)) assert.deepStrictEqual(valuesOf(schema, 20), valuesOf(schema, 20))
  })
})

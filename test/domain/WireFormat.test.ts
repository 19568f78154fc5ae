import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import {
  readFrame,
  readPrefix,
  type SchemaName,
  schemaNameOf,
  schemaNameText,
  writeFrame
} from "../../src/domain/WireFormat.js"

const problem = (bytes: Uint8Array | null) => Either.getOrThrow(Either.flip(readPrefix(bytes)))
const guid = "89abcdef-0123-4567-89ab-cdef01234567"
const guidHex = guid.replaceAll("-", "")
const hex = (text: string): Buffer => Buffer.from(text, "hex")
const right = (name: SchemaName, start: number) => Either.right({ name, start })

describe("Confluent's prefix", () => {
  it("gives back the schema id, and where the payload begins", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), fc.uint8Array(), (id, payload) => {
      const framed = writeFrame(id, payload)
      assert.deepStrictEqual(readPrefix(framed), right({ kind: "id", id }, 5))
      assert.deepStrictEqual([...framed.subarray(5)], [...payload])
    }))
  })

  it("may be a GUID", () => {
    assert.deepStrictEqual(readPrefix(hex(`01${guidHex}02`)), right({ kind: "guid", guid }, 17))
    assert.strictEqual(problem(hex(`01${guidHex}`).subarray(0, 16)).kind, "too-short")
  })

  it("a null value is a tombstone, not an error of the format", () => {
    assert.strictEqual(problem(null).kind, "tombstone")
  })

  it("an id that is cut off is too short", () => {
    for (const length of [0, 1, 4]) {
      assert.strictEqual(problem(new Uint8Array(length)).kind, "too-short")
      assert.include(problem(new Uint8Array(length)).reason, `${length} bytes`)
    }
    assert.isTrue(Either.isRight(readPrefix(new Uint8Array(5))))
  })

  const starts: ReadonlyArray<readonly [text: string, hint: string]> = [
    ["{\"id\":1}", "0x7b instead of the magic byte 0; it looks like JSON"],
    ["[1]", "it looks like JSON"],
    ["Obj\u0001", "it looks like an Avro file"],
    ["plain", "it looks like text"],
    ["\u0002\u0000\u0000\u0000\u0001", "0x02 instead of the magic byte 0"]
  ]
  for (const [text, hint] of starts) {
    it(`says what ${JSON.stringify(text)} looks like`, () => {
      const { kind, reason } = problem(Buffer.from(text))
      assert.strictEqual(kind, "magic")
      assert.include(reason, hint)
    })
  }
})

describe("Apicurio's prefix of 8 bytes", () => {
  it("is read where the topic is set so: nothing in the bytes tells", () => {
    const bytes = hex("000000000000000105aa")
    assert.deepStrictEqual(readPrefix(bytes, "apicurio"), right({ kind: "id", id: 261 }, 9))
    assert.deepStrictEqual(readPrefix(bytes), right({ kind: "id", id: 0 }, 5))
    assert.isTrue(Either.isLeft(readPrefix(bytes.subarray(0, 8), "apicurio")))
    assert.isTrue(Either.isLeft(readPrefix(hex("00ffffffffffffffff"), "apicurio")))
  })
})

describe("headers", () => {
  const value = hex("0000000007aa")
  const named = (name: string, content: Buffer | null) => readFrame("value", [["trace", null], [name, content]], value)

  it("count before the prefix, and the data then has none", () => {
    const guidOf = right({ kind: "guid", guid }, 0)
    assert.deepStrictEqual(named("__value_schema_id", hex(`01${guidHex}`)), guidOf)
    assert.deepStrictEqual(named("__value_schema_id", hex("0000000009")), right({ kind: "id", id: 9 }, 0))
    assert.deepStrictEqual(
      named("apicurio.value.contentId", hex("0000000000000009")),
      right({ kind: "content", id: 9 }, 0)
    )
    assert.deepStrictEqual(
      named("apicurio.value.globalId", hex("0000000000000009")),
      right({ kind: "global", id: 9 }, 0)
    )
  })

  it("of the other part, or of others, say nothing", () => {
    for (const name of ["__key_schema_id", "apicurio.key.contentId", "apicurio.value.encoding"]) {
      assert.deepStrictEqual(named(name, hex(`01${guidHex}`)), right({ kind: "id", id: 7 }, 5))
    }
    assert.deepStrictEqual(
      readFrame("key", [["__key_schema_id", hex(`01${guidHex}`)]], value),
      right({ kind: "guid", guid }, 0)
    )
  })

  it("that hold no id are a problem: the data has no prefix to fall back on", () => {
    const cases: ReadonlyArray<readonly [string, Buffer | null]> = [
      ["__value_schema_id", null],
      ["__value_schema_id", hex(`01${guidHex}00`)],
      ["__value_schema_id", hex("02")],
      ["apicurio.value.contentId", hex("00000009")],
      ["apicurio.value.globalId", hex("ffffffffffffffff")]
    ]
    for (const [name, content] of cases) {
      const framed = named(name, content)
      assert.isTrue(Either.isLeft(framed) && framed.left.reason.includes(name), name)
    }
  })
})

it("a name of a schema is one text, and comes back from it", () => {
  const names: ReadonlyArray<SchemaName> = [
    { kind: "id", id: 7 },
    { kind: "content", id: 7 },
    { kind: "global", id: 7 },
    { kind: "guid", guid }
  ]
  assert.deepStrictEqual(names.map((name) => schemaNameOf(schemaNameText(name))), [...names])
  assert.strictEqual(new Set(names.map(schemaNameText)).size, names.length)
  assert.isUndefined(schemaNameOf("json"))
})

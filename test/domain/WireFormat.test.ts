import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { readFrame, writeFrame } from "../../src/domain/WireFormat.js"

const problem = (bytes: Uint8Array | null) => Either.getOrThrow(Either.flip(readFrame(bytes)))

describe("Confluent's wire format", () => {
  it("gives back the schema id, and where the payload begins", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), fc.uint8Array(), (schemaId, payload) => {
      const framed = writeFrame(schemaId, payload)
      assert.deepStrictEqual(readFrame(framed), Either.right({ schemaId, start: 5 }))
      assert.deepStrictEqual([...framed.subarray(5)], [...payload])
    }))
  })

  it("a null value is a tombstone, not an error of the format", () => {
    assert.strictEqual(problem(null).kind, "tombstone")
  })

  it("an id that is cut off is too short", () => {
    for (const length of [0, 1, 4]) {
      assert.strictEqual(problem(new Uint8Array(length)).kind, "too-short")
      assert.include(problem(new Uint8Array(length)).reason, `${length} bytes`)
    }
    assert.isTrue(Either.isRight(readFrame(new Uint8Array(5))))
  })

  const starts: ReadonlyArray<readonly [text: string, hint: string]> = [
    ["{\"id\":1}", "0x7b instead of the magic byte 0; it looks like JSON"],
    ["[1]", "it looks like JSON"],
    ["Obj\u0001", "it looks like an Avro file"],
    ["plain", "it looks like text"],
    ["\u0001\u0000\u0000\u0000\u0001", "0x01 instead of the magic byte 0"]
  ]
  for (const [text, hint] of starts) {
    it(`says what ${JSON.stringify(text)} looks like`, () => {
      const { kind, reason } = problem(Buffer.from(text))
      assert.strictEqual(kind, "magic")
      assert.include(reason, hint)
    })
  }
})

import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { parseExactJson } from "../../src/domain/exactJson.js"

const parsed = (text: string): unknown => Either.getOrElse(parseExactJson(text), (why) => `left: ${why}`)

describe("JSON", () => {
  it("is read as the platform reads it, but for integers that it would round", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\n\t"), (text, blank) => {
        const spaced = `${blank}${text}${blank}`
        const same = JSON.stringify(JSON.parse(text))
        assert.strictEqual(
          JSON.stringify(parsed(spaced), (_, value) => typeof value === "bigint" ? Number(value) : value),
          same
        )
      }),
      { numRuns: 300 }
    )
  })

  it("keeps every digit of an integer", () => {
    assert.strictEqual(parsed("9007199254740993"), 9_007_199_254_740_993n)
    assert.strictEqual(parsed("-9223372036854775808"), -(2n ** 63n))
    assert.strictEqual(parsed("9007199254740991"), 9_007_199_254_740_991)
    assert.strictEqual(parsed("1.50"), 1.5)
    // Beyond any long: what a double makes of it.
    assert.strictEqual(parsed("9".repeat(1_000)), Infinity)
  })

  it("keeps names that objects have by themselves, and the last of two", () => {
    const value = Object(parsed(`{"__proto__":{"a":1},"constructor":2,"x":1,"x":3}`))
    assert.deepStrictEqual(Object.keys(value), ["__proto__", "constructor", "x"])
    assert.isUndefined(value.a)
    assert.strictEqual(value.x, 3)
  })

  it("keeps what is escaped", () => {
    assert.strictEqual(parsed(String.raw`"a\"b\\"`), "a\"b\\")
    assert.strictEqual(parsed(String.raw`"\\\\\""`), "\\\\\"")
    assert.strictEqual(parsed(String.raw`"\ud83d\ude00\n"`), "😀\n")
  })

  const wrong = [
    "",
    "{",
    "[1,]",
    "{\"a\":1,}",
    "{a:1}",
    "{\"a\" 1}",
    "01",
    "1.",
    "+1",
    "nul",
    "\"a",
    "\"\\x\"",
    "\"\n\"",
    "1 2",
    "NaN",
    "'a'",
    "\"\\\""
  ]
  for (const text of wrong) {
    it(`is not ${JSON.stringify(text)}`, () => assert.match(String(parsed(text)), /left: it is not JSON, at character/))
  }

  it("is not nested deeper than 256 brackets", () => {
    assert.isArray(parsed(`${"[".repeat(256)}${"]".repeat(256)}`))
    assert.match(String(parsed("[".repeat(1_000_000))), /nested deeper than 256/)
  })
})

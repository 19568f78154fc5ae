import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { partitionOfKey } from "../../src/domain/murmur2.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { loadMapping } from "../../src/programs/transform/mapModule.js"
import { event, identity, type InputRecord, type Mapping } from "../../src/programs/transform/mapping.js"
import { mapSlice, type Route } from "../../src/programs/transform/outgoing.js"

const folder = mkdtempSync(join(tmpdir(), "tributary mapping "))
afterAll(() => rmSync(folder, { recursive: true }))

const record = (value: string | null, key: string | null = "k"): InputRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [["h", Buffer.from("1")], ["none", null]],
  timestampMs: 1234,
  topic: "in",
  partition: 2,
  offset: 7n
})

const text = (bytes: Uint8Array | null | undefined) => bytes === null ? null : Buffer.from(bytes ?? []).toString()
const values = (mapping: Mapping, input: InputRecord) =>
  Either.map(mapping(input), (records) => records.map(({ key, value }) => [text(key), text(value)]))

let modules = 0
const fromModule = (source: string, name = `map-${++modules}.mjs`) => {
  const file = join(folder, name)
  writeFileSync(file, source)
  return loadMapping(file)
}

describe("built-in mappings", () => {
  it("event wraps two fields, and keeps key, headers and time", () => {
    const [mapped] = Either.getOrThrow(event(record("aa,bb")))
    assert.strictEqual(text(mapped?.value), "EVENT(aa,bb)")
    assert.strictEqual(text(mapped?.key), "k")
    assert.deepStrictEqual(mapped?.headers.map(([name, value]) => [name, text(value)]), [["h", "1"], ["none", ""]])
    assert.strictEqual(mapped?.timestampMs, 1234)
  })

  for (const value of ["aa", "aa,", ",bb", "a,b,c", "", "a,b\n", null]) {
    it(`event takes ${JSON.stringify(value)} for poison`, () => assert.isTrue(Either.isLeft(event(record(value)))))
  }

  it("event takes bytes that are no text for poison", () => {
    const broken = { ...record(""), value: Buffer.from([0x61, 0x2c, 0xff]) }
    assert.deepStrictEqual(event(broken), Either.left("the value is not UTF-8 text"))
  })

  it("identity keeps everything, a null value and a null key too", () => {
    assert.deepStrictEqual(values(identity, record(null, null)), Either.right([[null, null]]))
  })
})

describe("a module as mapping", () => {
  it.effect("its record takes the place of the input's, field by field", () =>
    Effect.gen(function*() {
      const upper = yield* fromModule("export default ({ value }) => ({ value: value.toString().toUpperCase() })")
      assert.deepStrictEqual(values(upper, record("aa")), Either.right([["k", "AA"]]))
      const bare = yield* fromModule("export default () => ({ key: null, headers: { a: 'b' }, timestampMs: 5 })")
      const [mapped] = Either.getOrThrow(bare(record("aa")))
      assert.deepStrictEqual([mapped?.key, text(mapped?.value), mapped?.timestampMs], [null, "aa", 5])
      assert.deepStrictEqual(mapped?.headers.map(([name, value]) => [name, text(value)]), [["a", "b"]])
    }))

  it.effect("several, none, null and the record itself are answers", () =>
    Effect.gen(function*() {
      const twice = yield* fromModule("export default (r) => [r, { ...r, key: Buffer.from('other') }]")
      assert.deepStrictEqual(values(twice, record("aa")), Either.right([["k", "aa"], ["other", "aa"]]))
      for (const none of ["[]", "null", "undefined"]) {
        const nothing = yield* fromModule(`export default () => ${none}`)
        assert.deepStrictEqual(values(nothing, record("aa")), Either.right([]))
      }
    }))

  it.effect("one that throws makes its record poison, with what it says", () =>
    Effect.gen(function*() {
      const strict = yield* fromModule("export default () => { throw new Error('no customer') }")
      assert.deepStrictEqual(strict(record("aa")), Either.left("the mapping has thrown: no customer"))
    }))

  for (const odd of ["7", "'text'", "({})", "Promise.resolve({ value: 'a' })", "({ value: 7 })"]) {
    it.effect(`${odd} is no record: poison`, () =>
      Effect.gen(function*() {
        const mapping = yield* fromModule(`export default () => ${odd}`)
        assert.isTrue(Either.isLeft(mapping(record("aa"))))
      }))
  }

  for (
    const [what, source, why] of [
      ["without a default export", "export const map = 1", "no function"],
      ["whose default export is no function", "export default { map: 1 }", "no function"],
      ["that is asynchronous", "export default async (r) => r", "async"],
      ["that does not compile", "export default (", "pars"]
    ] as const
  ) {
    it.effect(`one ${what} is refused before anything is done`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(fromModule(source))
        assert.deepStrictEqual([error.code, error.exit], ["TRB-2601", ExitCode.usage])
        assert.include(error.why, why)
      }))
  }

  it.effect("one that is not there is refused with the choices", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(loadMapping(join(folder, "absent.js")))
      assert.strictEqual(error.code, "TRB-2601")
      assert.include(error.cure, "event")
    }))
})

const slice = (...records: ReadonlyArray<readonly [key: string | null, value: string]>) => ({
  expected: 10n,
  next: 20n,
  bytes: 0,
  records: records.map(([key, value], index) => ({ ...record(value, key), offset: 10n + BigInt(index) * 2n }))
})

const route = (change: Partial<Route> = {}): Route => ({
  mapping: event,
  deadLetters: undefined,
  input: { topic: "in", partition: 2, partitions: 4 },
  output: { topic: "out", partitions: 4 },
  ...change
})

describe("what is sent", () => {
  it("goes to the partition of the same number where both topics have as many", () => {
    const { output } = mapSlice(route(), slice(["x", "a,b"], [null, "c,d"]))
    assert.deepStrictEqual(output.map(({ partition }) => partition), [2, 2])
  })

  it("else goes where Java puts the key, and without a key always to the same partition", () => {
    const narrow = route({ output: { topic: "out", partitions: 3 } })
    const { output } = mapSlice(narrow, slice(["x", "a,b"], [null, "c,d"], [null, "e,f"]))
    assert.deepStrictEqual(output.map(({ partition }) => partition), [partitionOfKey(Buffer.from("x"), 3), 2, 2])
  })

  it("ends before the first record that cannot be mapped, and says which it is", () => {
    const mapped = mapSlice(route(), slice([null, "a,b"], [null, "bad"], [null, "c,d"]))
    assert.deepStrictEqual(mapped.output.map(({ value }) => text(value)), ["EVENT(a,b)"])
    assert.deepInclude(mapped, {
      recordsIn: 1,
      next: 12n,
      poison: { offset: 12n, reason: "the value is not of the form a,b" }
    })
  })

  it("leaves poison to the dead letters, as it was and with where it is from and why", () => {
    const deadLetters = { topic: "dead", partitions: 1 }
    const mapped = mapSlice(route({ deadLetters }), slice([null, "a,b"], ["k", "bad"], [null, "c,d"]))
    assert.deepStrictEqual(mapped.output.map(({ value }) => text(value)), ["EVENT(a,b)", "EVENT(c,d)"])
    assert.deepInclude(mapped, { recordsIn: 3, next: 20n })
    const [letter] = mapped.deadLetters
    assert.lengthOf(mapped.deadLetters, 1)
    assert.deepStrictEqual([text(letter?.key), text(letter?.value), letter?.partition], ["k", "bad", 0])
    assert.deepStrictEqual(Object.fromEntries(letter?.headers?.map(([name, value]) => [name, text(value)]) ?? []), {
      h: "1",
      none: "",
      "tributary.topic": "in",
      "tributary.partition": "2",
      "tributary.offset": "12",
      "tributary.error": "the value is not of the form a,b"
    })
  })
})

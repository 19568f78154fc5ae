import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SchemaReference } from "../../../src/layers/SchemaRegistry.js"
import {
  referenceDepthMax,
  referencedMax,
  type StoredSchema,
  withReferences
} from "../../../src/layers/registry/references.js"

const to = (subject: string, version = 1): SchemaReference => ({ name: subject, subject, version })
const stored = (schema: string, ...references: ReadonlyArray<SchemaReference>): StoredSchema => ({ schema, references })

/** Follows the references of `root` among `subjects`, and counts how often each version is asked for. */
const follow = (root: StoredSchema, subjects: (subject: string) => StoredSchema) => {
  const asked: Array<string> = []
  const resolved = withReferences("r", "schema id 1", root, ({ subject, version }) => {
    asked.push(`${subject} ${version}`)
    return Effect.succeed(subjects(subject))
  })
  return Effect.map(Effect.either(resolved), (result) => ({ asked, result }))
}
const among = (subjects: Readonly<Record<string, StoredSchema>>) => (subject: string) =>
  subjects[subject] ?? stored("?")
const chain = (subject: string): StoredSchema => stored(subject, to(String(Number(subject) + 1)))

describe("references of a schema", () => {
  it.effect("each once, after those that it uses itself; a text that stands under two subjects once", () =>
    Effect.gen(function*() {
      const { asked, result } = yield* follow(
        stored("root", to("a"), to("b"), to("b2")),
        among({ a: stored("A", to("c")), b: stored("B", to("c"), to("a")), b2: stored("B"), c: stored("C") })
      )
      assert.deepStrictEqual(asked, ["a 1", "c 1", "b 1", "b2 1"])
      assert(result._tag === "Right")
      assert.deepStrictEqual(result.right, { schema: "root", references: ["C", "A", "B"] })
    }))

  const refusals: ReadonlyArray<readonly [string, StoredSchema, (subject: string) => StoredSchema, RegExp, number]> = [
    ["a circle", stored("root", to("a")), among({ a: stored("A", to("b")), b: stored("B", to("a")) }), /circle/, 2],
    ["itself", stored("root", to("a")), among({ a: stored("A", to("a")) }), /circle/, 1],
    ["a chain without an end", stored("root", to("0")), chain, /deeper than 20/, referenceDepthMax],
    [
      "very many",
      stored("root", ...Array.from({ length: 101 }, (_, index) => to(`${index}`))),
      (subject) => stored(subject),
      /more than 100/,
      referencedMax
    ],
    [
      "many that are too long together",
      stored("root", to("a"), to("b"), to("c")),
      () => stored("x".repeat(500_000)),
      /longer than 1048576/,
      3
    ]
  ]
  for (const [title, root, subjects, expected, requests] of refusals) {
    it.effect(`refuses ${title}`, () =>
      Effect.gen(function*() {
        const { asked, result } = yield* follow(root, subjects)
        assert(result._tag === "Left")
        assert.strictEqual(result.left.kind, "schema")
        assert.match(result.left.message, expected)
        assert.lengthOf(asked, requests)
      }))
  }

  it.effect("a hundred, and twenty deep, are followed", () =>
    Effect.gen(function*() {
      const wide = Array.from({ length: referencedMax }, (_, index) => to(`${index}`))
      const many = yield* follow(stored("root", ...wide), (subject) => stored(subject))
      assert.isTrue(many.result._tag === "Right" && many.result.right.references.length === referencedMax)
      const deep = yield* follow(stored("root", to("1")), (subject) =>
        Number(subject) === referenceDepthMax ? stored(subject) : chain(subject))
      assert.isTrue(deep.result._tag === "Right" && deep.result.right.references[0] === String(referenceDepthMax))
    }))

  it.effect("a schema longer than a parser takes is refused as it is", () =>
    Effect.gen(function*() {
      const { result } = yield* follow(stored("x".repeat(1_048_577)), among({}))
      assert.isTrue(result._tag === "Left" && result.left.message.includes("longer than 1048576"))
    }))
})

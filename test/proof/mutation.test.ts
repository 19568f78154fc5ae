import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { applyEdit, applyEdits } from "../../proof/mutation/Mutation.js"
import { mutations } from "../../proof/mutation/mutations.js"

const read = (file: string): string => readFileSync(file, "utf8")

describe("the list of mutations", () => {
  it("names each once", () => {
    const ids = mutations.map(({ id }) => id)
    assert.deepStrictEqual(ids, [...new Set(ids)])
  })

  it.each(mutations.map((mutation) => [mutation.id, mutation] as const))(
    "%s: its edits fit the tree",
    (_, { edits }) => {
      for (const [file, text] of applyEdits(read, edits)) assert.notStrictEqual(text, read(file))
    }
  )

  it.each(mutations.map((mutation) => [mutation.id, mutation] as const))("%s: its tests are there", (_, { tests }) => {
    assert.isNotEmpty(tests)
    for (const { file } of tests) assert.isTrue(existsSync(file), file)
  })
})

describe("an edit", () => {
  const edit = { file: "x.ts", find: "b", replace: "c" }

  it("changes the one place where its text is", () => assert.strictEqual(applyEdit("abd", edit), "acd"))

  it("is an error where its text is not, or more than once", () => {
    assert.throws(() => applyEdit("ad", edit), /x\.ts holds nowhere: b/)
    assert.throws(() => applyEdit("abb", edit), /x\.ts holds more than once: b/)
  })

  it("follows the one before it in the same file", () => {
    const texts = applyEdits(() => "abd", [edit, { file: "x.ts", find: "cd", replace: "e" }])
    assert.deepStrictEqual([...texts], [["x.ts", "ae"]])
  })
})

import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { applyEdit, applyEdits } from "../../proof/mutation/Mutation.js"
import { combinations, mutations, togetherId } from "../../proof/mutation/mutations.js"

const all = [...mutations, ...combinations].map((mutation) => [mutation.id, mutation] as const)
const read = (file: string): string => readFileSync(file, "utf8")

describe("the list of mutations", () => {
  it("names each once", () => {
    const ids = all.map(([id]) => id)
    assert.deepStrictEqual(ids, [...new Set(ids)])
  })

  it.each(all)("%s: its edits fit the tree", (_, { edits }) => {
    for (const [file, text] of applyEdits(read, edits)) assert.notStrictEqual(text, read(file))
  })

  it.each(all)("%s: something is to notice", (_, { simulated, tests }) => {
    if (simulated !== "finds") assert.isNotEmpty(tests)
    for (const { file } of tests) assert.isTrue(existsSync(file), file)
  })

  it("has a test of each, and a reason wherever simulation is not to see it though the part is in it", () => {
    assert.deepStrictEqual(mutations.filter(({ tests }) => tests.length === 0), [])
    const excused = mutations.filter(({ simulated }) => simulated !== "finds" && simulated !== "not in it")
    assert.deepStrictEqual(excused.filter(({ because = "" }) => because === ""), [])
  })

  it("takes out what makes good for another as well", () => {
    const madeGood = mutations.filter(({ simulated }) => simulated === "made good")
    assert.deepStrictEqual(mutations.filter(({ together }) => together !== undefined), madeGood)
    assert.sameMembers(combinations.map(({ id }) => id), [...new Set(madeGood.map(togetherId))])
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

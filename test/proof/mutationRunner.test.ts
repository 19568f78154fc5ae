import { assert, describe, it } from "@effect/vitest"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "vitest"
import { readFound } from "../../proof/mutation/found.js"
import { guaranteesPage } from "../../proof/mutation/guarantees.js"
import { type FileReport, judge } from "../../proof/mutation/judge.js"
import { unit } from "../../proof/mutation/Mutation.js"
import { mutations } from "../../proof/mutation/mutations.js"
import { readOptions } from "../../proof/mutation/options.js"
import { makeScratch, parts } from "../../proof/mutation/Scratch.js"
import { trySimulation } from "../../proof/mutation/simulating.js"

const catcher = unit("x", "keeps its promise")
const report = (state: string, errors: ReadonlyArray<string>, name = "a group keeps its promise"): FileReport => ({
  file: "/tmp/copy/test/x.test.ts",
  errors: [],
  tests: [{ name, state, errors }]
})

describe("a mechanism counts as missed", () => {
  it("where the test that is named fails with an assertion, or with what the program says", () => {
    assert.deepStrictEqual(judge([report("failed", ["AssertionError: expected 2 to equal 1"])], catcher), {
      _tag: "Caught",
      message: "AssertionError: expected 2 to equal 1"
    })
    assert.strictEqual(judge([report("failed", ["Held: records are gone"])], catcher)._tag, "Caught")
  })

  it("not where it passes", () => assert.strictEqual(judge([report("passed", [])], catcher)._tag, "Passed"))

  it("not for a reason of another kind: it says nothing about the promise", () => {
    for (
      const error of [
        "ReferenceError: producer is not defined",
        "SyntaxError: Unexpected token",
        "TypeError: Cannot read properties of undefined (reading 'offset')",
        "Error: connect ECONNREFUSED 127.0.0.1:9092",
        "Error: Test timed out in 60000ms."
      ]
    ) assert.strictEqual(judge([report("failed", [error])], catcher)._tag, "Unusable", error)
  })

  it("by a time-out only where the test is known to wait for what never comes", () =>
    assert.strictEqual(
      judge([report("failed", ["Error: Test timed out in 60000ms."])], { ...catcher, hangs: true })._tag,
      "Caught"
    ))

  it("not where the test has not run: its file did not load, it was left out, it is another one", () => {
    const broken = { ...report("skipped", []), errors: ["Error: Transform failed with 1 error"] }
    assert.deepStrictEqual(judge([broken], catcher), { _tag: "Unusable", why: "Error: Transform failed with 1 error" })
    assert.strictEqual(judge([report("skipped", [])], catcher)._tag, "Unusable")
    assert.strictEqual(judge([report("failed", ["AssertionError: x"], "another")], catcher)._tag, "Unusable")
    assert.strictEqual(judge([], catcher)._tag, "Unusable")
  })
})

const read = (folder: string) => readFileSync(join(folder, "src/a.ts"), "utf8")

it("a scratch copy is mutated for as long as its body runs, also when that fails; the tree is never touched", async () => {
  const root = mkdtempSync(join(tmpdir(), "mutation-test-"))
  for (const part of parts) {
    if (part.includes(".")) writeFileSync(join(root, part), "")
    else mkdirSync(join(root, part))
  }
  writeFileSync(join(root, "src/a.ts"), "compare, set")
  const scratch = makeScratch(root)
  const edits = [{ file: "src/a.ts", find: "compare, ", replace: "" }]
  await scratch.mutated(edits, async () => {
    assert.deepStrictEqual([read(scratch.folder), read(root)], ["set", "compare, set"])
  })
  assert.strictEqual(read(scratch.folder), "compare, set")
  await scratch.mutated(edits, () => Promise.reject(new Error("stopped"))).catch(() => undefined)
  assert.strictEqual(read(scratch.folder), "compare, set")
  scratch.remove()
  assert.isFalse(existsSync(scratch.folder))
  rmSync(root, { recursive: true })
})

/** Seed 147 finds something. */
const searched = async (search: { readonly runs: number; readonly tried?: { runs: number; seconds: number } }) => {
  const asked: Array<readonly [from: number, to: number]> = []
  const trySeeds = async (from: number, to: number) => {
    asked.push([from, to])
    return from <= 147 && to >= 147 ? { seed: 147, finding: "lost: x" } : undefined
  }
  const catching = { trySeeds, tryTests: async () => [], end: () => {} }
  const found = await trySimulation(catching, { except: [], changed: [], ...search }, new AbortController().signal)
  return { asked, runs: found.runs, seed: found.seed }
}

describe("simulation is asked", () => {
  it("from seed 1 on, until one finds something", async () => {
    assert.deepStrictEqual(await searched({ runs: 80 }), { asked: [[1, 60], [61, 80]], runs: 80, seed: undefined })
    assert.deepInclude(await searched({ runs: 300 }), { runs: 147, seed: 147 })
  })

  it("from where an earlier search has ended, as long as it was about the same", async () =>
    assert.deepStrictEqual(await searched({ runs: 300, tried: { runs: 130, seconds: 9 } }), {
      asked: [[131, 190]],
      runs: 147,
      seed: 147
    }))
})

describe("options", () => {
  it("choose what is removed and who is to notice", () => {
    const options = readOptions(["--only", "a, b", "--simulation-only", "--runs", "9"], ["a", "b", "c"])
    assert.deepInclude(options, { only: ["a", "b"], simulation: true, tests: false, runs: 9, jobs: 1, again: false })
  })

  it("are refused where they mean nothing", () => {
    assert.throws(() => readOptions(["--only", "x"], ["a"]), /no mutation x; --list shows all/)
    assert.throws(() => readOptions(["--jobs", "0"], []), /--jobs 0/)
    assert.throws(() => readOptions(["--simulation-only", "--tests-only"], []), /either/)
    assert.throws(() => readOptions(["--wrong"], []), /--wrong/)
  })
})

describe("docs/guarantees.md", () => {
  it("says what the list and the last run say (npm run docs:guarantees writes it)", async () => {
    await expect(guaranteesPage(mutations, readFound("proof/results/mutation.json"))).toMatchFileSnapshot(
      "../../docs/guarantees.md"
    )
  })
})

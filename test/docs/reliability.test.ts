import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "vitest"
import { readBugs, readResults, reliability } from "../../proof/report.js"
import { proofs } from "../../proof/reportProofs.js"
import { type Result, saveResult } from "../../proof/support/results.js"

// docs/reliability.md is made from proof/results: `npm run docs:reliability` writes it, and this test holds it.

const result = (over: Partial<Result> = {}): Result => ({
  name: "simulation",
  command: "npm run simulate -- --seed 7",
  commit: "0123456789ab",
  startedAt: "2026-01-02T03:04:05.000Z",
  seconds: 61,
  seed: 7,
  findings: [],
  measured: {},
  ...over
})

const summaryOf = (page: string, name: string) => page.split("\n").find((line) => line.startsWith(`| ${name} |`))

describe("docs/reliability.md", () => {
  it("says what the results say (npm run docs:reliability writes it)", async () => {
    await expect(reliability(readResults(), readBugs())).toMatchFileSnapshot("../../docs/reliability.md")
  })

  it("says of each proof without a result that it was not run, and how to run it", () => {
    const page = reliability([], undefined)
    for (const { command, name } of proofs) {
      assert.strictEqual(summaryOf(page, name), `| ${name} | not run |  |  |  |  |`)
      assert.include(page, `Not run yet: \`${command}\` leaves a result.`)
    }
    assert.notInclude(page, "Findings: none")
  })

  it("says with what each result can be repeated, and shows each finding", () => {
    const page = reliability([result(), result({ name: "chaos-1min", findings: ["lost: t-0: 5"], commit: "ab+" })], [])
    assert.strictEqual(summaryOf(page, "simulation"), "| simulation | `0123456789ab` | 2026-01-02 | 7 | 61 | none |")
    assert.strictEqual(
      summaryOf(page, "chaos-1min"),
      "| chaos-1min | `ab` and changes not in it | 2026-01-02 | 7 | 61 | **1** |"
    )
    assert.include(
      page,
      "`npm run simulate -- --seed 7`, 2026-01-02T03:04:05.000Z, commit `0123456789ab`, 61 s, seed 7."
    )
    assert.include(page, "- lost: t-0: 5")
    assert.notInclude(page, "| simulation | not run")
  })

  it("leaves out no result: one that it does not know has its place too", () => {
    const page = reliability([result({ name: "unheard", measured: { answer: 42 } })], undefined)
    assert.isDefined(summaryOf(page, "unheard"))
    assert.include(page, "## unheard")
    assert.include(page, "| answer | 42 |")
  })

  it("shows what was measured: figures, lists and records of records; of long lists the bounds", () => {
    const samples = Array.from({ length: 500 }, (_, index) => ({ second: index, heap: 1000 - index }))
    const page = reliability([
      result({ measured: { runs: 3, share: 0.123456, kinds: { a: { p95: 1 }, b: { p95: 2, "x|y": "z" } }, samples } })
    ], undefined)
    for (const line of ["| runs | 3 |", "| share | 0.1235 |", "| kinds | p95 | x\\|y |", "| b | 2 | z |"]) {
      assert.include(page, line)
    }
    assert.include(page, "500 samples:")
    assert.include(page, "| heap | 501 | 1000 | 501 |")
  })

  it("of the mutations tells the sums", () => {
    const shown = { fingerprint: "f", commit: "b2", at: "2026-11-21T20:00:00.000Z" }
    const test = { ...shown, file: "a.test.ts", test: "t", seconds: 2, message: "m" }
    const simulation = { ...shown, commit: "a1", at: "2026-11-21T19:00:00.000Z", runs: 80, seconds: 3 }
    const both = { simulation: { ...simulation, seed: 31 } }
    const mutations = { a: { test }, b: { test, simulation }, c: both, d: {}, "a+b": both }
    const page = reliability([result({ name: "mutation", measured: { mutations } })], undefined)
    for (
      const line of [
        "| mechanisms removed, one at a time | 4 |",
        "| removed with what makes good for them | 1 |",
        "| noticed | 4 |",
        "| noticed by a test | 2 |",
        "| simulation was asked | 3 |",
        "| noticed by simulation | 2 |",
        "| seeds that it took at most | 31 |",
        "| shown at commits | a1 to b2 |"
      ]
    ) assert.include(page, line)
    assert.notInclude(page, "fingerprint")
  })

  it("lists bugs with what showed them, and whether they are mended", () => {
    const page = reliability([], [
      { what: "rows are lost", shownBy: "seed 12", mendedIn: "abc" },
      { what: "it stops", shownBy: "npm run chaos" }
    ])
    assert.include(page, "| rows are lost | `seed 12` | `abc` |")
    assert.include(page, "| it stops | `npm run chaos` | **not yet** |")
  })

  it("reads what a run has saved, and refuses what is no result", () => {
    const folder = mkdtempSync(join(tmpdir(), "tributary results "))
    try {
      assert.isUndefined(readBugs(folder))
      saveResult(result(), folder)
      assert.deepStrictEqual(readResults(folder), [result()])
      writeFileSync(join(folder, "bugs.json"), "[{\"what\":\"w\",\"shownBy\":\"s\"}]")
      assert.deepStrictEqual(readBugs(folder), [{ what: "w", shownBy: "s" }])
      assert.lengthOf(readResults(folder), 1)
      writeFileSync(join(folder, "broken.json"), "{\"name\":\"broken\"}")
      assert.throws(() => readResults(folder), /command/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

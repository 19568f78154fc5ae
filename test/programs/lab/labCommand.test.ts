import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deliveryOf, type Processed } from "../../../src/domain/delivery.js"
import { ExitCode } from "../../../src/programs/exitCodes.js"
import type { Case } from "../../../src/programs/lab/experiment.js"
import { labCommand, type LabRequest } from "../../../src/programs/lab/labCommand.js"
import { experimentText, matrixText, surprises } from "../../../src/programs/lab/labReport.js"
import { reportPage } from "../../../src/programs/lab/report/page.js"
import { runCase } from "../../../src/programs/lab/runCases.js"
import { captured } from "../captured.js"

const effect = (id: number, atMs: number): Processed => ({ id, partition: 0, offset: BigInt(id), atMs, by: "<one>" })

/** Numbers 1 to 3: the second is lost, the third comes twice. */
const damaged: Case = {
  strategy: "auto & <async>",
  shows: "neither",
  simulated: Effect.sync(() => {
    const processed = [effect(1, 0), effect(3, 10), effect(3, 20)]
    return {
      delivery: deliveryOf([1, 2, 3], processed),
      processed,
      events: [
        { atMs: 5, lane: "one", kind: "kill", text: "kill -9" },
        { atMs: 6, lane: "one", kind: "committed", text: "committed 0@2" }
      ],
      notes: ["2 is lost"]
    }
  })
}
const result = (cases: ReadonlyArray<Case>, repeat = 1) =>
  Effect.map(Effect.forEach(cases, (one) => runCase(one, { seed: 1, repeat })), (results) => ({
    name: "damage",
    title: "what is done",
    why: "because",
    cases: results
  }))

const ran = (request: LabRequest, output: "table" | "json" = "table") => {
  const { console, err, out } = captured()
  return labCommand(request, { output }).pipe(
    Effect.provide(FileSystem.layerNoop({})),
    Effect.withConsole(console),
    Effect.map((code) => ({ code, out: out.join("\n"), err: err.join("\n") }))
  )
}

describe("lab run", () => {
  it.effect("prints what became of the records, which ones, and why", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* ran({ kind: "run", name: "sync-each-kill", seed: 1, repeat: 1 })
      assert.strictEqual(code, ExitCode.done)
      assert.strictEqual(err, "")
      assert.match(out, /^sync-each +1 +300 +250 +50 +0 +0 +at most once$/m)
      assert.match(out, /^sync-offset +1 +300 +301 +0 +1 +0 +at least once$/m)
      assert.include(out, "sync-each: killed after number 150 with offset 200 committed")
      assert.include(out, "commitSync() without arguments")
    }))

  it.effect("gives the numbers themselves as JSON", () =>
    Effect.gen(function*() {
      const { out } = yield* ran({ kind: "run", name: "sync-each-kill", seed: 1, repeat: 1 }, "json")
      const [first] = JSON.parse(out).cases
      assert.deepInclude(first, { strategy: "sync-each", lost: 50, delivery: "at most once" })
      assert.deepStrictEqual(first.lostNumbers, Array.from({ length: 50 }, (_, index) => 151 + index))
    }))

  it.effect("an experiment that does not exist: the nearest one is named", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ran({ kind: "run", name: "sync-each-kil", seed: 1, repeat: 1 }))
      assert.strictEqual(error.exit, ExitCode.usage)
      assert.match(error.cure, /did you mean sync-each-kill\?/)
    }))
})

describe("what a run is told as", () => {
  it.live("sums of all runs, and the first one's notes", () =>
    Effect.gen(function*() {
      const text = experimentText(yield* result([damaged], 3))
      assert.match(text, /^auto & <async> +3 +9 +9 +3 +3 +0 +neither$/m)
      assert.include(text, "auto & <async>: 2 is lost")
    }))

  it.effect("a result that the lab does not teach is a surprise", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(surprises([yield* result([damaged])]), [])
      const found = surprises([yield* result([{ ...damaged, shows: "exactly once" }])])
      assert.deepStrictEqual(found, ["damage, auto & <async>: neither, expected exactly once"])
    }))

  it.effect("the matrix has a cell for each fault", () =>
    Effect.gen(function*() {
      const fault = { ...yield* result([damaged]), name: "kill -9" }
      assert.match(matrixText([fault]), /^auto & <async> +1 lost, 1 repeated$/m)
    }))

  it.effect("the page stands alone: no script, nothing from elsewhere, every text escaped", () =>
    Effect.gen(function*() {
      const one = yield* result([damaged])
      const page = reportPage({ results: [one], faults: [one], seed: 1, repeat: 1 })
      assert.notMatch(page, /<script|https?:|src=|url\(/)
      assert.notInclude(page, "<async>")
      assert.include(page, "auto &amp; &lt;async&gt;: 3 produced, 1 lost, 1 repeated")
      assert.lengthOf(page.match(/<circle class="first"/g) ?? [], 2)
      assert.lengthOf(page.match(/<circle class="again"/g) ?? [], 1)
      assert.lengthOf(page.match(/<line class="lost"/g) ?? [], 1)
      assert.lengthOf(page.match(/<line class="event kill"/g) ?? [], 1)
    }))
})

import { afterEach, assert, describe, it } from "@effect/vitest"
import { Array } from "effect"
import { corpus, foundAgain } from "../../proof/simulation/corpus.js"
import { drawPlan } from "../../proof/simulation/drawPlan.js"
import { runPlan } from "../../proof/simulation/runPlan.js"

const told = (seed: number) => runPlan(drawPlan(seed)).findings.map(({ kind, what }) => `${kind}: ${what}`)
const trace = (seed: number) => runPlan(drawPlan(seed), { traced: true }).lines.join("\n")

// Nothing in a run waits for anything, and the runner of the tests wants to hear of this process from time to time.
afterEach(() => new Promise<void>((resolve) => setImmediate(resolve)))

describe("the main job in simulated worlds", () => {
  for (const one of corpus) {
    it(`no longer shows: ${one.showed} (${one.name})`, () => assert.deepStrictEqual(foundAgain([one]), []))
  }

  for (const seed of Array.range(1, 60)) {
    it(`keeps its promise under the faults of seed ${seed}`, () => assert.deepStrictEqual(told(seed), []))
  }

  it("would lose rows with a destination that moves the offset alone: the checker sees it", () => {
    const { findings } = runPlan(drawPlan(1), {
      traced: false,
      broken: (destination) => ({
        ...destination,
        write: (request) => destination.write({ ...request, statements: [] })
      })
    })
    assert.include(findings.map(({ kind }) => kind), "lost")
  })

  it("leaves nothing behind that would keep its process from ending, also where processes were killed", () => {
    const before = process.getActiveResourcesInfo().length
    const kill = { do: "kill", atMs: 600, forMs: 100, process: 0, power: false } as const
    assert.isAbove(runPlan({ ...drawPlan(1002), actions: [kill] }).numbers["kills"] ?? 0, 0)
    assert.strictEqual(process.getActiveResourcesInfo().length, before)
  })

  it("goes the same way traced and not", () => {
    const plan = drawPlan(20_516)
    const { findings, numbers } = runPlan(plan, { traced: true })
    assert.deepStrictEqual(runPlan(plan), { findings, numbers, lines: [] })
  })

  it("goes the same way whenever the seed is the same, whatever has run before", () => {
    const first = trace(3)
    trace(4)
    assert.strictEqual(trace(3), first)
    assert.isAbove(first.split("\n").length, 50)
    assert.notStrictEqual(trace(4), first)
  })
})

import { drawPlan } from "./drawPlan.js"
import { runPlan } from "./runPlan.js"
import { added, type Numbers } from "./tally.js"

/** What a number of seeds, one after the other, has come to. */
export interface Batch {
  readonly from: number
  readonly runs: number
  readonly numbers: Numbers
  readonly failed: ReadonlyArray<{ readonly seed: number; readonly findings: ReadonlyArray<string> }>
}

export const runSeeds = (from: number, runs: number): Batch => {
  let numbers: Numbers = {}
  const failed: Array<Batch["failed"][number]> = []
  for (let seed = from; seed < from + runs; seed++) {
    const result = runPlan(drawPlan(seed))
    numbers = added(numbers, result.numbers)
    if (result.findings.length === 0) continue
    failed.push({ seed, findings: result.findings.map(({ kind, what }) => `${kind}: ${what}`) })
  }
  return { from, runs, numbers, failed }
}

import { createHash } from "node:crypto"
import type { Plan } from "./Plan.js"
import { runPlan, type RunResult } from "./runPlan.js"
import { shortened } from "./Trace.js"

const shortLines = 60

/** How a finding is told: what contradicts what, the end of the trace, and how to see all of it again. */
export const reportOf = (plan: Plan, { findings, lines }: RunResult, commit: string): string => {
  const told = findings.map(({ kind, what }) => `${kind}: ${what}`)
  const places = [...new Set(told.flatMap((text) => text.match(/\b(?:orders|payments)-\d+\b/g) ?? []))]
  return [
    `seed ${plan.seed}, commit ${commit}:`,
    ...told.map((text) => `  ${text}`),
    `the last ${shortLines} events${places.length === 0 ? "" : ` of ${places.join(", ")}`}:`,
    ...shortened(lines, places, shortLines),
    `all of them: npm run simulate -- --seed ${plan.seed} --runs 1 --replay`
  ].join("\n")
}

/** Tells whether two machines have seen the same. */
export const fingerprintOf = (lines: ReadonlyArray<string>): string =>
  createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16)

/** The same run again, with its trace. */
export const traced = (
  plan: Plan
): { readonly plan: Plan; readonly result: RunResult } => ({ plan, result: runPlan(plan, { traced: true }) })

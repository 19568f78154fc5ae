import { drawPlan } from "../simulation/drawPlan.js"
import { runPlan } from "../simulation/runPlan.js"

/** A statement that the simulated server does not know says nothing about the promise. */
const wrongReason = /the simulation: (?!no end|every fiber)/u

const findingOf = (seed: number): string | undefined =>
  runPlan(drawPlan(seed)).findings.map(({ kind, what }) => `${kind}: ${what}`).find((text) => !wrongReason.test(text))

/** The first seed with a finding, and which. */
export const search = (
  from: number,
  to: number,
  except: ReadonlyArray<number>
): { readonly seed: number; readonly finding: string } | undefined => {
  for (let seed = from; seed <= to; seed++) {
    const finding = except.includes(seed) ? undefined : findingOf(seed)
    if (finding !== undefined) return { seed, finding: finding.slice(0, 240) }
  }
  return undefined
}

import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { Plan } from "./Plan.js"
import { runPlan } from "./runPlan.js"

/** A plan that has once found something. The plan itself, not its seed: it stays what it is when plans are drawn otherwise. */
const Case = Schema.Struct({
  name: Schema.String,
  showed: Schema.String,
  mendedIn: Schema.String,
  plan: Plan
})
export type Case = typeof Case.Type

const decode = Schema.decodeUnknownSync(Schema.parseJson(Schema.Array(Case)))

export const corpus: ReadonlyArray<Case> = decode(readFileSync(new URL("corpus.json", import.meta.url), "utf8"))

/** What the cases find again, a line each. */
export const foundAgain = (cases: ReadonlyArray<Case>): ReadonlyArray<string> =>
  cases.flatMap(({ name, plan }) => runPlan(plan).findings.map(({ kind, what }) => `case ${name}: ${kind}: ${what}`))

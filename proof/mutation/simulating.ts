import * as Schema from "effect/Schema"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { runNode } from "./runNode.js"
import type { Found } from "./found.js"

type BySimulation = Omit<NonNullable<Found["simulation"]>, "fingerprint">

/** Enough to see that simulation finds nothing where nothing is missing; `npm run simulate` is there for more. */
const baselineRuns = 50
/** Of a whole search. */
const simulationMaxMs = 3_600_000

/** What `npm run simulate` leaves, as far as it is used. */
const Result = Schema.parseJson(Schema.Struct({
  findings: Schema.Array(Schema.String),
  measured: Schema.Struct({ runs: Schema.Int, failedSeed: Schema.optional(Schema.Int) })
}))
const decode = Schema.decodeUnknownSync(Result)

/** Seeds from 1 on, until one has a finding. */
const simulate = async (folder: string, runs: number, stop: AbortSignal) => {
  const output = join(folder, "proof/results/simulation.json")
  rmSync(output, { force: true })
  const args = ["--script", "proof/simulation/main.ts", "--seed", "1", "--runs", String(runs)]
  const { stderr } = await runNode(folder, ["node_modules/vite-node/vite-node.mjs", ...args], simulationMaxMs, stop)
  if (existsSync(output)) return decode(readFileSync(output, "utf8"))
  throw new Error(`simulation has left no result: ${stderr.slice(-400)}`)
}

export const trySimulation = async (folder: string, runs: number, stop: AbortSignal): Promise<BySimulation> => {
  const beganMs = performance.now()
  const { findings: [finding], measured } = await simulate(folder, runs, stop)
  const seconds = Math.round((performance.now() - beganMs) / 100) / 10
  const { failedSeed } = measured
  return {
    runs: measured.runs,
    seconds,
    ...(failedSeed === undefined ? {} : { seed: failedSeed }),
    ...(finding === undefined ? {} : { finding: finding.slice(0, 240) })
  }
}

/** Throws where simulation finds something though nothing is missing: it could tell nothing then. */
export const simulationBaseline = async (folder: string, stop: AbortSignal): Promise<void> => {
  const { findings: [finding] } = await simulate(folder, baselineRuns, stop)
  if (finding !== undefined) throw new Error(`simulation finds something on the tree as it is: ${finding}`)
}

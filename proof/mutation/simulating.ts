import * as Schema from "effect/Schema"
import type { Found } from "./found.js"
import { runNode } from "./runNode.js"

type BySimulation = Omit<NonNullable<Found["simulation"]>, "fingerprint">

/** Enough to see that simulation finds nothing where nothing is missing; `npm run simulate` is there for more. */
const baselineRuns = 20
/** Of a whole search. */
const searchMaxMs = 3_600_000

const decode = Schema.decodeUnknownSync(Schema.parseJson(Schema.Struct({
  runs: Schema.Int,
  seed: Schema.optional(Schema.Int),
  finding: Schema.optional(Schema.String)
})))

/** Seeds from 1 on, until one has a finding. */
export const trySimulation = async (folder: string, runs: number, stop: AbortSignal): Promise<BySimulation> => {
  const beganMs = performance.now()
  const args = ["node_modules/vite-node/vite-node.mjs", "--script", "proof/mutation/seeds.ts", "1", String(runs)]
  const { stderr, stdout } = await runNode(folder, args, searchMaxMs, stop)
  const answer = stdout.trimEnd().split("\n").at(-1) ?? ""
  if (!answer.startsWith("{\"runs\"")) throw new Error(`simulation has not ended: ${stderr.slice(-400)}`)
  return { ...decode(answer), seconds: Math.round((performance.now() - beganMs) / 100) / 10 }
}

/** Throws where simulation finds something though nothing is missing: it could tell nothing then. */
export const simulationBaseline = async (folder: string, stop: AbortSignal): Promise<void> => {
  const { finding } = await trySimulation(folder, baselineRuns, stop)
  if (finding !== undefined) throw new Error(`simulation finds something on the tree as it is: ${finding}`)
}

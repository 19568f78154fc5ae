import * as Effect from "effect/Effect"
import type { CommandError } from "../../exitCodes.js"
import { type CaseResult, caseResult } from "../runCases.js"
import { autoCommitDuplicates } from "./autoCommitDuplicates.js"
import { exactlyOnce } from "./exactlyOnce.js"
import { gracefulStop } from "./gracefulStop.js"
import { kafkaToKafka } from "./kafkaToKafka.js"
import { sigkillMidBatch, syncEachKill } from "./killMidBatch.js"
import { offsetLoss } from "./offsetLoss.js"
import { inRealLab, type RealCase, type RealOptions, type RealServices } from "./RealWorld.js"
import { rebalanceLoss } from "./rebalanceLoss.js"
import { sessionExpiry } from "./sessionExpiry.js"

/** By name of the experiment. */
export const realExperiments: Readonly<Record<string, ReadonlyArray<RealCase>>> = {
  "offset-loss": offsetLoss,
  "auto-commit-duplicates": autoCommitDuplicates,
  "sigkill-mid-batch": sigkillMidBatch,
  "rebalance-loss": rebalanceLoss,
  "graceful-stop": gracefulStop,
  "kafka-to-kafka": kafkaToKafka,
  "session-expiry": sessionExpiry,
  "sync-each-kill": syncEachKill,
  "exactly-once": exactlyOnce
}

/** Why experiments cannot be run here, by name. */
export const leftOut = ({ pipeline }: RealOptions): Readonly<Record<string, string>> => ({
  "async-commit-regress": "a broker answers the requests of a connection in order, and takes commits of a group only " +
    "from its members: a late retry needs a client that sends it, and this one does not",
  ...(pipeline ? {} : {
    "exactly-once": "it runs the main pipeline, and the configuration does not name all that it needs: " +
      "kafka.schema.registry.url and mysql.url, mysql.username, mysql.password"
  })
})

/** Runs all strategies of an experiment at the same time, so often, one repetition after the other. */
export const runReal = (
  cases: ReadonlyArray<RealCase>,
  repeat: number,
  options: RealOptions
): Effect.Effect<ReadonlyArray<CaseResult>, CommandError, RealServices> =>
  Effect.forEach(cases, (one) => runRealCase(one, repeat, options), { concurrency: "unbounded" })

const runRealCase = (one: RealCase, repeat: number, options: RealOptions) =>
  Effect.gen(function*() {
    const first = yield* inRealLab(one, options)
    const others = yield* Effect.replicateEffect(inRealLab(one, options), repeat - 1)
    const deliveries = [first, ...others].map(({ delivery }) => delivery)
    const result = caseResult({ strategy: one.strategy, shows: one.shows[0] }, first, deliveries)
    // Several outcomes are right where milliseconds decide; what has come is then what was to be shown.
    return one.shows.includes(result.guarantee) ? { ...result, shows: result.guarantee } : result
  })

import type { Experiment } from "./experiment.js"
import { asyncCommitRegress } from "./experiments/asyncCommitRegress.js"
import { autoCommitDuplicates } from "./experiments/autoCommitDuplicates.js"
import { exactlyOnce } from "./experiments/exactlyOnce.js"
import { gracefulStop } from "./experiments/gracefulStop.js"
import { kafkaToKafka } from "./experiments/kafkaToKafka.js"
import { sigkillMidBatch, syncEachKill } from "./experiments/killMidBatch.js"
import { offsetLoss } from "./experiments/offsetLoss.js"
import { rebalanceLoss } from "./experiments/rebalanceLoss.js"
import { sessionExpiry } from "./experiments/sessionExpiry.js"

/** In the order in which they teach. */
export const experiments: ReadonlyArray<Experiment> = [
  offsetLoss,
  autoCommitDuplicates,
  sigkillMidBatch,
  asyncCommitRegress,
  rebalanceLoss,
  gracefulStop,
  kafkaToKafka,
  sessionExpiry,
  syncEachKill,
  exactlyOnce
]

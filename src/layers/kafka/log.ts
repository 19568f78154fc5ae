import * as Effect from "effect/Effect"
import type { LogEntry } from "kafkajs"
import type { SocketReport } from "./sockets.js"

const logger = { logger: "tributary.Kafka" } as const

/** Once per change of state: an outage of hours is two lines. */
export const logReport = ({ address, lostBecause }: SocketReport): Effect.Effect<void> =>
  (lostBecause === undefined
    ? Effect.logInfo(`broker ${address} is reachable again`)
    : Effect.logWarning(`broker ${address} is not reachable (${lostBecause}): retrying`)).pipe(
      Effect.annotateLogs(logger)
    )

/**
 * What kafkajs says, at DEBUG: its levels are about attempts, not about outcomes. A message that repeats is counted, and
 * the count is told with the next other one.
 */
export const makeClientLog = (run: (effect: Effect.Effect<void>) => void): (entry: LogEntry) => void => {
  let last = ""
  let repeated = 0
  return ({ label, log: { error, message }, namespace }) => {
    const reason = typeof error === "string" && error !== message ? `: ${error}` : ""
    const line = `kafkajs ${namespace} ${label}: ${message}${reason}`
    if (line === last) {
      repeated++
      return
    }
    const folded = repeated > 0 ? ` (the line before came ${repeated} more times)` : ""
    last = line
    repeated = 0
    run(Effect.logDebug(line + folded).pipe(Effect.annotateLogs(logger)))
  }
}

import * as Effect from "effect/Effect"
import { elapsedMillis } from "../elapsed.js"

const summaryEveryMs = 30_000

/** One line when reading begins to fail, one each 30 s while it does, one when it works again: not one for each try. */
export const makeOutageLog = (what: string) => {
  let since: number | undefined
  let logged = 0
  return {
    failed: (message: string) =>
      Effect.flatMap(elapsedMillis, (now) => {
        const lasting = since === undefined ? "" : ` (for ${now - since} ms now)`
        if (since !== undefined && now - logged < summaryEveryMs) return Effect.void
        since ??= now
        logged = now
        return Effect.logWarning(`${what}: ${message}; trying again until it works${lasting}`)
      }),
    over: Effect.suspend(() => {
      if (since === undefined) return Effect.void
      const began = since
      since = undefined
      return Effect.flatMap(
        elapsedMillis,
        (now) => Effect.logInfo(`${what}: works again after ${now - began} ms`)
      )
    })
  }
}

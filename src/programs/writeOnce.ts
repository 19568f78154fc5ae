import * as Effect from "effect/Effect"
import { Destination, DestinationUnavailable, type WriteError, type WriteRequest } from "../layers/Destination.js"
import { faultPoint } from "./faultPoint.js"
import { Held, toHeld } from "./held.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"

export type Written = "committed" | "fenced"

/** One transaction and what it came to; the outcome is published before an interruption can take effect. */
export const writeOnce = (
  request: WriteRequest,
  backoff: Backoff,
  publish: Effect.Effect<void>
): Effect.Effect<Written, WriteError | DestinationUnavailable | Held, Destination> =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const outcome = yield* destination.write(request).pipe(
      Effect.tap(({ _tag }) =>
        Effect.zipRight(faultPoint("before publish"), _tag === "Committed" ? publish : Effect.void)
      ),
      Effect.uninterruptible
    )
    switch (outcome._tag) {
      case "Committed":
        return "committed"
      case "Fenced":
        return "fenced"
      case "RolledBack":
        return yield* failureOf(outcome.error)
      case "Unknown": {
        // The answer to COMMIT is lost. Only the row knows: never repeat on suspicion (protocol §6).
        yield* Effect.logWarning(`outcome of a commit is unknown, looking it up: ${outcome.error.message}`)
        const resolve = Effect.tap(
          Effect.zipRight(faultPoint("before resolve"), destination.resolve(request)),
          (found) => found === "Committed" ? publish : Effect.void
        )
        const found = yield* throughOutage("resolve", backoff, Effect.uninterruptible(resolve), unavailable).pipe(
          Effect.mapError(toHeld)
        )
        if (found === "Committed") return "committed"
        if (found === "Fenced") return "fenced"
        if (found === "NotCommitted") return yield* unavailableBy(outcome.error)
        const { claim, expected, next } = request
        return yield* new Held({
          what:
            `the stored offset of ${claim.topic}-${claim.partition} is neither ${expected} nor ${next} although this `
            + "instance owns it: something else writes kafka_offsets",
          cure: "stop the other writer, then restart"
        })
      }
    }
  })

const unavailableBy = (error: WriteError) => new DestinationUnavailable({ what: error.what, code: error.code })
const failureOf = (error: WriteError): WriteError | DestinationUnavailable =>
  error.class === "retriable" || error.class === "reconnect" ? unavailableBy(error) : error

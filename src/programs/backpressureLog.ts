import * as Effect from "effect/Effect"
import type * as Mailbox from "effect/Mailbox"
import { elapsedMillis } from "../layers/elapsed.js"
import type { Transition } from "./PartitionQueue.js"

const pairEveryMs = 1000

/**
 * Writes the two lines of back-pressure, at most one pair per second: with a small queue and a fast producer a partition
 * blocks hundreds of times a second. Pairs that are over before their second comes are folded into the next one; a block
 * that lasts is always said. Runs beside the writer, because a writer that waits for the database cannot log.
 */
export const logBackpressure = (
  topic: string,
  partition: number,
  transitions: Mailbox.ReadonlyMailbox<Transition>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    let saidAt = -pairEveryMs
    let folded = 0
    while (true) {
      const blocked = yield* transitions.take
      if (blocked.to !== "blocked") continue
      const since = yield* elapsedMillis
      const wait = saidAt + pairEveryMs - since
      const over = wait > 0 ? yield* Effect.timeoutOption(transitions.take, wait) : yield* Effect.succeedNone
      if (over._tag === "Some") {
        folded++
        continue
      }
      const fold = folded > 0 ? ` folded=${folded}` : ""
      const where = `topic=${topic} partition=${partition}`
      yield* Effect.logWarning(
        `Backpressure activated and message processing stopped... [${where} queued=${blocked.queued}${fold}]`
      )
      folded = 0
      const resolved = yield* transitions.take
      const now = yield* elapsedMillis
      yield* Effect.logWarning(
        `Backpressure has been resolved. Resuming message processing... [${where} queued=${resolved.queued} paused=${
          now - since
        }ms]`
      )
      saidAt = now
    }
  }).pipe(Effect.catchTag("NoSuchElementException", () => Effect.void)) // the mailbox has ended: the partition is over

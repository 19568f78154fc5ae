import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { KafkaRefused, KafkaUnavailable } from "../Consumer.js"
import type { ReusableLock } from "./fileLock.js"

/**
 * Runs `effect` under the lock of a log's file and waits for it, because producers hold it for one append (an fsync)
 * only. Ten seconds, after which the holder is not slow but stopped.
 */
export const whileLocked = <A, E, R>(
  lock: ReusableLock,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | KafkaUnavailable | KafkaRefused, R> => {
  // Marked, so that an error of `effect` is never taken for one of the lock.
  const marked = lock.whileHeld(Effect.either(effect))
  return marked.pipe(
    Effect.retry({ while: (error) => error._tag === "FileLocked", schedule: untilFree }),
    Effect.catchTags({
      FileLocked: (error) =>
        new KafkaUnavailable({ what: `${error.file} has been locked by another process for 10 s`, cause: error }),
      FileLockFailed: (error) =>
        new KafkaRefused({ what: error.message, cure: "make the folder readable and writable", cause: error })
    }),
    Effect.flatten
  )
}

const untilFree = Schedule.exponential("1 millis", 1.5).pipe(
  Schedule.union(Schedule.spaced("20 millis")),
  Schedule.jittered,
  Schedule.upTo("10 seconds")
)

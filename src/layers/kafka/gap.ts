import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { FetchPlan, GroupSession } from "./GroupSession.js"
import type { Broker } from "./internals.js"
import { rangesAt } from "./ranges.js"

/**
 * After OFFSET_OUT_OF_RANGE: tells the program where the log stands, or goes on where the position is in range after
 * all. kafkajs would commit -1 or -2 and go on elsewhere without a word (tulios/kafkajs#1119).
 */
export const lookAtGap = (
  session: GroupSession,
  broker: Broker,
  topic: string,
  plan: FetchPlan,
  partition: number
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const offset = plan.offsets.get(partition)
    const ranges = yield* Effect.tryPromise(() => rangesAt(broker, topic, [partition]))
    const range = ranges.find((found) => found.partition === partition)
    if (range === undefined || offset === undefined) return
    if (offset < range.low) return session.deliverGap(plan, partition, range.low)
    if (offset > range.end) return session.deliverGap(plan, partition, range.end)
    // A leader that has just been elected may not know its end yet.
    yield* tryAgain(session, plan, partition)
  }).pipe(
    Effect.retry({
      schedule: Schedule.spaced("1 second"),
      while: () => session.position(partition) === plan.offsets.get(partition)
    }),
    // Sought or lost meanwhile: the question is out of date.
    Effect.catchAll(() => Effect.void)
  )

/** Fetches a partition that was paused for an error again, unless it was sought or lost meanwhile; never at once. */
export const tryAgain = (session: GroupSession, plan: FetchPlan, partition: number): Effect.Effect<void> =>
  Effect.map(Effect.sleep("1 second"), () => {
    if (session.position(partition) === plan.offsets.get(partition)) session.resume(partition)
  })

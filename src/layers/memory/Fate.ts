import * as Effect from "effect/Effect"
import type { ServerTime } from "./ServerTime.js"

/** What becomes of one request to a server in memory, and of its answer. */
export interface Fate {
  /** From the call until the server acts; "never": the request is lost. */
  readonly doneAfterMs: number | "never"
  /** From the call until the caller is told: what was answered, or that there is no answer. */
  readonly toldAfterMs: number
  readonly answered: boolean
}

/** Done and answered at once. */
export const prompt: Fate = { doneAfterMs: 0, toldAfterMs: 0, answered: true }

/** Done and answered after this time. */
export const delayed = (ms: number): Fate => ({ doneAfterMs: ms, toldAfterMs: ms, answered: true })

/** Done at once and answered after this time: what the answer tells may not be true any more. */
export const stale = (ms: number): Fate => ({ doneAfterMs: 0, toldAfterMs: ms, answered: true })

/** Never done; the caller gives up after this time. */
export const requestLost = (toldAfterMs = 0): Fate => ({ doneAfterMs: "never", toldAfterMs, answered: false })

/** Done, at once or later, and the caller gives up: it cannot tell this from a request that was lost. */
export const answerLost = (toldAfterMs = 0, doneAfterMs = 0): Fate => ({ doneAfterMs, toldAfterMs, answered: false })

/** Fates for the next requests, in order; what comes after them is prompt. */
export const fates = (...next: ReadonlyArray<Fate>): () => Fate => {
  let request = 0
  return () => next[request++] ?? prompt
}

/** Lets a request meet its fate. What is not answered is on its way already: it happens even if the caller has died. */
export const meet = <A, E, E2>(
  time: ServerTime,
  { answered, doneAfterMs, toldAfterMs }: Fate,
  request: Effect.Effect<A, E>,
  unanswered: () => E2
): Effect.Effect<A, E | E2> => {
  if (answered && doneAfterMs !== "never") {
    const done = doneAfterMs === 0 ? request : Effect.delay(request, doneAfterMs)
    return toldAfterMs > doneAfterMs ? Effect.zipLeft(done, Effect.sleep(toldAfterMs - doneAfterMs)) : done
  }
  return Effect.gen(function*() {
    // Nobody hears how it goes: the failure is the caller's that there is no answer.
    if (doneAfterMs !== "never") time.run(Effect.delay(Effect.exit(request), doneAfterMs).pipe(Effect.asVoid))
    if (toldAfterMs > 0) yield* Effect.sleep(toldAfterMs)
    return yield* Effect.fail(unanswered())
  })
}

import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

/** What a server in memory lives by: a clock, and work that goes on whatever becomes of its clients. */
export interface ServerTime {
  readonly nowMs: () => number
  /** Runs it in the scope of the server. */
  readonly run: (effect: Effect.Effect<void>) => void
  /** Does it after this time; answers how to call it off. */
  readonly after: (ms: number, act: () => void) => () => void
}

export const makeServerTime: Effect.Effect<ServerTime, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Effect.clock
  const run = yield* FiberSet.makeRuntime()
  return {
    nowMs: () => clock.unsafeCurrentTimeMillis(),
    run: (effect) => {
      run(effect)
    },
    after: (ms, act) => {
      const fiber = run(Effect.delay(Effect.sync(act), ms))
      return () => fiber.unsafeInterruptAsFork(FiberId.none)
    }
  }
})

import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

/**
 * What is handed to one lane runs in that order, one after the other; lanes run side by side. (A semaphore would not do:
 * who comes just when it is released may overtake who waits.)
 */
export interface Lanes {
  /** Takes its place when it is run, not when the result is awaited; who stops waiting does not stop the work. */
  readonly enter: <A, E>(lane: string, work: Effect.Effect<A, E>) => Effect.Effect<Effect.Effect<A, E>>
}

/** Closing the scope interrupts what runs and what waits. */
export const makeLanes: Effect.Effect<Lanes, never, Scope.Scope> = Effect.gen(function*() {
  const run = yield* FiberSet.makeRuntime()
  const ends = new Map<string, Deferred.Deferred<void>>()
  const enter = <A, E>(lane: string, work: Effect.Effect<A, E>) =>
    Effect.sync(() => {
      const before = ends.get(lane)
      const end = Deferred.unsafeMake<void>(FiberId.none)
      ends.set(lane, end)
      const leave = Effect.sync(() => {
        if (ends.get(lane) === end) ends.delete(lane)
        Deferred.unsafeDone(end, Exit.void)
      })
      const inTurn = before === undefined ? work : Effect.zipRight(Deferred.await(before), work)
      return Fiber.join(run(Effect.ensuring(inTurn, leave)))
    })
  return { enter }
})

import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { unsafeElapsedMillis } from "../elapsed.js"

/** Successes that are kept; the oldest goes first. Far more schemas than a pipeline meets, far less than memory holds. */
const entriesMax = 100_000
const weightMax = 64 * 1_048_576
/** Failures that are kept: who asks for each id in turn gets no memory out of it. */
const failuresMax = 10_000

interface Options<A, E> {
  readonly weigh: (value: A) => number
  /** How long a failure is remembered: 0 for those that are none of the key's. */
  readonly remembered: (failure: E) => number
}

/**
 * Remembers each success of `lookup` for ever, and a failure for as long as `remembered` says, in milliseconds; with one
 * lookup under way per key.
 *
 * The lookup runs in the surrounding scope, not in the caller's fiber: Effect's own Cache hands the interruption of the
 * first caller to everybody who waits with it, and here the first caller may be a partition that is just being revoked.
 */
export const makeSingleFlight = <K extends string | number, A extends object, E>(
  lookup: (key: K) => Effect.Effect<A, E>,
  { remembered, weigh }: Options<A, E>
): Effect.Effect<(key: K) => Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const clock = yield* Effect.clock
    const known = new Map<K, A>()
    const failures = new Map<K, { readonly failure: E; readonly until: number }>()
    const underWay = new Map<K, Deferred.Deferred<A, E>>()
    let weight = 0

    const keep = (key: K, value: A) => {
      known.set(key, value)
      weight += weigh(value)
      for (const [oldest, its] of known) {
        if (known.size <= entriesMax && weight <= weightMax) break
        known.delete(oldest)
        weight -= weigh(its)
      }
    }

    const keepFailure = (key: K, failure: E) => {
      const duration = remembered(failure)
      if (duration === 0) return
      failures.set(key, { failure, until: unsafeElapsedMillis(clock) + duration })
      const oldest = failures.size > failuresMax ? failures.keys().next() : undefined
      if (oldest?.done === false) failures.delete(oldest.value)
    }

    const start = (key: K, result: Deferred.Deferred<A, E>) =>
      Effect.interruptible(lookup(key)).pipe(
        Effect.onExit((exit) => {
          underWay.delete(key)
          if (exit._tag === "Success") keep(key, exit.value)
          else Option.map(Cause.failureOption(exit.cause), (failure) => keepFailure(key, failure))
          return Deferred.done(result, exit)
        }),
        Effect.forkIn(scope)
      )

    return (key) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const value = known.get(key)
          if (value !== undefined) return value
          const failed = failures.get(key)
          if (failed !== undefined) {
            if (failed.until > unsafeElapsedMillis(clock)) return yield* Effect.fail(failed.failure)
            failures.delete(key)
          }
          const running = underWay.get(key)
          if (running !== undefined) return yield* restore(Deferred.await(running))
          const result = yield* Deferred.make<A, E>()
          underWay.set(key, result)
          yield* start(key, result)
          return yield* restore(Deferred.await(result))
        })
      )
  })

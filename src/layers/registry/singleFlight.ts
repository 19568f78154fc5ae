import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Entries that are kept; the oldest goes first. Far more schemas than a pipeline meets, far less than memory holds. */
const entriesMax = 100_000

/**
 * Remembers each success of `lookup` for ever and no failure, with one lookup under way per key.
 *
 * The lookup runs in the surrounding scope, not in the caller's fiber: Effect's own Cache hands the interruption of the
 * first caller to everybody who waits with it, and here the first caller may be a partition that is just being revoked.
 */
export const makeSingleFlight = <K extends string | number, A extends object, E>(
  lookup: (key: K) => Effect.Effect<A, E>
): Effect.Effect<(key: K) => Effect.Effect<A, E>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const known = new Map<K, A>()
    const underWay = new Map<K, Deferred.Deferred<A, E>>()

    const start = (key: K, result: Deferred.Deferred<A, E>) =>
      Effect.interruptible(lookup(key)).pipe(
        Effect.onExit((exit) => {
          underWay.delete(key)
          if (exit._tag === "Success") {
            const oldest = known.size >= entriesMax ? known.keys().next() : undefined
            if (oldest?.done === false) known.delete(oldest.value)
            known.set(key, exit.value)
          }
          return Deferred.done(result, exit)
        }),
        Effect.forkIn(scope)
      )

    return (key) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          const value = known.get(key)
          if (value !== undefined) return value
          const running = underWay.get(key)
          if (running !== undefined) return yield* restore(Deferred.await(running))
          const result = yield* Deferred.make<A, E>()
          underWay.set(key, result)
          yield* start(key, result)
          return yield* restore(Deferred.await(result))
        })
      )
  })

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import { elapsedMillis } from "../layers/elapsed.js"
import { makeOutages, SharedOutages, summaryEveryMs } from "./outages.js"

export interface Backoff {
  /** First delay, milliseconds; doubled after each failure. */
  readonly baseMs: number
  /** Longest delay, milliseconds: how late a recovery may be noticed. */
  readonly maxMs: number
}

/** Full jitter: a random delay up to `base · 2ⁿ`, at most `max`; spreads instances that failed together. */
export const jittered = (backoff: Backoff, attempt: number): Effect.Effect<Duration.Duration> =>
  Effect.map(
    Random.next,
    (random) =>
      Duration.millis(
        Math.max(1, Math.round(random * Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(attempt, 20))))
      )
  )

/** Tags of what time heals while topics are read and written. */
export const unavailable = ["DestinationUnavailable", "KafkaUnavailable", "TopicMissing"] as const

/**
 * Repeats an effect until it succeeds or fails with something that waiting does not heal. What the log says of it is in
 * `outages.ts`.
 */
export const throughOutage = <
  A,
  E extends { readonly _tag: string; readonly message: string },
  R,
  const T extends string
>(
  what: string,
  backoff: Backoff,
  effect: Effect.Effect<A, E, R>,
  /** Tags of the errors that time heals. */
  healing: ReadonlyArray<T>
): Effect.Effect<A, Exclude<E, Extract<E, { readonly _tag: T }>>, R> =>
  Effect.gen(function*() {
    const heals = among<E, T>(healing)
    const tried = effect.pipe(
      Effect.map(Either.right),
      Effect.catchIf(heals, (error) => Effect.succeed(Either.left(error)))
    )
    const first = yield* tried
    if (Either.isRight(first)) return first.right
    const { outages = makeOutages() } = yield* SharedOutages
    const waiting = outages(what)
    const again = Effect.gen(function*() {
      let failure = first.left
      for (let attempt = 0;; attempt++) {
        yield* waiting.failed(failure)
        yield* Effect.sleep(yield* jittered(backoff, attempt))
        const result = yield* tried
        if (Either.isRight(result)) {
          yield* waiting.cameThrough
          return result.right
        }
        failure = result.left
      }
    })
    return yield* Effect.ensuring(again, Effect.sync(waiting.leave))
  })

/** Passes on what is said for the first time, and again only after 30 s without another reason in between. */
export const sayRarely = (say: (text: string) => Effect.Effect<void>): (text: string) => Effect.Effect<void> => {
  let told: { readonly text: string; readonly atMs: number } | undefined
  return (text) =>
    Effect.flatMap(elapsedMillis, (atMs) => {
      if (told?.text === text && atMs - told.atMs < summaryEveryMs) return Effect.void
      told = { text, atMs }
      return say(text)
    })
}

const among =
  <E extends { readonly _tag: string }, T extends string>(tags: ReadonlyArray<T>) =>
  (error: E): error is Extract<E, { readonly _tag: T }> => tags.some((tag) => tag === error._tag)

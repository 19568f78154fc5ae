import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"

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

const summaryEveryMs = 30_000

/**
 * Repeats an effect until it succeeds or fails with something that waiting does not heal. An outage is one line when it
 * begins, one each 30 s while it lasts, one when it is over: a log must stay readable through a night without a database.
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
    let since: number | undefined
    let logged = 0
    for (let attempt = 0;; attempt++) {
      const result = yield* tried
      const now = yield* Clock.currentTimeMillis
      if (Either.isRight(result)) {
        if (since !== undefined) {
          yield* Effect.logInfo(`${what}: works again after ${now - since} ms, ${attempt} failed tries`)
        }
        return result.right
      }
      if (since === undefined || now - logged >= summaryEveryMs) {
        const lasting = since === undefined ? "" : ` (for ${now - since} ms now, ${attempt + 1} tries)`
        yield* Effect.logWarning(`${what}: ${result.left.message}; trying again until it works${lasting}`)
        logged = now
      }
      since ??= now
      yield* Effect.sleep(yield* jittered(backoff, attempt))
    }
  })

/** Passes on what is said for the first time, and again only after 30 s without another reason in between. */
export const sayRarely = (say: (text: string) => Effect.Effect<void>): (text: string) => Effect.Effect<void> => {
  let told: { readonly text: string; readonly atMs: number } | undefined
  return (text) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMs) => {
      if (told?.text === text && atMs - told.atMs < summaryEveryMs) return Effect.void
      told = { text, atMs }
      return say(text)
    })
}

const among =
  <E extends { readonly _tag: string }, T extends string>(tags: ReadonlyArray<T>) =>
  (error: E): error is Extract<E, { readonly _tag: T }> => tags.some((tag) => tag === error._tag)

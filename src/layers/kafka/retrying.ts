import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { KafkaError } from "./errors.js"

/** How often, and after which wait, something is tried again that may pass by itself. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly retries: number
  /** Wait before the second try; doubled after each, up to a second (or this, if it is longer). */
  readonly retryBackoffMs: number
}

const backoffMsMax = 1000

const scheduleOf = ({ retries, retryBackoffMs }: RetryPolicy) =>
  Schedule.exponential(`${retryBackoffMs} millis`).pipe(
    Schedule.union(Schedule.spaced(`${Math.max(backoffMsMax, retryBackoffMs)} millis`)),
    Schedule.intersect(Schedule.recurs(retries))
  )

/** Tries again what `passes` may pass by itself; fails with the last error. */
export const retrying =
  <E>(policy: RetryPolicy, passes: (error: E) => boolean) => <A, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.retry(effect, { schedule: scheduleOf(policy), while: passes })

export const isUnavailable = (error: KafkaError): boolean => error._tag === "KafkaUnavailable"

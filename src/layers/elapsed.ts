import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * Milliseconds on a clock that only goes forward, for every duration, deadline and age. The wall clock
 * (`Clock.currentTimeMillis`) is for points in time only: when it is set back, by NTP or after a virtual machine was
 * resumed, all that was due by it would be due an hour later, and what waits for that would stand still.
 */
export const elapsedMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => unsafeElapsedMillis(clock))
)

/** The same where no effect runs. */
export const unsafeElapsedMillis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)

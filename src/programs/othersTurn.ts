import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * Sockets and timers get their turn: before and after what takes the event loop for milliseconds. By a timer: Effect's
 * `yieldNow` goes on in the same turn of the event loop.
 */
export const othersTurn = Effect.sleep(Duration.zero)

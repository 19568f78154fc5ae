import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import { makeRandom } from "../../domain/random.js"
import { Sleepers } from "./Sleepers.js"
import { makeFifoScheduler, makePickingScheduler } from "./TaskScheduler.js"

/** A clock that stands still until everything that can run has run. */
class VirtualClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  readonly currentTimeMillis = Effect.sync(() => this.nowMs)
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  private nowMs = 0
  private readonly sleepers = new Sleepers()

  unsafeCurrentTimeMillis(): number {
    return this.nowMs
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.nowMs * 1_000_000))
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const cancel = this.unsafeSchedule(() => resume(Effect.void), duration)
      return Effect.sync(cancel)
    })
  }

  unsafeSchedule(task: () => void, duration: Duration.Duration): () => boolean {
    return this.sleepers.add(this.nowMs + Duration.toMillis(duration), task)
  }

  /** Lets time pass until the next one wakes; false when nobody sleeps. */
  advance(): boolean {
    const next = this.sleepers.takeNext()
    if (next === undefined) return false
    this.nowMs = Math.max(this.nowMs, next.atMs)
    next.wake()
    return true
  }
}

/** Without the metrics of fibers, which nobody reads here and which are the same for all runs of this process. */
const runFork = Runtime.runFork(Runtime.disableRuntimeFlag(Runtime.defaultRuntime, RuntimeFlags.RuntimeMetrics))

/**
 * Runs an effect to its end in virtual time, at once and always in the same way: time passes only when no fiber can run.
 * A seed chooses which fiber runs next and for how long, and seeds `Random`. Nothing in the effect may wait for the
 * outside world. Throws what the effect fails with, and when it cannot end: everybody waits, or it has taken `stepsMax`
 * turns and waits (about a minute of real time, so that a loop without end does not hang its caller).
 */
export const simulate = <A, E>(
  effect: Effect.Effect<A, E, Scope.Scope>,
  seed?: number,
  { stepsMax = 20_000_000 }: { readonly stepsMax?: number } = {}
): A => {
  const clock = new VirtualClock()
  // Its choices must not draw from the program's own Random.
  const { fraction } = makeRandom(seed ?? 0)
  const scheduler = seed === undefined ? makeFifoScheduler() : makePickingScheduler(fraction)
  const fiber = runFork(
    Effect.scoped(effect).pipe(Effect.withClock(clock), Effect.withRandom(Random.make(seed ?? 0))),
    { scheduler }
  )
  for (let steps = 0; steps < stepsMax; steps++) {
    if (scheduler.step()) continue
    const exit = fiber.unsafePoll()
    if (exit !== null) {
      if (Exit.isSuccess(exit)) return exit.value
      throw Cause.squash(exit.cause)
    }
    if (!clock.advance()) throw new Error("every fiber waits and nobody will wake one: a deadlock")
  }
  throw new Error(`no end after ${stepsMax} steps`)
}

import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { Sleepers } from "./Sleepers.js"

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

/**
 * Runs tasks in the order in which they were scheduled, and makes fibers give up their turn after `operations()`
 * operations: a random number gives another interleaving for each seed. Picking among the tasks at random would be
 * simpler, but Effect's concurrent operators rely on the order: interrupted before the fiber that they have scheduled has
 * started, `Effect.forEach` waits for it for ever.
 */
class TurnScheduler implements Scheduler.Scheduler {
  private readonly tasks: Array<() => void> = []
  private readonly operations: () => number
  private turn: number

  constructor(operations: () => number) {
    this.operations = operations
    this.turn = operations()
  }

  scheduleTask(task: () => void): void {
    this.tasks.push(task)
  }

  shouldYield(fiber: Fiber.RuntimeFiber<unknown, unknown>): number | false {
    if (fiber.currentOpCount <= this.turn) return false
    this.turn = this.operations()
    return 0
  }

  /** False when nothing can run. */
  step(): boolean {
    const task = this.tasks.shift()
    task?.()
    return task !== undefined
  }
}

/** A small generator (mulberry32): the scheduler's choices must not draw from the program's own Random. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Runs an effect to its end in virtual time, at once and always in the same way: time passes only when no fiber can run.
 * A seed chooses where fibers are interrupted by one another, and seeds `Random`. Nothing in the effect may wait for the
 * outside world. Throws what the effect fails with, and when it cannot end: everybody waits, or it has taken `stepsMax`
 * turns and waits (about a minute of real time, so that a loop without end does not hang its caller).
 */
export const simulate = <A, E>(
  effect: Effect.Effect<A, E, Scope.Scope>,
  seed?: number,
  { stepsMax = 20_000_000 }: { readonly stepsMax?: number } = {}
): A => {
  const clock = new VirtualClock()
  const random = generator(seed ?? 0)
  const scheduler = new TurnScheduler(() => seed === undefined ? 2048 : Math.ceil(random() ** 3 * 512))
  const fiber = Effect.runFork(
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

import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { elapsedMillis } from "../elapsed.js"
import type { Lane } from "./Lane.js"
import type { MysqlFailure } from "./MysqlFailure.js"

/**
 * Not Effect's Pool: its getters wait for ever when an acquisition that they wait for fails while the pool grows, and a
 * connection that is slow to open holds up all others. Here whoever finds no idle lane opens one, and fails alone.
 */
export interface LanePool {
  /**
   * Runs `body` on a lane that nobody else uses meanwhile. `body` must leave no open transaction: whatever its exit but
   * success or a typed failure, the lane is cut.
   */
  readonly use: <A, E>(body: (lane: Lane) => Effect.Effect<A, E>) => Effect.Effect<A, E | MysqlFailure>
}

interface Idle {
  readonly lane: Lane
  readonly sinceMs: number
}

/** Half of the session's wait_timeout: the server must never be the one that closes an idle lane. */
const idleMaxMs = 30_000

/** How much later than its deadline a statement may be cut. */
const watchIntervalMs = 250

/**
 * @param size lanes in use at once
 * @param idleMax lanes kept for the next use; 0: each use has a connection of its own
 */
export const make = (
  open: Effect.Effect<Lane, MysqlFailure>,
  size: number,
  idleMax: number = size
): Effect.Effect<LanePool, never, Scope.Scope> =>
  Effect.gen(function*() {
    const slots = yield* Effect.makeSemaphore(size)
    const idle: Array<Idle> = []
    const used = new Set<Lane>()
    let closed = false

    const take = Effect.suspend(() => {
      let last = idle.pop() // the youngest, so that what is not needed grows old
      while (last !== undefined && !last.lane.isOpen()) last = idle.pop()
      return last === undefined ? open : Effect.succeed(last.lane)
    }).pipe(Effect.tap((lane) => Effect.sync(() => used.add(lane))))

    const giveBack = (lane: Lane, exit: Exit.Exit<unknown, unknown>) =>
      Effect.gen(function*() {
        used.delete(lane)
        const expected = Exit.isSuccess(exit) || exit.cause._tag === "Fail"
        if (expected && !closed && idle.length < idleMax && lane.isOpen()) {
          return void idle.push({ lane, sinceMs: yield* elapsedMillis })
        }
        if (!expected) yield* lane.destroy
        yield* lane.close
      })

    const closeOlderThan = (ms: number) =>
      Effect.suspend(() => {
        const young = idle.findIndex(({ lane, sinceMs }) => sinceMs > ms && lane.isOpen())
        return Effect.forEach(idle.splice(0, young === -1 ? idle.length : young), ({ lane }) => lane.close)
      })

    // One look at all lanes, not a timer and a fiber for each statement, which would cost as much as the statement. A
    // deadline that runs in a child of the caller would also be lost: an interrupted fiber tells its children at once.
    yield* elapsedMillis.pipe(
      Effect.flatMap((nowMs) => Effect.forEach(used, (lane) => lane.cutIfLate(nowMs), { discard: true })),
      Effect.delay(watchIntervalMs),
      Effect.forever,
      Effect.forkScoped
    )
    yield* elapsedMillis.pipe(
      Effect.flatMap((nowMs) => closeOlderThan(nowMs - idleMaxMs)),
      Effect.delay(idleMaxMs / 10),
      Effect.forever,
      Effect.forkScoped
    )
    yield* Effect.addFinalizer(() =>
      Effect.gen(function*() {
        closed = true
        // Nobody should be at work any more. Who still is has passed every deadline: cut, not awaited.
        yield* Effect.forEach(used, (lane) => lane.destroy)
        yield* closeOlderThan(Number.POSITIVE_INFINITY)
      })
    )
    return { use: (body) => slots.withPermits(1)(Effect.acquireUseRelease(take, body, giveBack)) }
  })

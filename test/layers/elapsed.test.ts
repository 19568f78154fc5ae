import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, TestClock } from "effect"
import { vi } from "vitest"
import { elapsedMillis } from "../../src/layers/elapsed.js"
import { makeRun } from "../../src/layers/mysql/Lane.js"
import * as LanePool from "../../src/layers/mysql/LanePool.js"
import { makeSingleFlight } from "../../src/layers/registry/singleFlight.js"

const dayMs = 24 * 3600 * 1000

it.live("goes on evenly on the real clock while the wall clock is set back by a day", () =>
  Effect.gen(function*() {
    vi.useFakeTimers({ toFake: ["Date"] })
    const [fromMs, wallMs] = [yield* elapsedMillis, yield* Clock.currentTimeMillis]
    vi.setSystemTime(new Date().getTime() - dayMs)
    yield* Effect.sleep("2 millis")
    const [tookMs, jumpMs] = [(yield* elapsedMillis) - fromMs, (yield* Clock.currentTimeMillis) - wallMs]
    assert.isAtLeast(tookMs, 1)
    assert.isBelow(tookMs, dayMs / 2)
    assert.isBelow(jumpMs, -dayMs / 2)
  }).pipe(Effect.ensuring(Effect.sync(() => vi.useRealTimers()))))

/** The test's clock, whose wall clock can be set back. */
const settable = Effect.gen(function*() {
  const clock = yield* Effect.clock
  const wall = { offMs: 0 }
  const ownMs = () => clock.unsafeCurrentTimeMillis() + wall.offMs
  const own: Clock.Clock = Object.assign(Object.create(clock), {
    unsafeCurrentTimeMillis: ownMs,
    currentTimeMillis: Effect.sync(ownMs),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos()
  })
  return { wall, own }
})

it.scoped("a statement that is never answered is cut at its deadline although the wall clock was set back", () =>
  Effect.gen(function*() {
    const { own, wall } = yield* settable
    let cuts = 0
    const cut = Effect.sync(() => {
      cuts++
    })
    const connection = { executeUnprepared: () => Effect.never }
    const lane = {
      ...makeRun(connection, { statementTimeoutMs: 1000 }, cut),
      isOpen: () => true,
      destroy: cut,
      close: Effect.void
    }
    const pool = yield* Effect.withClock(LanePool.make(Effect.succeed(lane), 1), own)
    const waiting = yield* Effect.fork(Effect.withClock(pool.use(({ run }) => run("COMMIT")), own))
    yield* TestClock.adjust("500 millis")
    wall.offMs = -dayMs
    yield* TestClock.adjust("1 second")
    assert.isAtLeast(cuts, 1)
    yield* Fiber.interrupt(waiting)
  }))

it.scoped("a failure is forgotten in time although the wall clock was set back", () =>
  Effect.gen(function*() {
    const { own, wall } = yield* settable
    let lookups = 0
    const lookup = () => Effect.suspend(() => Effect.fail(`failure ${++lookups}`))
    const ask = yield* Effect.withClock(makeSingleFlight(lookup, { remembered: () => 1000, weigh: () => 1 }), own)
    assert.strictEqual(yield* Effect.flip(ask("k")), "failure 1")
    wall.offMs = -dayMs
    assert.strictEqual(yield* Effect.flip(ask("k")), "failure 1")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* Effect.flip(ask("k")), "failure 2")
  }))

import { assert, it } from "@effect/vitest"
import { Array, Effect, Exit, Fiber, Scope, TestClock } from "effect"
import type { Lane } from "../../../src/layers/mysql/Lane.js"
import * as LanePool from "../../../src/layers/mysql/LanePool.js"
import { lost } from "../../../src/layers/mysql/MysqlFailure.js"

/** Lanes that only know whether they are open, numbered in the order in which they were opened. */
const fakes = () => {
  const lanes: Array<Lane & { readonly number: number }> = []
  const events: Array<string> = []
  const open = Effect.sync(() => {
    const number = lanes.length
    let isOpen = true
    const end = (how: string) =>
      Effect.sync(() => {
        if (isOpen) events.push(`${how} ${number}`)
        isOpen = false
      })
    const lane = {
      number,
      run: () => Effect.succeed([]),
      cutIfLate: () => Effect.void,
      isOpen: () => isOpen,
      destroy: end("cut"),
      close: end("closed")
    }
    lanes.push(lane)
    return lane
  })
  return { lanes, events, open }
}

it.scoped("opens no more lanes than its size, and uses them again", () =>
  Effect.gen(function*() {
    const { events, lanes, open } = fakes()
    const pool = yield* LanePool.make(open, 3)
    let busy = 0
    let most = 0
    const body = () =>
      Effect.gen(function*() {
        busy += 1
        most = Math.max(most, busy)
        yield* Effect.sleep("10 millis")
        busy -= 1
      })
    const all = yield* Effect.fork(Effect.all(Array.replicate(pool.use(body), 20), { concurrency: "unbounded" }))
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(all)
    assert.strictEqual(most, 3)
    assert.lengthOf(lanes, 3)
    assert.deepStrictEqual(events, [])
  }))

it.scoped("closes what was idle for 30 seconds, and not what is used meanwhile", () =>
  Effect.gen(function*() {
    const { events, lanes, open } = fakes()
    const pool = yield* LanePool.make(open, 2)
    const both = yield* Effect.fork(
      Effect.all(Array.replicate(pool.use(() => Effect.sleep("1 second")), 2), { concurrency: "unbounded" })
    )
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(both)
    for (let second = 0; second < 60; second += 5) {
      yield* pool.use(() => Effect.void)
      yield* TestClock.adjust("5 seconds")
    }
    assert.lengthOf(lanes, 2)
    assert.lengthOf(events, 1)
    yield* TestClock.adjust("1 minute")
    assert.lengthOf(events, 2)
  }))

it.scoped("cuts a lane whose body was interrupted or died, keeps one whose body failed, drops one that is closed", () =>
  Effect.gen(function*() {
    const { events, lanes, open } = fakes()
    const pool = yield* LanePool.make(open, 1)
    yield* Effect.exit(pool.use(() => Effect.fail("typed")))
    yield* pool.use((lane) => Effect.sync(() => assert.strictEqual(lane, lanes[0])))
    yield* Effect.exit(pool.use(() => Effect.die("bug")))
    const waiting = yield* Effect.fork(pool.use(() => Effect.never))
    yield* Effect.yieldNow()
    yield* Fiber.interrupt(waiting)
    assert.deepStrictEqual(events, ["cut 0", "cut 1"])
    yield* pool.use((lane) => lane.destroy)
    yield* pool.use((lane) => Effect.sync(() => assert.strictEqual(lane, lanes[3])))
  }))

it.scoped("a lane that cannot be opened fails its asker alone and frees the slot", () =>
  Effect.gen(function*() {
    const { open } = fakes()
    let down = true
    const pool = yield* LanePool.make(Effect.suspend(() => down ? Effect.fail(lost("down")) : open), 1)
    const waiting = yield* Effect.fork(Effect.all(
      Array.replicate(Effect.exit(pool.use(() => Effect.void)), 5),
      { concurrency: "unbounded" }
    ))
    assert.deepStrictEqual((yield* Fiber.join(waiting)).map(Exit.isFailure), Array.replicate(true, 5))
    down = false
    yield* pool.use(() => Effect.void)
  }))

it.effect("at its end closes idle lanes and cuts those at work", () =>
  Effect.gen(function*() {
    const { events, open } = fakes()
    const scope = yield* Scope.make()
    const pool = yield* LanePool.make(open, 2).pipe(Scope.extend(scope))
    const working = yield* Effect.fork(pool.use(() => Effect.never))
    yield* Effect.yieldNow()
    yield* pool.use(() => Effect.void)
    yield* Scope.close(scope, Exit.void)
    assert.deepStrictEqual(events.toSorted(), ["closed 1", "cut 0"])
    yield* Fiber.interrupt(working)
    assert.lengthOf(events, 2)
  }))

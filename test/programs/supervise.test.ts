import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { drain, drainable } from "../../src/programs/supervise.js"

it("a drain that does not end is given up at its deadline, after it has told how far it has come", () =>
  simulate(Effect.gen(function*() {
    let told = false
    const report = Effect.sync(() => void (told = true))
    const stuck = yield* Effect.forkDaemon(Effect.uninterruptible(Effect.sleep("1 hour")))
    const clock = yield* Effect.clock
    const draining = yield* Effect.forkDaemon(Effect.uninterruptible(drain({ shutdownTimeoutMs: 5000 }, stuck, report)))
    yield* Effect.sleep("6 seconds")
    const exit = draining.unsafePoll()
    assert.isTrue(exit !== null && Exit.isFailure(exit), `at ${yield* clock.currentTimeMillis} ms`)
    assert.isTrue(told)
    yield* Fiber.await(draining)
  })))

it("what comes before the job is given up at the same deadline, also where it cannot be interrupted", () =>
  simulate(Effect.gen(function*() {
    const clock = yield* Effect.clock
    const connecting = Effect.uninterruptible(Effect.sleep("1 hour"))
    const starting = yield* Effect.forkDaemon(drainable({ shutdownTimeoutMs: 5000 })(connecting))
    yield* Effect.sleep("1 second")
    const exit = yield* Fiber.interrupt(starting)
    assert.isTrue(Exit.isFailure(exit))
    assert.strictEqual(yield* clock.currentTimeMillis, 6000)
  })))

it("what comes before the job answers, and what it fails with is told", () =>
  simulate(Effect.gen(function*() {
    const before = drainable({ shutdownTimeoutMs: 5000 })
    assert.strictEqual(yield* before(Effect.delay(Effect.succeed(7), "1 second")), 7)
    assert.strictEqual(yield* Effect.flip(before(Effect.fail("no table"))), "no table")
  })))

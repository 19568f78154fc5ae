import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { drain } from "../../src/programs/supervise.js"

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

import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, TestClock } from "effect"
import { beforeJoining } from "../../../src/layers/kafka/revoking.js"

const options = { sessionTimeoutMs: 6000, heartbeatIntervalMs: 1000 }

it.effect("a member waits for the end of what it does at a revocation before it joins again", () =>
  Effect.gen(function*() {
    const gate = yield* Deferred.make<void>()
    const joining = yield* Effect.fork(beforeJoining(options, Deferred.await(gate)))
    yield* TestClock.adjust(4999)
    assert.isNull(joining.unsafePoll())
    yield* Deferred.succeed(gate, undefined)
    yield* Fiber.join(joining)
  }))

it.effect("what does not end holds the group no longer than a session, whether it can be interrupted or not", () =>
  Effect.gen(function*() {
    for (const never of [Effect.never, Effect.uninterruptible(Effect.never)]) {
      const joining = yield* Effect.fork(beforeJoining(options, never))
      yield* TestClock.adjust(5000)
      yield* Fiber.join(joining)
    }
  }))

it.effect("a defect in it is told", () =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(beforeJoining(options, Effect.die("a bug")))
    assert.deepStrictEqual(exit, Exit.die("a bug"))
  }))

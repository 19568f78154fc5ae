import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Runtime } from "effect"
import { makeFifoScheduler } from "../../src/layers/memory/TaskScheduler.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { drain, drainable, drainedAfter } from "../../src/programs/supervise.js"

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

/** What is left of a job whose interruption comes after this many operations, where a fiber gives up its turn. */
const interruptedAfter = (operations: number) => {
  const turn = { left: operations }
  const scheduler = { ...makeFifoScheduler(), shouldYield: () => turn.left-- === 0 ? 0 : false } as const
  const job = { begun: false, isRunning: false }
  const running = Effect.acquireUseRelease(
    Effect.sync(() => Object.assign(job, { begun: true, isRunning: true })),
    () => Effect.never,
    () => Effect.sync(() => void (job.isRunning = false))
  )
  const fiber = Runtime.runFork(Runtime.defaultRuntime)(
    drainedAfter({ shutdownTimeoutMs: 5000 }, running, (ended) => ended, Effect.void),
    { scheduler }
  )
  while (turn.left >= 0 && scheduler.step());
  fiber.unsafeInterruptAsFork(fiber.id())
  for (let steps = 0; steps < 1000 && scheduler.step(); steps++);
  return { ...job, hasEnded: fiber.unsafePoll() !== null }
}

it("an interruption leaves no job behind, whatever the operation after which it comes", () => {
  const left = Array.from({ length: 200 }, (_, operations) => interruptedAfter(operations))
  assert.deepStrictEqual([...new Set(left.map(({ begun }) => begun))], [false, true])
  assert.deepStrictEqual(left.filter(({ hasEnded, isRunning }) => isRunning || !hasEnded), [])
})

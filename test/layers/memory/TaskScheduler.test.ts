import { assert, describe, it } from "@effect/vitest"
import { Array, Cause, Deferred, Effect, Exit, Fiber, FiberSet, Random } from "effect"
import { simulate } from "../../../src/layers/memory/virtualTime.js"

const pause = Effect.flatMap(Random.nextIntBetween(0, 4), (ms) => ms === 0 ? Effect.yieldNow() : Effect.sleep(ms))

/** Some work that begins others, waits for them, and is cut short at any time. */
const work = (depth: number): Effect.Effect<number> =>
  Effect.gen(function*() {
    const kind = depth === 0 ? 0 : yield* Random.nextIntBetween(0, 8)
    const next = Effect.suspend(() => work(depth - 1))
    switch (kind) {
      case 1:
        return (yield* Effect.forEach([1, 2, 3], () => next, { concurrency: "unbounded" })).length
      case 2:
        return (yield* Effect.forEach([1, 2, 3, 4], () => next, { concurrency: 2 })).length
      case 3:
        return yield* Effect.raceFirst(next, next)
      case 4:
        return yield* Effect.map(Effect.timeoutOption(next, 2), () => 1)
      case 5: {
        const fiber = yield* Effect.fork(next)
        yield* pause
        return Exit.isSuccess(yield* Fiber.interrupt(fiber)) ? 1 : 0
      }
      case 6:
        return yield* Effect.scoped(Effect.gen(function*() {
          const set = yield* FiberSet.make()
          yield* FiberSet.run(set, next)
          yield* FiberSet.run(set, next)
          yield* pause
          return 1
        }))
      case 7: {
        const told = yield* Deferred.make<number>()
        yield* Effect.forkDaemon(Effect.flatMap(next, (value) => Deferred.succeed(told, value)))
        return yield* Deferred.await(told)
      }
      default:
        return yield* Effect.as(pause, 1)
    }
  })

/** Everything is interrupted at some time, and must come to its end. */
const soup = Effect.gen(function*() {
  const fibers = yield* Effect.forEach(Array.range(1, 4), () => Effect.fork(work(3)))
  yield* pause
  const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.interrupt(fiber), { concurrency: "unbounded" })
  return exits.filter((exit) => Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)).length
})

describe("a scheduler that picks", () => {
  it("lets whatever Effect runs at once come to its end when it is interrupted, whenever that is", () => {
    for (const seed of Array.range(1, 150)) assert.strictEqual(simulate(soup, seed), 0, `seed ${seed}`)
  })

  it("does not let fibers that were forked in an order run in it always", () => {
    const orders = Array.range(1, 50).map((seed) =>
      simulate(
        Effect.gen(function*() {
          const order: Array<number> = []
          const fibers = yield* Effect.forEach([1, 2, 3], (name) => Effect.fork(Effect.sync(() => order.push(name))))
          yield* Fiber.joinAll(fibers)
          return order.join()
        }),
        seed
      )
    )
    assert.strictEqual(new Set(orders).size, 6, "each of the six occurs")
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Array, Clock, Effect, FastCheck as fc, Fiber, Random } from "effect"
import { Sleepers } from "../../../src/layers/memory/Sleepers.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"

describe("sleepers", () => {
  it.prop(
    "wake by time, equal times in the order of arrival, and not when cancelled",
    [fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { maxLength: 400 })],
    ([wanted]) => {
      const sleepers = new Sleepers()
      const cancels = wanted.map(([atMs]) => sleepers.add(atMs, () => {}))
      for (const [index, [, cancelled]] of wanted.entries()) {
        if (cancelled) assert.isTrue(cancels[index]?.())
      }
      const expected = wanted.filter(([, cancelled]) => !cancelled).map(([atMs]) => atMs).toSorted((a, b) => a - b)
      assert.deepStrictEqual(expected.map(() => sleepers.takeNext()?.atMs), expected)
      assert.isUndefined(sleepers.takeNext())
      assert.isTrue(cancels.every((cancel) => !cancel()), "who has woken or was cancelled cannot be cancelled")
    }
  )
})

/** Three fibers that draw random numbers: who drew what, in order. */
const trace = (seed: number) =>
  simulate(
    Effect.gen(function*() {
      const turns: Array<string> = []
      const worker = (name: string) =>
        Effect.repeatN(
          Effect.flatMap(Random.nextIntBetween(0, 9), (n) => Effect.sync(() => turns.push(`${name}${n}`))),
          300
        )
      const fibers = yield* Effect.forEach(["a", "b", "c"], (name) => Effect.fork(worker(name)))
      yield* Fiber.joinAll(fibers)
      return turns.join()
    }),
    seed
  )

describe("virtual time", () => {
  it("passes without waiting, and equal times keep the order of arrival", () => {
    const woken = simulate(Effect.gen(function*() {
      const order: Array<number> = []
      yield* Effect.forEach(
        Array.range(1, 500),
        (name) => Effect.delay(Effect.sync(() => order.push(name)), name % 2 === 0 ? "24 hours" : "365 days"),
        { concurrency: "unbounded", discard: true }
      )
      return { order, at: yield* Clock.currentTimeMillis }
    }))
    const [even, odd] = [woken.order.slice(0, 250), woken.order.slice(250)]
    assert.deepStrictEqual(even, Array.range(1, 250).map((half) => half * 2))
    assert.deepStrictEqual(odd, Array.range(1, 250).map((half) => half * 2 - 1))
    assert.strictEqual(woken.at, 365 * 24 * 3_600_000)
  })

  it("says so when nobody can ever run again, and when there is no end", () => {
    assert.throws(() => simulate(Effect.never), /deadlock/)
    assert.throws(() => simulate(Effect.forever(Effect.sleep("1 second")), 1, { stepsMax: 1000 }), /no end after 1000/)
  })

  it("the seed chooses the interleaving, and the same one always the same", () => {
    assert.strictEqual(trace(1), trace(1))
    assert.notStrictEqual(trace(1), trace(2))
  })
})

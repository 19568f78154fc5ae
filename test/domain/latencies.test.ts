import { assert, describe, it } from "@effect/vitest"
import { Latencies } from "../../src/domain/latencies.js"
import { makeRandom } from "../../src/domain/random.js"

const of = (times: Iterable<number>): Latencies => {
  const latencies = new Latencies()
  for (const ms of times) latencies.add(ms)
  return latencies
}

describe("latencies", () => {
  it("of nothing are zero", () => {
    const none = of([])
    assert.deepStrictEqual([none.count, none.averageMs(), none.maxMs, none.percentileMs(50)], [0, 0, 0, 0])
  })

  it("up to a second are exact", () => {
    const latencies = of(Array.from({ length: 1000 }, (_, index) => index + 1))
    assert.deepStrictEqual([1, 50, 95, 99, 100].map((percent) => latencies.percentileMs(percent)), [
      10,
      500,
      950,
      990,
      1000
    ])
    assert.deepStrictEqual([latencies.count, latencies.averageMs(), latencies.maxMs], [1000, 500.5, 1000])
  })

  it("a percentile is a time that was there, not one between two", () => {
    const two = of([10, 20])
    assert.deepStrictEqual([1, 50, 51, 100].map((percent) => two.percentileMs(percent)), [10, 10, 20, 20])
    assert.strictEqual(of([7]).percentileMs(0), 7)
  })

  for (let seed = 1; seed <= 20; seed++) {
    it(`above a second a percentile is at most 1.1 % too low, and never too high (seed ${seed})`, () => {
      const random = makeRandom(seed)
      const times = Array.from({ length: 500 }, () => Math.floor(2 ** (random.fraction() * 31)))
      const sorted = times.toSorted((a, b) => a - b)
      const latencies = of(times)
      for (const percent of [1, 10, 50, 90, 95, 99, 99.9, 100]) {
        const exact = sorted[Math.ceil(times.length * percent / 100) - 1] ?? 0
        const told = latencies.percentileMs(percent)
        assert.isTrue(told <= exact && told >= exact * 0.989 - 1, `${percent} %: ${told} for ${exact}`)
      }
      assert.strictEqual(latencies.maxMs, sorted.at(-1))
    })
  }

  it("what the clock makes negative counts as nothing, and what is endless as the longest", () => {
    const odd = of([-5, 0.9, 2 ** 40])
    assert.deepStrictEqual([odd.percentileMs(50), odd.maxMs], [0, 2 ** 40])
    assert.isTrue(odd.percentileMs(100) > 2 ** 31 && odd.percentileMs(100) < 2 ** 32)
  })
})

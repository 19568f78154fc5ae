import { assert, describe, it } from "@effect/vitest"
import { picture } from "../../proof/soak/picture.js"
import { notFlat, type Series, slope, trendOf } from "../../proof/soak/trend.js"

const series = (value: (nth: number) => number): Series => ({
  name: "heap & more",
  unit: "MiB",
  points: Array.from({ length: 100 }, (_, nth) => [nth * 10, value(nth)] as const),
  tolerance: { share: 0.05, amount: 1 }
})

describe("the trends of npm run soak", () => {
  it("what wavers is flat, what leaks a little is not", () => {
    assert.deepStrictEqual(notFlat(trendOf(series((nth) => 40 + Math.sin(nth)))), [])
    assert.lengthOf(notFlat(trendOf(series((nth) => 40 + Math.sin(nth) + nth * 0.06))), 1)
  })
  it("what grows only while it warms up is flat, what falls too", () => {
    assert.isTrue(trendOf(series((nth) => Math.min(nth, 40))).flat)
    assert.isTrue(trendOf(series((nth) => 100 - nth)).flat)
  })
  it("too few samples prove nothing", () => {
    const few = { ...series(() => 1), points: [[0, 1], [1, 1], [2, 1]] as const }
    assert.match(notFlat(trendOf(few)).join(), /2 samples in the second half prove nothing/)
  })
  it("what has two states is flat, of whichever there were more at the end; with a leak below them it is not", () => {
    // The fibers of an hour, a sample each 80 s.
    const seen = [55, 55, 55, 55, 55, 43, 43, 45, 43, 43, 55, 55, 49, 43, 55, 55, 57, 57, 45, 57, 57, 51, 57]
    const states = (nth: number) => seen[nth % seen.length] ?? 0
    const tolerance = { share: 0.05, amount: 4 }
    const of = (leak: number) => ({
      ...series(states),
      tolerance,
      points: Array.from({ length: 46 }, (_, nth) => [nth * 80, states(nth) + leak * nth] as const)
    })
    assert.isTrue(trendOf(of(0)).flat)
    assert.isFalse(trendOf(of(0.5)).flat)
  })
  it("the slope is the median of those between each two points", () => {
    assert.closeTo(slope([[0, 1], [1, 3], [2, 5]]), 2, 1e-9)
    assert.closeTo(slope([[0, 1], [1, 2], [2, 3], [3, 400], [4, 5]]), 1, 1e-9)
    assert.strictEqual(slope([[1, 1], [1, 3]]), 0)
  })
  it("the picture has a line for each measure, with its name in XML", () => {
    const one = series((nth) => nth)
    const drawn = picture("a run", [{ series: one, trend: trendOf(one) }])
    assert.strictEqual(drawn.match(/<polyline/g)?.length, 1)
    assert.include(drawn, "heap &amp; more")
  })
})

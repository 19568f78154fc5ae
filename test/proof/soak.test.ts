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
  it("the slope is that of the least squares", () => {
    assert.closeTo(slope([[0, 1], [1, 3], [2, 5]]), 2, 1e-9)
    assert.strictEqual(slope([[1, 1], [1, 3]]), 0)
  })
  it("the picture has a line for each measure, with its name in XML", () => {
    const one = series((nth) => nth)
    const drawn = picture("a run", [{ series: one, trend: trendOf(one) }])
    assert.strictEqual(drawn.match(/<polyline/g)?.length, 1)
    assert.include(drawn, "heap &amp; more")
  })
})

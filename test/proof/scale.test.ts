import { assert, describe, it } from "@effect/vitest"
import { ratePerSecond, unevenly } from "../../proof/scale/spread.js"

const places = ["t-0", "t-1", "t-2", "t-3"]

const looks = (...all: ReadonlyArray<readonly [number, number, boolean]>) =>
  all.map(([atMs, records, isShared]) => ({ atMs, records, isShared }))

describe("npm run scale", () => {
  it("finds partitions that are held twice, by nobody, or by too few", () => {
    assert.deepStrictEqual(unevenly([["t-0", "t-2"], ["t-1", "t-3"]], places), [])
    assert.deepStrictEqual(unevenly([["t-0", "t-2"], ["t-1"], ["t-3"]], places), [])
    assert.match(unevenly([["t-0", "t-1"], ["t-1", "t-2", "t-3"]], places).join(), /held twice/)
    assert.match(unevenly([["t-0", "t-1"], ["t-2"]], places).join(), /held by nobody/)
    assert.match(unevenly([["t-0", "t-1", "t-2"], ["t-3"]], places).join(), /not evenly/)
  })

  it("counts the rate while the backlog lasts, without the joining before and the rest behind", () => {
    const seen = looks([0, 0, false], [5000, 0, true], [5100, 100, true], [5900, 900, true], [9000, 1000, true])
    assert.strictEqual(ratePerSecond(seen, 1000), 1000)
  })

  it("counts only what is done while all share it, and says nothing where that is little", () => {
    const early = looks([0, 300, false], [100, 400, true], [1100, 900, true])
    assert.strictEqual(ratePerSecond(early, 1000), 500)
    const late = looks([0, 300, false], [100, 700, true], [1100, 900, true])
    assert.isUndefined(ratePerSecond(late, 1000))
    assert.isUndefined(ratePerSecond(looks([0, 300, false], [100, 1000, false]), 1000))
  })
})

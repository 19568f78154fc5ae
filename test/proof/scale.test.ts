import { assert, describe, it } from "@effect/vitest"
import { ratePerSecond, unevenly } from "../../proof/scale/spread.js"

const places = ["t-0", "t-1", "t-2", "t-3"]

describe("npm run scale", () => {
  it("finds partitions that are held twice, by nobody, or by too few", () => {
    assert.deepStrictEqual(unevenly([["t-0", "t-2"], ["t-1", "t-3"]], places), [])
    assert.deepStrictEqual(unevenly([["t-0", "t-2"], ["t-1"], ["t-3"]], places), [])
    assert.match(unevenly([["t-0", "t-1"], ["t-1", "t-2", "t-3"]], places).join(), /held twice/)
    assert.match(unevenly([["t-0", "t-1"], ["t-2"]], places).join(), /held by nobody/)
    assert.match(unevenly([["t-0", "t-1", "t-2"], ["t-3"]], places).join(), /not evenly/)
  })

  it("counts the rate while the backlog lasts, without the joining before and the rest behind", () => {
    const seen = [[0, 0], [5000, 0], [5100, 100], [5900, 900], [9000, 1000]] as const
    assert.strictEqual(ratePerSecond(seen, 1000), 1000)
    assert.strictEqual(ratePerSecond([[0, 1000]], 1000), 0)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { broken, heartbeatMs, onIdleMachine, promises, sessionMs, verdictOf } from "../../proof/recovery/promises.js"
import { quantile } from "../../proof/support/yardstick.js"
import { longestGapMs, moveTimes, type Seen } from "../../proof/support/watch.js"
import { keys } from "../../src/domain/config/keys.js"

const seen = (place: string, atMs: number, offset: bigint): Seen => ({ place, atMs, offset, generation: 1n })
const promised = { what: "it comes back", p95Ms: 1000, waitMs: 500 }

/** Of a hundred, so many that are late. */
const trials = (late: number) => Array.from({ length: 100 }, (_, nth) => ({ ms: nth < late ? 5000 : 100, slow: 1 }))

describe("the times of npm run recovery", () => {
  it("a machine that is busy makes the work longer, not the waiting", () => {
    assert.strictEqual(onIdleMachine(promised, { ms: 400, slow: 8 }), 400)
    assert.strictEqual(onIdleMachine(promised, { ms: 1300, slow: 4 }), 700)
    assert.strictEqual(onIdleMachine(promised, { ms: 1300, slow: 1 }), 1300)
  })

  it("a promise is kept by 95 of 100, and broken by none at all", () => {
    assert.deepStrictEqual(broken(verdictOf(promised, trials(5))), [])
    assert.lengthOf(broken(verdictOf(promised, trials(6))), 1)
    assert.lengthOf(broken(verdictOf(promised, [])), 1)
  })

  it("quantiles are by nearest rank", () => {
    const values = Array.from({ length: 30 }, (_, nth) => 30 - nth)
    assert.deepStrictEqual([0.5, 0.95, 1].map((share) => quantile(values, share)), [15, 29, 30])
  })

  it("a pause is the longest time without a move, to both ends too; an acquisition is no move", () => {
    const changes = [seen("a", 10, 1n), seen("b", 15, 1n), seen("a", 20, 2n), seen("a", 400, 2n), seen("a", 500, 3n)]
    assert.deepStrictEqual(moveTimes(changes, "a"), [10, 20, 500])
    assert.strictEqual(longestGapMs(moveTimes(changes, "a"), 0, 600), 480)
    assert.strictEqual(longestGapMs(moveTimes(changes, "b"), 0, 600), 585)
    assert.strictEqual(longestGapMs([], 0, 600), 600)
  })

  it("the waits that the promises allow for are those of the program's defaults", () => {
    assert.strictEqual(keys.sessionTimeoutMs.fallback, String(sessionMs))
    assert.strictEqual(keys.heartbeatIntervalMs.fallback, String(heartbeatMs))
    assert.strictEqual(keys.retryBackoffMaxMs.fallback, String(promises["all-after-outage"].waitMs))
    assert.isAtMost(2 * heartbeatMs, promises["hand-over"].p95Ms)
  })
})

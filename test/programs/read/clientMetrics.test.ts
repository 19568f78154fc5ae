import { assert, describe, it } from "@effect/vitest"
import { makeClientMetrics } from "../../../src/programs/read/clientMetrics.js"
import { MemberEvent } from "../../../src/programs/read/memberEvent.js"

const range = (partition: number, end: bigint) => ({ partition, low: 0n, lastStable: end - 1n, end })

describe("what the client measures", () => {
  it("has Java's names; averages of nothing are NaN", () => {
    const metrics = makeClientMetrics({ topic: "orders", isolation: "read_uncommitted" }, 0)
    assert.deepStrictEqual(metrics.lines(1000, [range(0, 5n)]), [
      "records-lag-max is NaN",
      "fetch-size-avg is NaN",
      "fetch-rate is 0",
      "records-consumed-rate is 0",
      "commit-latency-avg is NaN",
      "rebalance-total is 0",
      "rebalance-latency-avg is NaN"
    ])
  })

  it("knows lags from positions and ends, and rates since it was last asked", () => {
    const metrics = makeClientMetrics({ topic: "orders", isolation: "read_uncommitted" }, 0)
    metrics.happened(MemberEvent.Assigned({
      generation: 1,
      positions: [{ partition: 0, offset: 0n }, { partition: 1, offset: 7n }],
      tookMs: 30
    }))
    metrics.measures.fetched(100, 4)
    metrics.measures.fetched(200, 4)
    metrics.measures.polled(0, 4n, 4)
    metrics.happened(MemberEvent.Committed({ offsets: [], tookMs: 5 }))
    assert.deepStrictEqual(metrics.lines(2000, [range(0, 10n), range(1, 5n)]), [
      "records-lag-max is 6",
      "orders-0.records-lag is 6",
      "orders-1.records-lag is 0", // the end that was asked for is older than the position
      "fetch-size-avg is 150",
      "fetch-rate is 1",
      "records-consumed-rate is 2",
      "commit-latency-avg is 5",
      "rebalance-total is 1",
      "rebalance-latency-avg is 30"
    ])
    metrics.happened(MemberEvent.Revoked({ partitions: [0, 1], tookMs: 1 }))
    assert.include(metrics.lines(4000, [range(0, 10n)]), "records-consumed-rate is 0")
  })

  it("counts the lag of a read_committed reader to the last stable offset", () => {
    const metrics = makeClientMetrics({ topic: "orders", isolation: "read_committed" }, 0)
    metrics.measures.polled(0, 4n, 4)
    assert.include(metrics.lines(1000, [range(0, 10n)]), "orders-0.records-lag is 5")
  })
})

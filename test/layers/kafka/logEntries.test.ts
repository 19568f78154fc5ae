import { assert, describe, it } from "@effect/vitest"
import { afterNothing } from "../../../src/layers/kafka/logEntries.js"

// What a batch shows is tested against a real broker in test/integration/verify.test.ts.
describe("where nothing was read, it goes on", () => {
  const range = { partition: 0, low: 10n, lastStable: 20n, end: 25n }
  it.each<[string, bigint, bigint | "end" | "wait"]>([
    ["at the low watermark, which has passed by", 4n, 10n],
    ["not at all at the last stable offset", 20n, "end"],
    ["not at all beyond the end", 30n, "end"],
    ["later, where the leader does not show yet what it holds", 10n, "wait"],
    ["later, just before the last stable offset", 19n, "wait"]
  ])("%s", (_, offset, expected) => {
    assert.strictEqual(afterNothing(offset, range), expected)
  })
})

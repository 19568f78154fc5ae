import { assert, describe, it } from "@effect/vitest"
import { encodeBatch } from "../../../src/domain/batchRecords.js"
import { batchCodecs } from "../../../src/layers/kafka/codecs.js"
import { limitsOf } from "../../../src/layers/kafka/fetchResponse.js"
import { afterNothing, entriesOf } from "../../../src/layers/kafka/logEntries.js"

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

it("a batch that becomes too large is read where the consumer may fetch more", async () => {
  const value = new Uint8Array(65 * 1024 * 1024)
  const recordSet = encodeBatch([{ offset: 5n, timestampMs: 0, key: null, value, headers: [] }], batchCodecs.get(1))
  const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet }
  const read = (mebibytes: number) => entriesOf(answer, 5n, 6n, limitsOf(mebibytes * 1024 * 1024))
  assert.match((await read(1)).unreadable ?? "", /t-0 at offset 5: gzip: it would become more than 67108864 bytes/)
  assert.deepStrictEqual(await read(2), { entries: [{ offset: 5n, kind: "record" }], next: 6n, unreadable: undefined })
})

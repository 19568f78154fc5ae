import { assert, it } from "@effect/vitest"
import { Array, FastCheck } from "effect"
import type { FetchedBatch, KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { bytesOf, joinSlices, sliceOf, splitSlice } from "../../src/domain/slices.js"

const record = (offset: bigint): KafkaRecord => ({
  offset,
  timestampMs: 0,
  key: null,
  value: new Uint8Array(3),
  headers: [["h", new Uint8Array(1)]]
})

/** A fetch whose records have gaps before, between and behind them. */
const batches = FastCheck.array(FastCheck.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 40 }).map(
  (gaps): FetchedBatch => {
    let offset = 100n
    const records = gaps.map((gap) => record(offset += BigInt(gap)))
    return {
      topic: "t",
      partition: 0,
      generation: 1,
      fetchedOffset: 100n,
      nextOffset: offset + 3n,
      records,
      bytes: bytesOf(records)
    }
  }
)

const cut = (batch: FetchedBatch, size: number) =>
  Array.makeBy(
    Math.max(1, Math.ceil(batch.records.length / size)),
    (index) => sliceOf(batch, index * size, (index + 1) * size)
  )

it.prop("slices of a batch form a chain from what was asked for to where the fetch ended", [
  batches,
  FastCheck.integer({ min: 1, max: 10 })
], ([batch, size]) => {
  const slices = cut(batch, size)
  assert.strictEqual(slices[0]?.expected, batch.fetchedOffset)
  assert.strictEqual(slices.at(-1)?.next, batch.nextOffset)
  for (let i = 1; i < slices.length; i++) assert.strictEqual(slices[i]?.expected, slices[i - 1]?.next)
  const [first, ...rest] = slices
  if (first === undefined) return assert.fail("no slice")
  assert.deepStrictEqual(joinSlices(first, rest), sliceOf(batch, 0, batch.records.length))
})

it.prop("the two parts of a slice are the slice again, whatever the cut", [
  batches,
  FastCheck.integer({ min: 1, max: 50 })
], ([
  batch,
  count
]) => {
  const slice = sliceOf(batch, 0, batch.records.length)
  const [head, rest] = splitSlice(slice, count)
  assert.deepStrictEqual(joinSlices(head, rest === undefined ? [] : [rest]), slice)
  if (rest !== undefined) {
    assert.lengthOf(head.records, count)
    // What the first part stores as the offset covers its records: a process that begins there repeats none.
    assert.strictEqual(head.next, (head.records.at(-1)?.offset ?? -1n) + 1n)
    assert.strictEqual(rest.expected, head.next)
  }
})

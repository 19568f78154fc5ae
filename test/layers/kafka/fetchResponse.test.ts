import { assert, describe, it } from "@effect/vitest"
import type { AbortedTransaction } from "../../../src/domain/abortFilter.js"
import {
  decodeFetchResponse,
  type DecodeLimits,
  decodeRecordSet,
  type FetchedRecords,
  limitsOf
} from "../../../src/layers/kafka/fetchResponse.js"
import { batch, marker, record, sealed } from "../../support/recordBatches.js"

const decode = async (
  batches: ReadonlyArray<Uint8Array>,
  fetchedOffset: bigint,
  aborted: ReadonlyArray<AbortedTransaction> = []
) => {
  const fetched = await decodeRecordSet(
    { topic: "t", partition: 0, errorCode: 0, aborted, recordSet: Buffer.concat(batches) },
    fetchedOffset
  )
  return fetched === undefined
    ? undefined
    : { next: fetched.nextOffset, values: fetched.records.map(({ value }) => Buffer.from(value ?? []).toString()) }
}
/** What one fetch after the other brings, up to `end`. */
const piecesOf = async (recordSet: Uint8Array, end: bigint, limits: DecodeLimits) => {
  const pieces: Array<FetchedRecords> = []
  for (let offset = 0n; offset < end;) {
    const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet }
    const fetched = await decodeRecordSet(answer, offset, limits)
    if (fetched === undefined) throw new Error("nothing was fetched")
    assert.isTrue(fetched.nextOffset > offset)
    pieces.push(fetched)
    offset = fetched.nextOffset
  }
  return pieces
}
const more = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => record(BigInt(from + index), ""))
const transactional = (producerId: bigint) => ({ producerId, transactional: true })

describe("what kafkajs's own filter lets through", () => {
  it("two aborted transactions that interleave: the broker lists them by their ends", async () => {
    const log = [
      batch([record(0n, "a0")], transactional(1n)),
      batch([record(1n, "b1")], transactional(2n)),
      marker(2n, 2n, "abort"),
      batch([record(3n, "a3")], transactional(1n)),
      marker(4n, 1n, "abort"),
      batch([record(5n, "c5")], transactional(1n)),
      marker(6n, 1n, "commit")
    ]
    const aborted = [{ producerId: 2n, firstOffset: 1n }, { producerId: 1n, firstOffset: 0n }]
    assert.deepStrictEqual(await decode(log, 0n, aborted), { next: 7n, values: ["c5"] })
  })

  it("a fetch that begins inside two aborted transactions", async () => {
    const log = [
      batch([record(9n, "a")], transactional(1n)),
      batch([record(10n, "b")], transactional(2n)),
      marker(11n, 1n, "abort"),
      marker(12n, 2n, "abort")
    ]
    const aborted = [{ producerId: 1n, firstOffset: 3n }, { producerId: 2n, firstOffset: 4n }]
    assert.deepStrictEqual(await decode(log, 9n, aborted), { next: 13n, values: [] })
  })

  it("a data record whose key is four zero bytes, as the key of an abort marker", async () => {
    const log = [
      batch([record(0n, "x", Buffer.alloc(4))], transactional(1n)),
      batch([record(1n, "y")], transactional(1n)),
      marker(2n, 1n, "abort"),
      batch([record(3n, "z", Buffer.alloc(4))], transactional(1n)),
      marker(4n, 1n, "commit")
    ]
    assert.deepStrictEqual(await decode(log, 0n, [{ producerId: 1n, firstOffset: 0n }]), { next: 5n, values: ["z"] })
  })
})

describe("where the next fetch begins", () => {
  it("after the markers, though no record is there", async () => {
    assert.deepStrictEqual(await decode([marker(0n, 1n, "commit"), marker(1n, 1n, "commit")], 0n), {
      next: 2n,
      values: []
    })
  })

  it("after what compaction took from the end of a batch", async () => {
    const log = [batch([record(0n, "kept"), record(7n, "kept too")], { lastOffset: 999n })]
    assert.deepStrictEqual(await decode(log, 0n), { next: 1000n, values: ["kept", "kept too"] })
    assert.deepStrictEqual(await decode(log, 500n), { next: 1000n, values: [] })
  })

  it("before a batch that is cut off; nowhere if nothing came", async () => {
    const [whole, cut] = [batch([record(0n, "a")]), batch([record(1n, "b")]).subarray(0, -1)]
    assert.deepStrictEqual(await decode([whole, cut], 0n), { next: 1n, values: ["a"] })
    assert.isUndefined(await decode([], 1n))
  })

  it("before what would be more than is held of one fetch, however well it is compressed", async () => {
    const log = [0n, 1n, 2n].map((offset) => batch([record(offset, "x".repeat(100_000))], { codec: 1 }))
    const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet: Buffer.concat(log) }
    const fetched = await decodeRecordSet(answer, 0n, { batchBytesMax: 200_000, heldBytesMax: 150_000 })
    assert.deepStrictEqual([fetched?.records.length, fetched?.nextOffset], [2, 2n])
  })

  it("before records that are many, however small they are, also in the middle of a batch", async () => {
    const log = [0, 1000].map((from) => batch([record(BigInt(from), ""), ...more(from + 1, 999)], { codec: 1 }))
    const pieces = await piecesOf(Buffer.concat(log), 2000n, { batchBytesMax: 200_000, heldBytesMax: 150_000 })
    assert.deepStrictEqual(pieces.map(({ nextOffset }) => nextOffset), [586n, 1000n, 1586n, 2000n])
    const offsets = pieces.flatMap(({ records }) => records.map(({ offset }) => offset))
    assert.deepStrictEqual(offsets, Array.from({ length: 2000 }, (_, index) => BigInt(index)))
  })

  it("in the middle of a batch, of which the rest is not kept in memory", async () => {
    const long = "x".repeat(400_000)
    const recordSet = batch([record(0n, long), record(1n, "y"), record(2n, long)], { codec: 1 })
    const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet }
    const fetched = await decodeRecordSet(answer, 1n, { batchBytesMax: 1_000_000, heldBytesMax: 100 })
    assert.deepStrictEqual(fetched?.records.map(({ value }) => value?.buffer.byteLength), [1])
    assert.strictEqual(fetched?.nextOffset, 2n)
  })

  it("in the middle of a batch the records before are not given again", async () => {
    const log = [batch([record(0n, "a"), record(1n, "b"), record(2n, "c")])]
    assert.deepStrictEqual(await decode(log, 2n), { next: 3n, values: ["c"] })
  })
})

it("reads a batch of 130,000 records, on which kafkajs overflows its stack", async () => {
  const recordSet = batch([record(0n, ""), ...more(1, 129_999)], { codec: 1 })
  const pieces = await piecesOf(recordSet, 130_000n, limitsOf(1024 * 1024))
  const offsets = pieces.flatMap(({ records }) => records.map(({ offset }) => offset))
  assert.deepStrictEqual([offsets.length, offsets.at(-1)], [130_000, 129_999n])
}, 60_000)

describe("a batch that nobody can read ends what is delivered, and the reason names the place", () => {
  const good = batch([record(5n, "a")])
  const changed = (at: number, value: number) => {
    const bytes = Uint8Array.from(good)
    bytes[at] = value
    return bytes
  }
  const cases: ReadonlyArray<readonly [name: string, bytes: Uint8Array, message: RegExp]> = [
    ["a wrong checksum", changed(good.length - 1, 0xff), /t-0 at offset 5: the checksum/],
    ["an old format", changed(16, 1), /magic 1/],
    ["an unknown compression", sealed(changed(22, 5)), /at offset 5: compression 5 is not supported/],
    ["bytes that are no gzip", sealed(changed(22, 1)), /at offset 5: gzip: /],
    ["bytes that are no snappy", sealed(changed(22, 2)), /at offset 5: snappy: /],
    ["bytes that are no LZ4", sealed(changed(22, 3)), /at offset 5: lz4: /],
    ["bytes that are no zstd", sealed(changed(22, 4)), /at offset 5: zstd: /],
    ["an offset before its place, which no checksum covers", changed(7, 2), /at offset 5: .* says to hold 2 to 2/]
  ]
  it.each(cases)("%s", async (_, bytes, message) => {
    const before = batch([record(3n, "before"), record(4n, "it")])
    const answer = {
      topic: "t",
      partition: 0,
      errorCode: 0,
      aborted: [],
      recordSet: Buffer.concat([before, bytes, good])
    }
    const fetched = await decodeRecordSet(answer, 3n)
    assert.deepStrictEqual([fetched?.records.length, fetched?.nextOffset], [2, 5n], "what stands before is delivered")
    assert.match(fetched?.unreadable ?? "", message)
  })
})

describe("what would be asked for again and again is told instead", () => {
  it("a first batch that is longer than the answer: its length is wrong, for brokers send that one whole", async () => {
    const recordSet = batch([record(1n, "b")])
    new DataView(recordSet.buffer).setInt32(8, recordSet.length)
    const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet }
    assert.match((await decodeRecordSet(answer, 1n))?.unreadable ?? "", /t-0 at offset 1: the batch is longer than/)
  })

  it("batches that all stand before the offset that was asked for", async () => {
    const answer = { topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet: batch([record(1n, "b")]) }
    const fetched = await decodeRecordSet(answer, 7n)
    assert.match(fetched?.unreadable ?? "", /t-0 at offset 7: .* says to hold 1 to 1/)
    assert.deepStrictEqual([fetched?.records, fetched?.nextOffset], [[], 7n])
  })
})

it("reads the fields of a fetch answer in version 11", () => {
  const set = Buffer.from(batch([record(7n, "x")]))
  const parts = [
    [4, 30],
    [2, 0],
    [4, 0], // throttle time, error, session
    [4, 1],
    [2, 1],
    Buffer.from("t"), // one topic
    [4, 1],
    [4, 3],
    [2, 0],
    [8, 8],
    [8, 8],
    [8, 0], // one partition: 3
    [4, 1],
    [8, 42],
    [8, 6], // one aborted transaction
    [4, -1],
    [4, set.length],
    set
  ] as const
  const payload = Buffer.concat(parts.map((part) => {
    if (Buffer.isBuffer(part)) return part
    const field = Buffer.alloc(part[0])
    field.writeIntBE(part[1], Math.max(0, field.length - 6), Math.min(6, field.length))
    return field
  }))
  assert.deepStrictEqual(decodeFetchResponse(payload), {
    throttleMs: 30,
    partitions: [
      { topic: "t", partition: 3, errorCode: 0, aborted: [{ producerId: 42n, firstOffset: 6n }], recordSet: set }
    ]
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import * as fc from "fast-check"
import { gunzipSync, gzipSync } from "node:zlib"
import { type BatchCodec, decodeRecords, encodeBatch } from "../../src/domain/batchRecords.js"
import { crc32c } from "../../src/domain/crc32c.js"
import type { KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { murmur2, partitionOfKey } from "../../src/domain/murmur2.js"
import { batchHeaderBytes, readBatchHeader, setBaseOffset } from "../../src/domain/recordBatch.js"
import { VarintReader, VarintWriter } from "../../src/domain/varint.js"

const utf8 = (text: string) => new TextEncoder().encode(text)
const gzip: BatchCodec = {
  code: 1,
  compress: (bytes) => gzipSync(bytes),
  decompress: (bytes, bytesMax) =>
    Either.try({ try: () => gunzipSync(bytes, { maxOutputLength: bytesMax }), catch: (error) => String(error) })
}
const codecs = new Map([[gzip.code, gzip]])

const bytes = fc.uint8Array({ maxLength: 40 })
const nullable = fc.option(bytes, { nil: null })
const record = fc.record({
  gap: fc.integer({ min: 1, max: 1000 }),
  timestampMs: fc.integer({ min: -1, max: 8_640_000_000_000_000 }),
  key: nullable,
  value: nullable,
  headers: fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 8 }), nullable), { maxLength: 3 })
})
type NonEmpty = readonly [KafkaRecord, ...ReadonlyArray<KafkaRecord>]
const batchOf = (base: bigint, all: ReadonlyArray<Omit<KafkaRecord, "offset"> & { gap: number }>): NonEmpty => {
  let offset = base
  const records = all.map(({ gap, ...rest }): KafkaRecord => ({ offset: offset += BigInt(gap), ...rest }))
  const [first, ...others] = records
  assert(first !== undefined)
  return [first, ...others]
}
const records = fc.tuple(fc.bigInt({ min: -1n, max: 2n ** 62n }), fc.array(record, { minLength: 1, maxLength: 20 }))
  .map(([base, all]) => batchOf(base, all))

const plain = ({ headers, key, value: content, ...rest }: KafkaRecord) => ({
  ...rest,
  key: key === null ? null : [...key],
  value: content === null ? null : [...content],
  headers: headers.map(([name, value]) => [name, value === null ? null : [...value]])
})
const decode = (log: Uint8Array, at: number) =>
  Either.flatMap(readBatchHeader(log, at, 0), (header) => decodeRecords(log, at, header, codecs))

describe("record batch format 2", () => {
  it.prop("what is encoded is decoded again, wherever in the log it stands", [
    records,
    fc.boolean(),
    fc.nat({ max: 70 })
  ], ([all, compressed, at]) => {
    const batch = encodeBatch(all, compressed ? gzip : undefined)
    const log = new Uint8Array(at + batch.length + 7)
    log.set(batch, at)
    const header = Either.getOrThrow(readBatchHeader(log, at, 5000))
    assert.strictEqual(header.position, 5000 + at)
    assert.strictEqual(header.bytes, batch.length)
    assert.strictEqual(header.baseOffset, all[0].offset)
    assert.strictEqual(header.lastOffset, all.at(-1)?.offset)
    assert.deepStrictEqual([header.producerId, header.producerEpoch, header.baseSequence], [-1n, -1, -1])
    assert.deepStrictEqual(Either.getOrThrow(decode(log, at)).map(plain), all.map(plain))
  })

  it.prop("a batch that is cut anywhere is truncated, never corrupt and never read", [
    records,
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  ], ([all, where]) => {
    const batch = encodeBatch(all)
    const fault = Either.flip(readBatchHeader(batch.subarray(0, Math.floor(where * batch.length)), 0, 9))
    assert.deepInclude(Either.getOrThrow(fault), { _tag: "Truncated", position: 9 })
  })

  it.prop("no flipped bit after the base offset passes", [records, fc.nat(), fc.nat({ max: 7 })], ([all, at, bit]) => {
    const batch = encodeBatch(all)
    const index = 8 + at % (batch.length - 8)
    // The epoch of the partition's leader is the broker's to change and outside of the checksum.
    fc.pre(index < 12 || index > 15)
    batch[index] = (batch[index] ?? 0) ^ (1 << bit)
    const result = readBatchHeader(batch, 0, 0)
    assert.isTrue(Either.isLeft(result))
  })

  it.prop("bytes that are no batch never throw", [fc.uint8Array({ maxLength: 200 })], ([noise]) => {
    assert.isTrue(Either.isLeft(readBatchHeader(noise, 0, 0)))
    const asBatch = encodeBatch(batchOf(0n, [{ gap: 1, timestampMs: 0, key: noise, value: null, headers: [] }]))
    const header = Either.getOrThrow(readBatchHeader(asBatch, 0, 0))
    asBatch.set(noise.subarray(0, asBatch.length - batchHeaderBytes), batchHeaderBytes)
    const decoded = decodeRecords(asBatch, 0, header, codecs)
    if (Either.isLeft(decoded)) assert.strictEqual(decoded.left._tag, "Corrupt")
    else assert.lengthOf(decoded.right, 1)
  })

  it("moving a batch in the log keeps its checksum", () => {
    const batch = encodeBatch(batchOf(-1n, [{ gap: 1, timestampMs: 1, key: null, value: utf8("v"), headers: [] }]))
    setBaseOffset(batch, 77n)
    assert.deepStrictEqual(Either.getOrThrow(decode(batch, 0)).map((_) => _.offset), [77n])
  })

  it("old message formats and unknown codecs are named, not guessed", () => {
    const batch = encodeBatch(batchOf(0n, [{ gap: 1, timestampMs: 1, key: null, value: null, headers: [] }]), gzip)
    const fault = Either.getOrThrow(Either.flip(
      Either.flatMap(readBatchHeader(batch, 0, 0), (header) => decodeRecords(batch, 0, header, new Map()))
    ))
    assert.deepInclude(fault, { _tag: "Corrupt", reason: "compression 1 is not supported here" })
    batch[16] = 1
    assert.deepInclude(Either.getOrThrow(Either.flip(readBatchHeader(batch, 0, 0))), {
      reason: "magic 1 is not record batch format 2"
    })
  })
})

describe("varint", () => {
  it.prop(
    "every 32- and 64-bit number survives",
    [fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
    (
      [int, long]
    ) => {
      const writer = new VarintWriter()
      writer.int(int)
      writer.long(long)
      const reader = new VarintReader(writer.written, 0, writer.length)
      assert.strictEqual(reader.int(), int)
      assert.strictEqual(reader.long(), long)
      assert.strictEqual(reader.position, writer.length)
    }
  )
})

describe("hashes", () => {
  // RFC 3720, B.4 and the check value of the CRC catalogue.
  it("crc32c gives the published values", () => {
    assert.strictEqual(crc32c(utf8("123456789")), 0xe3069283)
    assert.strictEqual(crc32c(new Uint8Array(32)), 0x8a9136aa)
    assert.strictEqual(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  })

  // The vectors of org.apache.kafka.common.utils.UtilsTest.
  it("murmur2 hashes as the Java client", () => {
    const expected = [
      ["21", -973932308],
      ["foobar", -790332482],
      ["a-little-bit-long-string", -985981536],
      ["a-little-bit-longer-string", -1486304829],
      ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
      ["abc", 479470107]
    ] as const
    for (const [text, hash] of expected) assert.strictEqual(murmur2(utf8(text)), hash, text)
  })

  it.prop("a key's partition exists", [fc.uint8Array(), fc.integer({ min: 1, max: 100 })], ([key, partitions]) => {
    const partition = partitionOfKey(key, partitions)
    assert.isTrue(partition >= 0 && partition < partitions)
  })
})

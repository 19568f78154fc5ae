import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck as fc } from "effect"
import { compress as compressRaw } from "snappyjs"
import * as zlib from "node:zlib"
import { expandedBytesMax } from "../../../src/domain/batchRecords.js"
import { allSteps } from "../../../src/layers/kafka/backReference.js"
import { compressor, decompress, decompressInTurns } from "../../../src/layers/kafka/codecs.js"
import { expandFrames } from "../../../src/layers/kafka/zstd.js"

/** Text that repeats, noise, and both: what compresses well, not at all, and in parts. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.integer({ min: 0, max: 6000 })).map(([unit, times]) =>
    Buffer.concat(Array.from({ length: times }, () => unit))
  ),
  fc.tuple(fc.uint8Array({ maxLength: 70_000 }), fc.nat(70_000)).map(([noise, zeros]) =>
    Buffer.concat([noise, Buffer.alloc(zeros), noise])
  )
)
const expand = (name: "gzip" | "snappy" | "lz4" | "zstd", bytes: Uint8Array, bytesMax?: number) =>
  Buffer.from(Either.getOrThrow(decompress(name, bytes, bytesMax)))

const answerOf = (found: Either.Either<Uint8Array, string>) =>
  Either.match(found, { onLeft: (reason) => reason, onRight: (bytes) => Buffer.from(bytes).toString("base64") })

for (const name of ["gzip", "snappy", "lz4", "zstd"] as const) {
  const compress = compressor(name)
  if (Either.isLeft(compress)) {
    it(`${name} cannot be written here, and the reason names the Node that can`, () => {
      assert.match(compress.left, /22\.15/)
    })
    continue
  }
  describe(name, () => {
    it.prop("reads back what it has written", [content], ([bytes]) => {
      assert.isTrue(expand(name, compress.right(bytes)).equals(bytes))
    }, { fastCheck: { numRuns: 50 } })

    it("refuses more than the bound, and what is cut off", () => {
      const bytes = compress.right(Buffer.alloc(1_000_000, "Kafka"))
      assert.isTrue(Either.isLeft(decompress(name, bytes, 999_999)))
      assert.strictEqual(expand(name, bytes, 1_000_000).length, 1_000_000)
      assert.isTrue(Either.isLeft(decompress(name, bytes.subarray(0, bytes.length - 9))))
    })

    it.prop(
      "broken bytes are an answer, not an exception or a hang",
      [content, fc.nat(), fc.nat(255)],
      ([bytes, at, value]) => {
        const broken = Buffer.from(compress.right(bytes))
        if (broken.length > 0) broken[at % broken.length] = value
        assert.isTrue(Either.isEither(decompress(name, broken)))
      },
      { fastCheck: { numRuns: 50 } }
    )

    it.effect.prop(
      "in turns the answer is the same as at once",
      [content, fc.nat(), fc.nat(255), fc.boolean()],
      ([bytes, at, value, spoiled]) =>
        Effect.promise(async () => {
          const packed = Buffer.from(compress.right(bytes))
          if (spoiled && packed.length > 0) packed[at % packed.length] = value
          const inTurns = await decompressInTurns(name, packed, 100_000)
          assert.strictEqual(answerOf(inTurns), answerOf(decompress(name, packed, 100_000)))
        }),
      { fastCheck: { numRuns: 50 } }
    )

    if (name === "zstd") {
      it.prop("fzstd, which older Nodes use, reads the same block by block", [content], ([bytes]) => {
        const expanded = allSteps(expandFrames(compress.right(bytes), expandedBytesMax))
        assert.isTrue(Buffer.from(expanded).equals(bytes))
      }, { fastCheck: { numRuns: 200 } })
    }

    it("everything else has its turn while much is expanded", async () => {
      const mebibytes = 32
      const bomb = compress.right(Buffer.alloc(mebibytes * 1024 * 1024, "Kafka"))
      let turns = 0
      let waiting = setImmediate(function count() {
        turns++
        waiting = setImmediate(count)
      })
      const found = await decompressInTurns(name, bomb, expandedBytesMax)
      clearImmediate(waiting)
      assert.strictEqual(Either.getOrThrow(found).length, mebibytes * 1024 * 1024)
      assert.isAtLeast(turns, mebibytes / 4)
    })
  })
}

it("reads snappy without frames, as librdkafka writes it", () => {
  const bytes = Buffer.from("raw snappy, raw snappy, raw snappy")
  assert.deepStrictEqual(expand("snappy", compressRaw(Uint8Array.from(bytes))), bytes)
})

it("an LZ4 frame has independent blocks, which brokers insist on, of 64 KiB", () => {
  const frame = Either.getOrThrow(compressor("lz4"))(Buffer.alloc(200_000))
  assert.strictEqual(Buffer.from(frame).readUInt32LE(0), 0x184d2204)
  assert.strictEqual((frame[4] ?? 0) & 0x20, 0x20)
  assert.strictEqual((frame[5] ?? 0) >> 4, 4)
})

it("no compressed batch becomes more than 64 MiB", () => {
  const bomb = zlib.gzipSync(Buffer.alloc(expandedBytesMax + 1))
  const found = decompress("gzip", bomb)
  assert.isTrue(Either.isLeft(found))
})

// Written by zstd 1.5 (the command), so that reading is tested where Node cannot write it.
const zstdFrame = Buffer.from(
  "KLUv/WQSJMULAIYbORPQZTnqMclOAgwJUkqZUkoBAyIEOQAxADAAREREREQzMzMzMyIiIiIi////v23btt22bduSJEmS27ZtKxq5" +
    "yw0AVmAgIBQQCgOBwyAGhYFDgGEgVVVVVVVERERERDMzMzMzIiIiIiL///+/bdu23bZt25IkSZLbtm2LiIiIiFhVVVVVVVVVVVVV" +
    "REREREQzMzMzMyIiIiIi////v23btt22bduSJEmS27ZtWzAYDAaDwWAwGFVVVVVVREREREQzMzMzMyIiIiIi////v23btt22bduS" +
    "JEmS27ZtWzQajUaj0Wg0GoGQqCHw7n8GwUfVchGMEDxCcILkx0M1NSUlJSkpKSokNfUTH/pLfghLWlZSVFSUlJR4f+onPvQn/RAW" +
    "NS0lKSkpKiq2M/+KQlQjUCJQQqBAoHxA8YDqgJIDygaUaqDMsJENe9hghQ1mmMEGG6ywgQ0r2J00BU13pprpMoVMGdPFVDNMwaRl" +
    "WVbLslqSpUggrQLaT8KV",
  "base64"
)
const zstdText = Array.from({ length: 400 }, (_, index) => `record ${index} of dataset1; `).join("")

it("reads zstd on every Node, within the bound", () => {
  assert.strictEqual(expand("zstd", zstdFrame).toString(), zstdText)
  assert.isTrue(Either.isLeft(decompress("zstd", zstdFrame, zstdText.length - 1)))
  assert.isTrue(Either.isLeft(decompress("zstd", zstdFrame.subarray(0, 200))))
})

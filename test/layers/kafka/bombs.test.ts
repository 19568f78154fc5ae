/**
 * Goal: whatever compressed bytes say of themselves, reading them ends with bytes or a reason, takes no memory for a size
 * that is only claimed, and does no more work than the bound on what comes out allows. Newer Nodes expand zstd by
 * themselves, older ones by fzstd; `npm run compat` runs this file on both.
 */
import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import * as zlib from "node:zlib"
import { compress as compressRaw } from "snappyjs"
import { allSteps } from "../../../src/layers/kafka/backReference.js"
import { decompress } from "../../../src/layers/kafka/codecs.js"
import { expandFrames } from "../../../src/layers/kafka/zstd.js"

type Codec = "gzip" | "snappy" | "lz4" | "zstd"
type Case = readonly [name: string, codec: Codec, bytes: Uint8Array]

const bytesMax = 1024 * 1024
const outcome = (codec: Codec, bytes: Uint8Array): string =>
  Either.match(decompress(codec, bytes, bytesMax), { onLeft: (reason) => reason, onRight: ({ length }) => `${length}` })

const little = (value: number, bytes: number): Buffer => {
  const field = Buffer.alloc(bytes)
  field.writeUIntLE(value, 0, bytes)
  return field
}
const all = (count: number, byte: number): Uint8Array => new Uint8Array(count).fill(byte)
/** With another byte so far before the end. */
const spoiled = (bytes: Uint8Array, before: number) =>
  bytes.map((byte, index) => index === bytes.length - before ? byte ^ 0xff : byte)
const nineOf = <A>(item: A): ReadonlyArray<A> => Array.from({ length: 9 }, () => item)

/** An LZ4 frame of one block, which may become 4 MiB. */
const lz4 = (...block: ReadonlyArray<Uint8Array>) => {
  const content = Buffer.concat(block)
  const head = Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0)
  return Buffer.concat([head, little(content.length, 4), content, little(0, 4)])
}

const javaSnappy = (blocks: ReadonlyArray<Uint8Array>) => {
  const head = Buffer.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)
  return Buffer.concat([head, ...blocks.flatMap((block) => [little(block.length, 4).toReversed(), block])])
}
/** What a snappy block says that it becomes, before its content. */
const says = (length: number): Buffer =>
  length > 127 ? Buffer.concat([Buffer.of((length % 128) + 128), says(Math.floor(length / 128))]) : Buffer.of(length)

interface ZstdBlock {
  /** 0 as it is, 1 one byte repeated, 2 compressed. */
  readonly type: number
  readonly size: number
  readonly content: Uint8Array
}
const repeated: ZstdBlock = { type: 1, size: 128 * 1024, content: Buffer.of(65) }
const plain = (size: number): ZstdBlock => ({ type: 0, size, content: all(size, 65) })
/** `head`: frame header, behind the magic number. */
const zstd = (head: Uint8Array, blocks: ReadonlyArray<ZstdBlock>) =>
  Buffer.concat([
    Buffer.of(0x28, 0xb5, 0x2f, 0xfd),
    head,
    ...blocks.flatMap(({ content, size, type }, index) => [
      little(size * 8 + type * 2 + (index === blocks.length - 1 ? 1 : 0), 3),
      content
    ])
  ])
const window = (log: number) => Buffer.of(0, (log - 10) << 3)

describe("what would become more than the bound is refused", () => {
  it.each<Case>([
    ["gzip: a thousand times its size", "gzip", zlib.gzipSync(all(64 * bytesMax, 65))],
    ["gzip: in many members", "gzip", Buffer.concat(nineOf(zlib.gzipSync(all(bytesMax / 8, 65))))],
    ["snappy: in one block", "snappy", compressRaw(all(bytesMax + 1, 65))],
    ["snappy: in many blocks, each within it", "snappy", javaSnappy(nineOf(compressRaw(all(bytesMax / 8, 65))))],
    // One byte, then a copy of it whose length goes on for a MiB, 255 for each byte.
    ["lz4: 255 times its size", "lz4", lz4(Buffer.of(0x1f, 65, 1, 0), all(bytesMax, 255), Buffer.of(0))],
    ["zstd: 30,000 times its size", "zstd", zstd(window(21), nineOf(repeated))]
  ])("%s", (_, codec, bytes) => {
    assert.include(
      outcome(codec, bytes),
      codec === "zstd" ? "zstd: " : `${codec}: it would become more than ${bytesMax} bytes`
    )
  })
})

describe("a size that is not true is an error: nothing is filled up, cut off or believed", () => {
  it.each<Case>([
    ["gzip: a length at the end that does not fit", "gzip", spoiled(zlib.gzipSync("abc"), 4)],
    ["gzip: another checksum", "gzip", spoiled(zlib.gzipSync("abc"), 8)],
    ["snappy: more than it has", "snappy", Buffer.concat([says(1000), Buffer.of(8, 65, 66, 67), all(90, 0)])],
    ["snappy: less than it has", "snappy", Buffer.concat([says(2), Buffer.of(8, 65, 66, 67)])],
    [
      "snappy: 2 GiB of literals, which makes snappyjs step backwards for ever",
      "snappy",
      Buffer.concat([says(100), Buffer.of(0xfc, 0xf0, 0xff, 0xff, 0xff), all(90, 0)])
    ],
    ["snappy: a copy from before the beginning", "snappy", Buffer.concat([says(8), Buffer.of(0, 65, 0x0d, 9)])],
    ["snappy: a length without an end", "snappy", all(5, 255)],
    ["snappy: a block longer than the batch", "snappy", Buffer.concat([javaSnappy([]), Buffer.of(0, 0, 1, 0)])],
    ["lz4: a copy from before the beginning", "lz4", lz4(Buffer.of(0x10, 65, 2, 0))],
    ["lz4: literals behind the end of the block", "lz4", lz4(Buffer.of(0xf0, 200, 65))],
    ["lz4: a length without an end", "lz4", lz4(Buffer.of(0x1f, 65, 1, 0), all(9, 255))],
    ["lz4: more than a block may become", "lz4", lz4(Buffer.of(0x1f, 65, 1, 0), all(20_000, 255), Buffer.of(0))],
    ["zstd: a window of 2 GiB", "zstd", zstd(window(31), [plain(1)])],
    ["zstd: a content of 8 EiB", "zstd", zstd(Buffer.of(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x7f), [plain(1)])],
    ["zstd: a block behind the end", "zstd", zstd(window(21), [{ ...plain(1), size: 1000 }])],
    ["zstd: no last block", "zstd", zstd(window(21), [plain(8), plain(8)]).subarray(0, -11)]
  ])("%s", (_, codec, bytes) => {
    assert.match(outcome(codec, bytes), new RegExp(`^${codec}: \\S`))
  })
})

it("snappy takes no memory for a size that its block cannot become", () => {
  const lie = Buffer.concat([says(bytesMax), Buffer.of(0, 65)])
  assert.strictEqual(
    outcome("snappy", lie),
    `snappy: a snappy block of ${lie.length} bytes claims to become ${bytesMax}`
  )
  // Two bytes, then copies of 64 for three bytes each: as much as it can become.
  const most = Buffer.concat([
    says(6402),
    Buffer.of(4, 65, 66),
    ...Array.from({ length: 100 }, () => Buffer.of(0xfe, 2, 0))
  ])
  assert.strictEqual(outcome("snappy", most), "6402")
})

/** fzstd alone. */
const reason = (bytes: Uint8Array): string => {
  try {
    return `${allSteps(expandFrames(bytes, bytesMax)).length}`
  } catch (error) {
    return error instanceof Error ? error.message : "?"
  }
}

describe("zstd by fzstd, on any Node", () => {
  it("takes no memory for a window that is only claimed", () => {
    assert.match(reason(zstd(window(31), [plain(1)])), /its window of 2147483648 bytes/)
    assert.match(reason(zstd(Buffer.of(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x7f), [plain(1)])), /its window of/)
  })

  it("does not move its window about for each of ten thousand blocks", () => {
    const tiny: ZstdBlock = { type: 1, size: 1, content: Buffer.of(65) }
    assert.match(reason(zstd(window(20), Array.from({ length: 10_000 }, () => tiny))), /too many blocks/)
  })

  it("looks at every frame, and passes over what may be skipped", () => {
    const good = zstd(window(17), [plain(3)])
    const skipped = Buffer.concat([little(0x184d2a50, 4), little(5, 4), all(5, 7)])
    assert.strictEqual(reason(Buffer.concat([good, skipped, good])), "6")
    assert.match(reason(Buffer.concat([good, zstd(window(31), [plain(1)])])), /its window of/)
    assert.match(reason(zstd(window(17), nineOf(repeated))), /more than 1048576 bytes/)
  })
})

/**
 * LZ4 frames; only the compression of a block is lz4js's. Its own frame functions do not serve: what they write has
 * linked blocks, which Kafka's brokers refuse ("Dependent block stream is unsupported"), what they read has the checksum
 * of a block at the wrong place, and an input that lies about its size is cut off silently. Nor does its reading of a
 * block, which looks at no bound: one block of 1 MiB kept the event loop for 2.5 s.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md, lz4_Block_format.md
 */
import lz4js from "lz4js"
import xxh32 from "lz4js/xxh32.js"
import { copyBack, copyBytes, type ExpandSteps } from "./backReference.js"

const magic = 0x184d2204
const flags = {
  version: 0x40,
  versionMask: 0xc0,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  dictionary: 0x01
}
const uncompressedBit = 0x80000000
/** Block size code 4: 64 KiB, what the Java producer writes. */
const blockSizeCode = 4
const blockBytes = 0x10000
const blockBytesOf = new Map([[4, 0x10000], [5, 0x40000], [6, 0x100000], [7, 0x400000]])
/** A byte of a length stands for 255 bytes at most. */
const expansionMax = 255
const matchBytesMin = 4
const broken = "an LZ4 block is broken"

export const compressFrame = (source: Uint8Array): Uint8Array => {
  const blocks = Math.ceil(source.length / blockBytes)
  const target = Buffer.alloc(source.length + 4 * blocks + 11)
  target.writeUInt32LE(magic, 0)
  target[4] = flags.version | flags.independent
  target[5] = blockSizeCode << 4
  target[6] = (xxh32.hash(0, target, 4, 2) >>> 8) & 0xff
  const block = new Uint8Array(lz4js.compressBound(blockBytes))
  let at = 7
  for (let start = 0; start < source.length; start += blockBytes) {
    const plain = source.subarray(start, start + blockBytes)
    const length = lz4js.compressBlock(plain, block, 0, plain.length, new Uint32Array(0x10000))
    const packed = length > 0 && length < plain.length ? block.subarray(0, length) : plain
    target.writeUInt32LE(packed === plain ? (uncompressedBit | plain.length) >>> 0 : length, at)
    target.set(packed, at + 4)
    at += 4 + packed.length
  }
  // The end mark is a block of length 0; the bytes are 0 already.
  return target.subarray(0, at + 4)
}

/** One step per block; never less or more than the frame holds. */
export const expandFrame = function*(source: Uint8Array, bytesMax: number): ExpandSteps {
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  if (source.length < 7 || view.getUint32(0, true) !== magic) throw new Error("it does not begin with an LZ4 frame")
  const flag = view.getUint8(4)
  if ((flag & flags.versionMask) !== flags.version) throw new Error("its LZ4 frame has an unknown version")
  if ((flag & flags.dictionary) !== 0) throw new Error("its LZ4 frame needs a dictionary")
  const size = blockBytesOf.get((view.getUint8(5) >> 4) & 7)
  if (size === undefined) throw new Error("its LZ4 frame has an unknown block size")
  const checksumBytes = (flag & flags.blockChecksum) === 0 ? 0 : 4
  const start = 7 + ((flag & flags.contentSize) === 0 ? 0 : 8)
  const bound = boundOf(view, start, size, checksumBytes)
  // Blocks may be shorter than they say, so that only what comes out tells whether it is too much.
  const target = new Uint8Array(Math.min(bound, bytesMax))
  let from = start
  let to = 0
  for (;;) {
    const head = view.getUint32(from, true)
    const length = head & ~uncompressedBit
    if (head === 0) return target.subarray(0, to)
    from += 4
    const room = Math.min(size, target.length - to)
    if ((head & uncompressedBit) === 0) {
      to = expandBlock(source.subarray(from, from + length), target, to, room, () => tooLong(room, size, bytesMax))
    } else if (length > room) throw tooLong(room, size, bytesMax)
    else {
      target.set(source.subarray(from, from + length), to)
      to += length
    }
    from += length + checksumBytes
    yield to
  }
}

/** The most that all blocks together can hold; throws where the frame ends too early. */
const boundOf = (view: DataView, start: number, size: number, checksumBytes: number): number => {
  let bound = 0
  for (let at = start;;) {
    if (at + 4 > view.byteLength) throw new Error("its LZ4 frame has no end mark")
    const head = view.getUint32(at, true)
    if (head === 0) return bound
    const length = head & ~uncompressedBit
    at += 4 + length + checksumBytes
    bound += (head & uncompressedBit) === 0 ? Math.min(size, length * expansionMax) : length
  }
}

const tooLong = (room: number, size: number, bytesMax: number): Error =>
  new Error(room < size ? `it would become more than ${bytesMax} bytes` : broken)

/** A length that goes on in the bytes at `at`: the sum, and where it ends. NaN where it has no end. */
const longer = (block: Uint8Array, at: number, length: number): readonly [length: number, at: number] => {
  for (;;) {
    const byte = block[at++] ?? Number.NaN
    length += byte
    if (byte !== 255) return [length, at]
  }
}

/** Appends what the block becomes to `target[start]`, no more than `room` bytes. Answers the new end. */
const expandBlock = (
  block: Uint8Array,
  target: Uint8Array,
  start: number,
  room: number,
  tooMuch: () => Error
): number => {
  const end = start + room
  let to = start
  for (let at = 0; at < block.length;) {
    const token = block[at++] ?? 0
    let literals = token >>> 4
    if (literals === 15) [literals, at] = longer(block, at, literals)
    if (!(at + literals <= block.length)) throw new Error(broken)
    if (to + literals > end) throw tooMuch()
    copyBytes(block, at, target, to, literals)
    to += literals
    at += literals
    // The last sequence of a block has literals alone.
    if (at === block.length) break
    const distance = (block[at] ?? 0) + 256 * (block[at + 1] ?? 0)
    at += 2
    let matched = token & 15
    if (matched === 15) [matched, at] = longer(block, at, matched)
    matched += matchBytesMin
    if (distance === 0 || distance > to || !(at <= block.length)) throw new Error(broken)
    if (to + matched > end) throw tooMuch()
    to = copyBack(target, to, distance, matched)
  }
  return to
}

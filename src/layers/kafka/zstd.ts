/**
 * Zstandard on a Node that has none (before 22.15), by fzstd. It trusts the sizes in a frame, so that they are looked at
 * first: it takes memory for the window that the header names (2 GiB if it says so), moves all of the window once per
 * block, and tells nothing of the content's size.
 * Format: RFC 8878.
 */
import { Decompress } from "fzstd"
import { type ExpandSteps, joinSteps } from "./backReference.js"

const magic = 0xfd2fb528
const skippableMagic = 0x184d2a50
const blockBytesMax = 128 * 1024
/** The window of level 19. zstd's own readers take 8 MiB at least, and 128 MiB at most unless told otherwise. */
const windowBytesMax = 128 * 1024 * 1024
/** What fzstd may move to and fro in one frame: a second's worth. */
const movedBytesMax = 8 * 1024 ** 3

export const expandFrames = function*(bytes: Uint8Array, bytesMax: number): ExpandSteps {
  const ends: Array<number> = []
  for (let at = 0; at < bytes.length;) at = checkFrame(bytes, at, bytesMax, ends)
  const parts: Array<Uint8Array> = []
  let total = 0
  let ended = false
  const stream = new Decompress((part, final) => {
    total += part.length
    if (total > bytesMax) throw tooLong(bytesMax)
    parts.push(part)
    ended = final === true
  })
  let from = 0
  for (const end of ends) {
    stream.push(bytes.subarray(from, end))
    from = end
    yield total
  }
  stream.push(bytes.subarray(from), true)
  if (!ended) throw new Error("the zstd frame ends too early")
  return yield* joinSteps(parts, total)
}

const tooLong = (bytesMax: number): Error => new Error(`it would become more than ${bytesMax} bytes`)

interface FrameHeader {
  readonly windowBytes: number
  readonly blocksAt: number
  readonly checksumBytes: number
}

const readHeader = (view: DataView, at: number): FrameHeader => {
  const flags = view.getUint8(at + 4)
  const single = (flags & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0
  const sizeFlag = flags >>> 6
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 2 ** sizeFlag
  const sizeAt = at + 5 + (single ? 0 : 1) + dictionaryBytes
  const descriptor = single ? 0 : view.getUint8(at + 5)
  const base = 2 ** (10 + (descriptor >>> 3))
  const windowBytes = single ? sizeOf(view, sizeAt, sizeBytes) : base + (base / 8) * (descriptor & 7)
  return { windowBytes, blocksAt: sizeAt + sizeBytes, checksumBytes: (flags & 4) === 0 ? 0 : 4 }
}

const sizeOf = (view: DataView, at: number, bytes: number): number =>
  bytes === 8
    ? Number(view.getBigUint64(at, true))
    : bytes === 4
    ? view.getUint32(at, true)
    : bytes === 2
    ? view.getUint16(at, true) + 256
    : view.getUint8(at)

/** The end of the frame at `at`; throws where it is not whole, or would take too much to read. Adds the ends of blocks. */
const checkFrame = (bytes: Uint8Array, at: number, bytesMax: number, ends: Array<number>): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length - at < 9) throw new Error("the zstd frame ends too early")
  const kind = view.getUint32(at, true)
  if ((kind & 0xfffffff0) >>> 0 === skippableMagic) return at + 8 + view.getUint32(at + 4, true)
  if (kind !== magic) throw new Error("it is no zstd frame")
  const { blocksAt, checksumBytes, windowBytes } = readHeader(view, at)
  if (windowBytes > Math.min(windowBytesMax, Math.max(bytesMax, blockBytesMax))) {
    throw new Error(`its window of ${windowBytes} bytes is too large`)
  }
  let known = 0
  let blocks = 0
  for (let next = blocksAt;;) {
    if (next + 3 > bytes.length) throw new Error("the zstd frame ends too early")
    const head = view.getUint16(next, true) + view.getUint8(next + 2) * 0x10000
    const [type, size] = [(head >>> 1) & 3, head >>> 3]
    if (type === 3 || size > blockBytesMax) throw new Error("a zstd block is broken")
    // Only what a compressed block becomes is not known before.
    if (type !== 2) known += size
    if (known > bytesMax) throw tooLong(bytesMax)
    if (++blocks * windowBytes > movedBytesMax) throw new Error("it has too many blocks for its window")
    next += 3 + (type === 1 ? 1 : size)
    ends.push(next)
    if ((head & 1) === 0) continue
    if (next + checksumBytes > bytes.length) throw new Error("the zstd frame ends too early")
    return next + checksumBytes
  }
}

/**
 * Snappy as Kafka knows it: raw (librdkafka, kafkajs), or in the frames of snappy-java (the Java client): 8 bytes
 * magic, int32 version, int32 lowest compatible version, then blocks, each after its int32 length.
 * Format of a block: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Blocks are written by snappyjs and read here: snappyjs fills up with zeros, or cuts off, what is shorter or longer than
 * the block says, and does not end on a literal with a length beyond 2^31 (it steps backwards).
 */
import { compress } from "snappyjs"
import { copyBack, copyBytes, type ExpandSteps, joinSteps } from "./backReference.js"

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const headerBytes = 16
/** What snappy-java writes. */
const blockBytes = 32 * 1024
/** Three bytes stand for 64 at most; what says that it becomes more than that is a lie. */
const expansionMax = 22

export const compressFramed = (source: Uint8Array): Uint8Array => {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Array<Uint8Array> = [header]
  for (let start = 0; start < source.length; start += blockBytes) {
    const block = compress(Uint8Array.from(source.subarray(start, start + blockBytes)))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export const expandAny = function*(source: Uint8Array, bytesMax: number): ExpandSteps {
  if (source.length < headerBytes || !magic.equals(source.subarray(0, magic.length))) {
    return yield* expand(source, bytesMax, 0)
  }
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  const parts: Array<Uint8Array> = []
  let total = 0
  for (let at = headerBytes; at < source.length;) {
    const length = at + 4 <= source.length ? view.getInt32(at) : -1
    if (length < 0 || at + 4 + length > source.length) throw new Error("a snappy block ends after the batch")
    const part = yield* expand(source.subarray(at + 4, at + 4 + length), bytesMax, total)
    total += part.length
    parts.push(part)
    at += 4 + length
  }
  return yield* joinSteps(parts, total)
}

const broken = (): Error => new Error("a snappy block is broken")

/** The length that a block says it will have, and how many bytes say so. */
const lengthOf = (block: Uint8Array): readonly [length: number, at: number] => {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = block[at] ?? 0xff
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return [length, at + 1]
  }
  throw broken()
}

/** Little-endian, of 1 to 4 bytes; what is not there counts as nothing, and the caller looks where it ends. */
const numberAt = (block: Uint8Array, at: number, bytes: number): number => {
  const low = (block[at] ?? 0) + (bytes > 1 ? (block[at + 1] ?? 0) * 0x100 : 0)
  return bytes < 3 ? low : low + (block[at + 2] ?? 0) * 0x10000 + (bytes > 3 ? (block[at + 3] ?? 0) * 0x1000000 : 0)
}

/** A raw block may be the whole batch: a step is as short as `stepBytes`. */
const stepBytes = 256 * 1024

/** `before`: bytes that other blocks of the batch have become already. */
const expand = function*(block: Uint8Array, bytesMax: number, before: number): ExpandSteps {
  const [length, start] = lengthOf(block)
  if (before + length > bytesMax) throw new Error(`it would become more than ${bytesMax} bytes`)
  if (length > block.length * expansionMax) {
    throw new Error(`a snappy block of ${block.length} bytes claims to become ${length}`)
  }
  const target = new Uint8Array(length)
  let to = 0
  let nextStep = stepBytes
  for (let at = start; at < block.length;) {
    if (to >= nextStep) {
      nextStep = to + stepBytes
      yield before + to
    }
    const tag = block[at++] ?? 0
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const extra = short < 60 ? 0 : short - 59
      const count = 1 + (extra === 0 ? short : numberAt(block, at, extra))
      at += extra
      if (at + count > block.length || to + count > length) throw broken()
      copyBytes(block, at, target, to, count)
      at += count
      to += count
    } else {
      const count = kind === 1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2)
      const bytes = kind === 3 ? 4 : kind
      const distance = numberAt(block, at, bytes) + (kind === 1 ? (tag >>> 5) * 256 : 0)
      at += bytes
      if (distance === 0 || distance > to || to + count > length || at > block.length) throw broken()
      to = copyBack(target, to, distance, count)
    }
  }
  if (to !== length) throw broken()
  yield before + to
  return target
}

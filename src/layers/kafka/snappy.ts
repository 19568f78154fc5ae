/**
 * Snappy as Kafka knows it: raw (librdkafka, kafkajs), or in the frames of snappy-java (the Java client): 8 bytes
 * magic, int32 version, int32 lowest compatible version, then blocks, each after its int32 length.
 */
import { compress, uncompress } from "snappyjs"

const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const headerBytes = 16
/** What snappy-java writes. */
const blockBytes = 32 * 1024

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

/** Throws an `Error` that says what is wrong. */
export const decompressAny = (source: Uint8Array, bytesMax: number): Uint8Array => {
  if (source.length < headerBytes || !magic.equals(source.subarray(0, magic.length))) return expand(source, bytesMax)
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  const parts: Array<Uint8Array> = []
  let left = bytesMax
  for (let at = headerBytes; at < source.length;) {
    const length = at + 4 <= source.length ? view.getInt32(at) : -1
    if (length < 0 || at + 4 + length > source.length) throw new Error("a snappy block ends after the batch")
    const part = expand(source.subarray(at + 4, at + 4 + length), left)
    left -= part.length
    parts.push(part)
    at += 4 + length
  }
  return Buffer.concat(parts)
}

const expand = (block: Uint8Array, bytesMax: number): Uint8Array => uncompress(block, bytesMax)

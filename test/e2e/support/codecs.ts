import { Either } from "effect"
import kafkajs from "kafkajs"
import { compressor, decompress } from "../../../src/layers/kafka/codecs.js"

export const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const
export type Codec = (typeof codecs)[number]

/** Codes in a batch's attributes, as kafkajs names them. */
export const compressionTypes = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD
} as const

const blockBytesMax = 128 * 1024

/**
 * A Zstandard frame of blocks that are stored as they are, for a Node that cannot compress: every reader must take it.
 * Format: RFC 8878. Frame header 0x00: no dictionary, no checksum, no content size, a window descriptor follows.
 */
const storedZstd = (bytes: Uint8Array): Uint8Array => {
  const parts: Array<Uint8Array> = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])]
  const blocks = Math.max(1, Math.ceil(bytes.length / blockBytesMax))
  for (let index = 0; index < blocks; index++) {
    const block = bytes.subarray(index * blockBytesMax, (index + 1) * blockBytesMax)
    const head = Buffer.alloc(3)
    head.writeUIntLE((block.length << 3) | (index === blocks - 1 ? 1 : 0), 0, 3)
    parts.push(head, block)
  }
  return Buffer.concat(parts)
}

const compress = (codec: Exclude<Codec, "none" | "gzip">): (bytes: Uint8Array) => Uint8Array =>
  Either.getOrElse(compressor(codec), () => storedZstd)

const codecOf = (name: Exclude<Codec, "none" | "gzip">) => {
  const write = compress(name)
  return () => ({
    compress: (encoder: { readonly buffer: Buffer }) => Promise.resolve(Buffer.from(write(encoder.buffer))),
    decompress: (bytes: Buffer) => Promise.resolve(Buffer.from(Either.getOrThrow(decompress(name, bytes))))
  })
}

/** Teaches kafkajs's producers, in this process, the codecs that it lacks. The broker looks into every batch. */
export const registerCodecs = (): void => {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.Snappy] = codecOf("snappy")
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = codecOf("lz4")
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = codecOf("zstd")
}

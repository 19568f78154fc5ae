import * as Either from "effect/Either"
import * as zlib from "node:zlib"
import { type BatchCodec, expandedBytesMax } from "../../domain/batchRecords.js"
import type { Compression } from "../Producer.js"
import { compressFrame, decompressFrame } from "./lz4.js"
import { ownBytes } from "./ownBytes.js"
import { compressFramed, decompressAny } from "./snappy.js"
import { expandZstd } from "./zstd.js"

/** What may be wrong with compressed bytes, in words that fit after "batch …: ". */
export const decompress = (
  name: Exclude<Compression, "none">,
  bytes: Uint8Array,
  bytesMax: number = expandedBytesMax
): Either.Either<Uint8Array, string> =>
  Either.try({
    try: () => ownBytes(expanders[name](bytes, bytesMax)),
    catch: (error) => `${name}: ${reasonOf(error, bytesMax)}`
  })

const reasonOf = (error: unknown, bytesMax: number): string =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
    ? `it would become more than ${bytesMax} bytes`
    : error instanceof Error
    ? error.message
    : String(error)

const expanders: Record<Exclude<Compression, "none">, (bytes: Uint8Array, bytesMax: number) => Uint8Array> = {
  gzip: (bytes, bytesMax) => zlib.gunzipSync(bytes, { maxOutputLength: bytesMax }),
  snappy: decompressAny,
  lz4: decompressFrame,
  zstd: (bytes, bytesMax) =>
    native === undefined ? expandZstd(bytes, bytesMax) : native.zstdDecompressSync(bytes, { maxOutputLength: bytesMax })
}

/** Left: this Node cannot write it. Reading is possible everywhere. */
export const compressor = (
  name: Exclude<Compression, "none">
): Either.Either<(bytes: Uint8Array) => Uint8Array, string> => {
  switch (name) {
    case "gzip":
      return Either.right((bytes) => zlib.gzipSync(bytes))
    case "snappy":
      return Either.right(compressFramed)
    case "lz4":
      return Either.right(compressFrame)
    case "zstd":
      return native === undefined
        ? Either.left("this version of Node cannot write zstd (it came with 22.15)")
        : Either.right((bytes) => native.zstdCompressSync(bytes))
  }
}

/** How a producer compresses; undefined where it does not. Left: this Node cannot. */
export const codecFor = (name: Compression): Either.Either<BatchCodec | undefined, string> =>
  name === "none"
    ? Either.right(undefined)
    : Either.map(compressor(name), () => batchCodecs.get(codes[name]))

const codes = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

/** By the code in the attributes of a batch. */
export const batchCodecs: ReadonlyMap<number, BatchCodec> = new Map(
  (["gzip", "snappy", "lz4", "zstd"] as const).map((name) => [codes[name], {
    code: codes[name],
    compress: (bytes) => Either.getOrThrowWith(compressor(name), (reason) => new Error(reason))(bytes),
    decompress: (bytes, bytesMax) => decompress(name, bytes, bytesMax)
  }])
)

interface NativeZstd {
  readonly zstdCompressSync: (bytes: Uint8Array) => Uint8Array
  readonly zstdDecompressSync: (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array
}
const hasZstd = (module: object): module is NativeZstd => "zstdCompressSync" in module && "zstdDecompressSync" in module
/** Node has zstd from 22.15 on; the types follow the oldest Node that is supported. */
const native = hasZstd(zlib) ? zlib : undefined

import * as Either from "effect/Either"
import type { Transform } from "node:stream"
import { setImmediate as othersTurn } from "node:timers/promises"
import * as zlib from "node:zlib"
import { type BatchCodec, expandedBytesMax } from "../../domain/batchRecords.js"
import type { Compression } from "../Producer.js"
import { allSteps, type ExpandSteps, joinSteps } from "./backReference.js"
import { compressFrame, expandFrame as lz4Steps } from "./lz4.js"
import { ownBytes } from "./ownBytes.js"
import { compressFramed, expandAny as snappySteps } from "./snappy.js"
import { expandFrames as zstdSteps } from "./zstd.js"

type Codec = Exclude<Compression, "none">

/** What may be wrong with compressed bytes, in words that fit after "batch …: ". */
export const decompress = (
  name: Codec,
  bytes: Uint8Array,
  bytesMax: number = expandedBytesMax
): Either.Either<Uint8Array, string> =>
  Either.try({
    try: () => {
      const expander = expanders[name]
      return ownBytes(
        "steps" in expander ? allSteps(expander.steps(bytes, bytesMax)) : expander.atOnce(bytes, bytesMax)
      )
    },
    catch: (error) => wordsOf(name, error, bytesMax)
  })

/** As `decompress`; everything else has its turn meanwhile: 64 MiB at once would hold it up for half a second. */
export const decompressInTurns = async (
  name: Codec,
  bytes: Uint8Array,
  bytesMax: number
): Promise<Either.Either<Uint8Array, string>> => {
  try {
    const expander = expanders[name]
    return Either.right(
      ownBytes(
        await ("steps" in expander ? inTurns(expander.steps(bytes, bytesMax)) : beside(expander, bytes, bytesMax))
      )
    )
  } catch (error) {
    return Either.left(wordsOf(name, error, bytesMax))
  }
}

/** The records of a batch with the code of a compression in its attributes. */
export const expandInTurns = async (
  code: number,
  bytes: Uint8Array,
  bytesMax: number
): Promise<Either.Either<Uint8Array, string>> => {
  const name = names.find((each) => codes[each] === code)
  return name === undefined
    ? Either.left(`compression ${code} is not supported here`)
    : decompressInTurns(name, bytes, bytesMax)
}

/** Bytes after which everything else has its turn: the slowest codec takes some milliseconds for them. */
const bytesInTurn = 1024 * 1024

/** What is small is expanded sooner at once than it is handed to another thread. */
const beside = async ({ atOnce, stream }: InNode, bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> => {
  if (bytes.length > smallMax) return streamed(stream(), bytes, bytesMax)
  try {
    return atOnce(bytes, Math.min(bytesMax, bytesInTurn))
  } catch (error) {
    if (isTooLarge(error) && bytesMax > bytesInTurn) return streamed(stream(), bytes, bytesMax)
    throw error
  }
}
const smallMax = 64 * 1024

const streamed = async (stream: Transform, bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  let total = 0
  stream.end(bytes)
  for await (const part of stream) {
    if (!(part instanceof Uint8Array)) continue
    total += part.length
    if (total > bytesMax) throw new Error(tooLarge(bytesMax))
    parts.push(part)
  }
  return inTurns(joinSteps(parts, total))
}

const wordsOf = (name: Codec, error: unknown, bytesMax: number): string => `${name}: ${reasonOf(error, bytesMax)}`

const reasonOf = (error: unknown, bytesMax: number): string =>
  isTooLarge(error)
    ? tooLarge(bytesMax)
    : error instanceof Error
    ? error.message
    : String(error)

const tooLarge = (bytesMax: number): string => `it would become more than ${bytesMax} bytes`
const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"

type Expand<A> = (bytes: Uint8Array, bytesMax: number) => A
/** Done in JavaScript. */
interface InSteps {
  readonly steps: Expand<ExpandSteps>
}
/** Done by Node, in a thread of its own where it is a stream. */
interface InNode {
  readonly atOnce: Expand<Uint8Array>
  readonly stream: () => Transform
}

/** The fewer pieces it comes in, the less there is to put together; 16 KiB by default. */
const chunkSize = 256 * 1024
const expandersOf = (native: NativeZstd | undefined): Record<Codec, InSteps | InNode> => ({
  gzip: {
    atOnce: (bytes, maxOutputLength) => zlib.gunzipSync(bytes, { maxOutputLength }),
    stream: () => zlib.createGunzip({ chunkSize })
  },
  snappy: { steps: snappySteps },
  lz4: { steps: lz4Steps },
  zstd: native === undefined ? { steps: zstdSteps } : {
    atOnce: (bytes, maxOutputLength) => native.zstdDecompressSync(bytes, { maxOutputLength }),
    stream: () => native.createZstdDecompress({ chunkSize })
  }
})

const inTurns = async (steps: ExpandSteps): Promise<Uint8Array> => {
  for (let before = 0;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (step.value - before < bytesInTurn) continue
    before = step.value
    await othersTurn()
  }
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

const names = ["gzip", "snappy", "lz4", "zstd"] as const

/** By the code in the attributes of a batch. */
export const batchCodecs: ReadonlyMap<number, BatchCodec> = new Map(
  names.map((name) => [codes[name], {
    code: codes[name],
    compress: (bytes) => Either.getOrThrowWith(compressor(name), (reason) => new Error(reason))(bytes),
    decompress: (bytes, bytesMax) => decompress(name, bytes, bytesMax)
  }])
)

interface NativeZstd {
  readonly zstdCompressSync: (bytes: Uint8Array) => Uint8Array
  readonly zstdDecompressSync: (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array
  readonly createZstdDecompress: (options: { readonly chunkSize: number }) => Transform
}
const hasZstd = (module: object): module is NativeZstd => "zstdCompressSync" in module && "zstdDecompressSync" in module
/** Node has zstd from 22.15 on; the types follow the oldest Node that is supported. */
const native = hasZstd(zlib) ? zlib : undefined
const expanders = expandersOf(native)

/** Where batches begin and end, told by their lengths alone: the first thing to be known of a log that may be damaged. */
import { batchBytesMax, batchHeaderBytes } from "../recordBatch.js"

export interface Frames {
  /** Lengths of the whole batches that stand one after the other from the start of the bytes on. */
  readonly lengths: ReadonlyArray<number>
  /** What stands behind them. "end": nothing. */
  readonly rest:
    | { readonly kind: "end" }
    /** The beginning of another batch; `bytes` tells how long it is, or at least is, from its beginning. */
    | { readonly kind: "cut"; readonly bytes: number }
    /** No batch can begin so. */
    | { readonly kind: "noise"; readonly reason: string }
}

/** Base offset and length. */
const prefixBytes = 12
export const magicAt = 16
/** Older formats (magic 0 and 1, before Kafka 0.11): checksum, magic, attributes, lengths of key and value. */
const oldLengthMin = 14

/** `bytes` has to begin where a batch does. */
export const framesOf = (bytes: Uint8Array): Frames => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const lengths: Array<number> = []
  for (let at = 0;;) {
    if (at === bytes.length) return { lengths, rest: { kind: "end" } }
    if (bytes.length - at <= magicAt) return { lengths, rest: { kind: "cut", bytes: batchHeaderBytes } }
    const length = view.getInt32(at + prefixBytes - 4)
    const whole = prefixBytes + length
    const format2 = view.getInt8(at + magicAt) >= 2
    if (length < oldLengthMin || (format2 && whole < batchHeaderBytes) || whole > batchBytesMax) {
      return { lengths, rest: { kind: "noise", reason: `a batch cannot be ${whole} bytes long` } }
    }
    if (whole > bytes.length - at) return { lengths, rest: { kind: "cut", bytes: whole } }
    lengths.push(whole)
    at += whole
  }
}

/** The offset after the last of the whole batches; undefined where there is none. */
export const nextOffset = (bytes: Uint8Array, { lengths }: Frames): bigint | undefined => {
  const last = lengths.at(-1)
  if (last === undefined) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const at = lengths.reduce((sum, length) => sum + length, 0) - last
  // The older formats name the last offset of a batch first.
  return view.getBigInt64(at) + (view.getInt8(at + magicAt) >= 2 ? BigInt(view.getInt32(at + 23)) : 0n) + 1n
}

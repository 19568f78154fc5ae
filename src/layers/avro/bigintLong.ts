import avsc from "avsc"

/** Longest encoding of 64 bits, seven per byte; its last byte holds one bit. */
const longBytesMax = 10

/** Zig-zag and seven bits per byte, least significant first (specification, section Binary Encoding). */
const decodeLong = (bytes: Uint8Array): bigint => {
  const length = bytes.length
  if (length <= 7) {
    // Up to 49 bits: exact as a double, and much faster than as a bigint.
    let encoded = 0
    for (let index = length - 1; index >= 0; index--) encoded = encoded * 128 + ((bytes[index] ?? 0) & 0x7f)
    return BigInt(encoded % 2 === 0 ? encoded / 2 : -(encoded + 1) / 2)
  }
  if (length > longBytesMax || (length === longBytesMax && (bytes[longBytesMax - 1] ?? 0) > 1)) {
    // Read as the low 64 bits it would be a wrong number. `AvroCodec.decode` catches it.
    throw new RangeError("a long of more than 64 bits")
  }
  let encoded = 0n
  for (let index = length - 1; index >= 0; index--) encoded = (encoded << 7n) | BigInt((bytes[index] ?? 0) & 0x7f)
  return (encoded >> 1n) ^ -(encoded & 1n)
}

const encodeLong = (value: bigint): Buffer => {
  let encoded = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: Array<number> = []
  while (encoded > 0x7fn) {
    bytes.push(Number(encoded & 0x7fn) | 0x80)
    encoded >>= 7n
  }
  bytes.push(Number(encoded))
  return Buffer.from(bytes)
}

const isLong = (value: unknown): boolean => typeof value === "bigint" && BigInt.asIntN(64, value) === value

/**
 * avsc's own long is a double and refuses what is beyond 2^53 (mtth/avsc#293). `noUnpack`: we get the encoded bytes and
 * decode them, which is faster than avsc's unpacking to eight bytes, and lets us see encodings that are too long.
 */
// oxlint-disable-next-line eslint/no-underscore-dangle -- the name of avsc's documented way to a custom long
export const bigintLong = avsc.types.LongType.__with({
  fromBuffer: decodeLong,
  toBuffer: encodeLong,
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: String,
  isValid: isLong,
  compare: (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0
}, true)

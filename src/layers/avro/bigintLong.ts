import avsc from "avsc"

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

/** avsc's own long is a double and refuses what is beyond 2^53 (mtth/avsc#293). `noUnpack`: we give the encoded bytes. */
// oxlint-disable-next-line eslint/no-underscore-dangle -- the name of avsc's documented way to a custom long
export const bigintLong = avsc.types.LongType.__with({
  fromBuffer: () => {
    throw new Error("longs are read by makeAvroReader")
  },
  toBuffer: encodeLong,
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: String,
  isValid: isLong,
  compare: (a: bigint, b: bigint) => a < b ? -1 : a > b ? 1 : 0
}, true)

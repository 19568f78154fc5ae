/** A stream of pseudo-random values that depends on its seed alone: for data sets that anyone can make again. */
export interface SeededRandom {
  /** From 0 to 2^32 - 1. */
  readonly uint32: () => number
  /** From `min` to `max`, both inclusive, both safe integers at most 2^32 apart. */
  readonly integer: (min: number, max: number) => number
  /** From 0 (inclusive) to 1 (exclusive), 32 bits of it. */
  readonly fraction: () => number
  /** Any 64-bit integer. */
  readonly int64: () => bigint
  readonly bytes: (length: number) => Buffer
  readonly pick: <A>(first: A, ...others: ReadonlyArray<A>) => A
  /** True once in `times`, on average. */
  readonly oneIn: (times: number) => boolean
}

/** Spreads the bits of a 32-bit word (the finalizer of MurmurHash3). */
const mix = (word: number): number => {
  let bits = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** One seed from several numbers, so that (1, 2) and (2, 1) begin different streams. */
export const seedOf = (...parts: ReadonlyArray<number>): number =>
  parts.reduce((seed, part) => {
    const high = Math.floor(part / 4_294_967_296)
    return mix(Math.imul(mix(seed ^ (part >>> 0)), 0x9e3779b1) + (high >>> 0))
  }, 0x2545f491)

/** mulberry32 (Tommy Ettinger): 32 bits of state, good enough to look like data, and the same on every machine. */
export const makeRandom = (seed: number): SeededRandom => {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
  const fraction = (): number => uint32() / 4_294_967_296
  const integer = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1))
  return {
    uint32,
    integer,
    fraction,
    int64: () => BigInt.asIntN(64, (BigInt(uint32()) << 32n) | BigInt(uint32())),
    bytes: (length) => {
      const bytes = Buffer.alloc(length)
      for (let index = 0; index < length; index++) bytes[index] = uint32() >>> 24
      return bytes
    },
    pick: (first, ...others) => {
      const index = integer(0, others.length)
      return index === 0 ? first : (others[index - 1] ?? first)
    },
    oneIn: (times) => integer(1, times) === 1
  }
}

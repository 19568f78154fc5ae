import type { SeededRandom } from "../random.js"

/** A value as `AvroCodec.encode` takes it. */
export type AvroValue = null | boolean | number | bigint | string | Buffer

export interface DatasetRecord {
  /** Sent as UTF-8. Thousands of different ones, so that the partitions fill evenly. */
  readonly key: string
  readonly value: Readonly<Record<string, AvroValue>>
}

export type MakeRecord = (random: SeededRandom, index: number) => DatasetRecord

/** 2026-01-01T00:00:00Z: the first record's time. */
export const startMs = 1_767_225_600_000

/** Words that break a careless INSERT. */
const awkward = [
  "",
  "'",
  "''); DROP TABLE dataset1; --",
  "back\\slash and \\' quote",
  "C:\\temp\\",
  "two\nlines\tand a tab",
  "😀 Zürich, 東京, Ελλάδα",
  "\"double\" and `back-tick`",
  "trailing blank ",
  "NUL \u0000 inside",
  "NULL",
  "\ufffd"
] as const

/** Mostly `usual`, now and then a text that only an exact pipeline keeps. */
export const textOf = (random: SeededRandom, usual: string): string =>
  random.oneIn(12) ? random.pick("", ...awkward) : usual

/** Big-endian two's complement, as Avro's decimal on bytes wants it. */
export const shortestTwosComplement = (unscaled: bigint): Buffer => {
  let length = 1
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length += 1
  return twosComplement(unscaled, length)
}

/** As above, sign-extended to `length` bytes, as a fixed wants it. */
export const twosComplement = (unscaled: bigint, length: number): Buffer => {
  const digits = BigInt.asUintN(length * 8, unscaled).toString(16)
  return Buffer.from(digits.padStart(length * 2, "0"), "hex")
}

export const int64Max = 9_223_372_036_854_775_807n
export const int64Min = -9_223_372_036_854_775_808n

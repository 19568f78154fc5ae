import * as Either from "effect/Either"
import { VarintReader } from "../../varint.js"
import type { LiteralWriter } from "../Dialect.js"
import { hex } from "./bytes.js"
import { type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"

/** Digits of a decimal that is stored as text. Time to convert grows faster than the number, so it has a limit. */
export const textDigitsMax = 10_000

/** Two's complement, big-endian, at least one byte. */
const unscaled = (bytes: Uint8Array): bigint => BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex(bytes)}`))

/** As `unscaled`, for up to six bytes: a double holds 48 bits exactly, and most amounts are that short. */
const unscaledSmall = (bytes: Uint8Array): number => {
  let number = 0
  // By index: the iterator of a typed array costs more than the arithmetic.
  for (let index = 0; index < bytes.length; index++) number = number * 256 + (bytes[index] ?? 0)
  const limit = 256 ** bytes.length
  return number * 2 >= limit ? number - limit : number
}

/**
 * Twice the bytes that so many digits take, so that there is room for sign extension. More are refused before they are
 * turned into a number.
 */
const bytesMax = (digits: number): number => Math.max(64, Math.ceil(digits * Math.log2(10) / 4))

/** `digits` without a sign, with a point before the last `scale` of them. */
const withPoint = (digits: string, scale: number): string => {
  if (scale === 0) return digits
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, "0")
  const point = padded.length - scale
  return `${padded.slice(0, point)}.${padded.slice(point)}`
}

/** `spell` gets the exact digits, with `scale` of them behind the point. */
export const decimalLiteral = (
  place: Place,
  { precision, scale }: { readonly precision: number; readonly scale: number },
  spell: Spelling["decimal"]
): LiteralWriter => {
  const digitsMax = Math.min(precision, textDigitsMax)
  const lengthMax = bytesMax(digitsMax)
  const wrong = poison(place, "not the bytes of a decimal")
  const tooLong = poison(place, `more than the ${digitsMax} digits of decimal(${precision}, ${scale})`)
  return (value) => {
    if (!(value instanceof Uint8Array) || value.length === 0) return wrong
    if (value.length > lengthMax) return tooLong
    const number = value.length <= 6 ? unscaledSmall(value) : unscaled(value)
    const digits = String(number < 0 ? -number : number)
    if (digits.length > digitsMax) return tooLong
    const text = withPoint(digits, scale)
    return Either.right(spell(number < 0 ? `-${text}` : text))
  }
}

/** Of a `big-decimal`'s text with sign and point, as its column is. */
export const bigDecimalLengthMax = 255

/**
 * Avro 1.12, "Scalable Decimal": the bytes hold an Avro `bytes` of their own (the unscaled value, two's complement) and
 * an Avro `int` (the scale). Undefined where they do not.
 */
const bigDecimalParts = (bytes: Uint8Array): readonly [digits: Uint8Array, scale: number] | undefined => {
  const reader = new VarintReader(bytes, 0, bytes.length)
  const digits = reader.bytes(reader.int())
  const scale = reader.int()
  return reader.position === bytes.length && digits.length > 0 ? [digits, scale] : undefined
}

/** Digits without an exponent: those that the scale says, and no more. */
export const bigDecimalLiteral = (place: Place, quote: Spelling["quote"]): LiteralWriter => {
  const wrong = poison(place, "not the bytes of a big-decimal")
  const tooLong = poison(place, `a big-decimal of more than ${bigDecimalLengthMax} characters`)
  const lengthMax = bytesMax(bigDecimalLengthMax)
  return (value) => {
    const parts = value instanceof Uint8Array ? bigDecimalParts(value) : undefined
    if (parts === undefined) return wrong
    const [bytes, scale] = parts
    // Before the text is made: a scale of a billion would be as many zeros.
    if (bytes.length > lengthMax || scale > bigDecimalLengthMax) return tooLong
    const number = unscaled(bytes)
    if (number !== 0n && -scale > bigDecimalLengthMax) return tooLong
    const digits = String(number < 0n ? -number : number)
    const plain = scale >= 0 ? withPoint(digits, scale) : number === 0n ? "0" : digits + "0".repeat(-scale)
    const text = number < 0n ? `-${plain}` : plain
    return text.length > bigDecimalLengthMax ? tooLong : Either.right(`${quote}${text}${quote}`)
  }
}

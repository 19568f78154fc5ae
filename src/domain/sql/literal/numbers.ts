import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import type { Column } from "../TablePlan.js"
import { type Literal, poison } from "./poison.js"

const FALSE: Literal = Either.right("0")
const TRUE: Literal = Either.right("1")

export const booleanLiteral = (column: Column): LiteralWriter => {
  const wrong = poison(column, "not a boolean")
  return (value) => value === true ? TRUE : value === false ? FALSE : wrong
}

export const intLiteral = (column: Column): LiteralWriter => {
  const wrong = poison(column, "not a 32-bit integer")
  // `| 0` also turns -0 into 0, which no reader of an int can tell apart.
  return (value) => typeof value === "number" && (value | 0) === value ? Either.right(String(value | 0)) : wrong
}

export const longLiteral = (column: Column): LiteralWriter => {
  const wrong = poison(column, "not a 64-bit integer")
  return (value) =>
    typeof value === "bigint" && BigInt.asIntN(64, value) === value ? Either.right(value.toString()) : wrong
}

/** `spell` gets finite numbers only. */
export const doubleLiteral = (column: Column, spell: (value: number) => string): LiteralWriter => {
  const wrong = poison(column, "not a double")
  const unstorable = poison(column, "NaN and infinity have no value in the database")
  return (value) => typeof value !== "number" ? wrong : Number.isFinite(value) ? Either.right(spell(value)) : unstorable
}

/** Below it a float32 has fewer bits the smaller it is, and fewer than six digits may already tell it apart. */
const smallestNormalFloat = 2 ** -126

/**
 * The double with the shortest decimal form that still reads back as the same float32: 0.1 for the float32 that is
 * 0.10000000149011612 as a double. Six digits always survive a normal float32, nine always tell two apart.
 */
export const shortestFloat = (value: number): number => {
  if (value === 0) return value
  for (let digits = Math.abs(value) < smallestNormalFloat ? 1 : 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number(value.toPrecision(9))
}

export const floatLiteral = (column: Column, spell: (value: number) => string): LiteralWriter => {
  const wrong = poison(column, "not a float")
  const unstorable = poison(column, "NaN and infinity have no value in the database")
  return (value) => {
    if (typeof value !== "number") return wrong
    if (!Number.isFinite(value)) return unstorable
    return Math.fround(value) === value ? Either.right(spell(shortestFloat(value))) : wrong
  }
}

/** Two's complement, big-endian, at least one byte. */
const unscaled = (bytes: Uint8Array): bigint => {
  let magnitude = 0n
  for (const byte of bytes) magnitude = (magnitude << 8n) | BigInt(byte)
  return BigInt.asIntN(bytes.length * 8, magnitude)
}

/** As `unscaled`, for up to six bytes: a double holds 48 bits exactly, and most amounts are that short. */
const unscaledSmall = (bytes: Uint8Array): number => {
  let number = 0
  // By index: the iterator of a typed array costs more than the arithmetic.
  for (let index = 0; index < bytes.length; index++) number = number * 256 + (bytes[index] ?? 0)
  const limit = 256 ** bytes.length
  return number * 2 >= limit ? number - limit : number
}

/**
 * More bytes than any number of DECIMAL's 65 digits takes (28), with room for sign extension. Longer ones are refused
 * before they are turned into a number, which takes time with the square of their length.
 */
const decimalBytesMax = 64

/** `digits` without a sign, with a point before the last `scale` of them. */
const withPoint = (digits: string, scale: number): string => {
  if (scale === 0) return digits
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, "0")
  const point = padded.length - scale
  return `${padded.slice(0, point)}.${padded.slice(point)}`
}

/** `spell` gets the exact digits, with `scale` of them behind the point. */
export const decimalLiteral = (
  column: Column,
  { precision, scale }: { readonly precision: number; readonly scale: number },
  spell: (digits: string) => string
): LiteralWriter => {
  const wrong = poison(column, "not the bytes of a decimal")
  const tooLong = poison(column, `more than the ${precision} digits of decimal(${precision}, ${scale})`)
  return (value) => {
    if (!(value instanceof Uint8Array) || value.length === 0) return wrong
    if (value.length > decimalBytesMax) return tooLong
    const number = value.length <= 6 ? unscaledSmall(value) : unscaled(value)
    const digits = String(number < 0 ? -number : number)
    if (digits.length > precision) return tooLong
    const text = withPoint(digits, scale)
    return Either.right(spell(number < 0 ? `-${text}` : text))
  }
}

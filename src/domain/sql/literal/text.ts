import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import { hex } from "./bytes.js"
import { type Literal, type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"

/** Any half of a surrogate pair; with the flag `u` only those without their other half. */
const surrogate = /[\ud800-\udfff]/
const loneSurrogate = /[\ud800-\udfff]/u

/** Whether text can be encoded as UTF-8. */
export const isWellFormed = (text: string): boolean => !surrogate.test(text) || !loneSurrogate.test(text)

export const malformedText = "half of a surrogate pair has no encoding in UTF-8"

/** Whether it has more code points, as MySQL counts characters; only text near the limit is walked. */
const isLonger = (text: string, lengthMax: number): boolean =>
  text.length > lengthMax && (text.length > 2 * lengthMax || Array.from(text).length > lengthMax)

/** `spell` gets text that is well-formed, and so can be encoded as UTF-8. */
export const stringLiteral = (place: Place, lengthMax: number | undefined, spell: Spelling["text"]): LiteralWriter => {
  const wrong = poison(place, "not a string")
  const malformed = poison(place, malformedText)
  const tooLong = poison(place, `more than the ${lengthMax} characters of the column`)
  return (value) => {
    if (typeof value !== "string") return wrong
    if (!isWellFormed(value)) return malformed
    return lengthMax !== undefined && isLonger(value, lengthMax) ? tooLong : Either.right(spell(value))
  }
}

export const enumLiteral = (
  place: Place,
  symbols: ReadonlyArray<string>,
  spell: Spelling["text"]
): LiteralWriter => {
  const wrong = poison(place, "not a symbol of the enum")
  const literals = new Map<unknown, Literal>(symbols.map((symbol) => [symbol, Either.right(spell(symbol))]))
  return (value) => literals.get(value) ?? wrong
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** From a string, or the 16 bytes of a fixed. `spell` gets lower case. */
const uuidWriter = (place: Place, spell: (text: string) => string): LiteralWriter => {
  const wrong = poison(place, "not a UUID")
  return (value) => {
    if (typeof value === "string") return uuid.test(value) ? Either.right(spell(value.toLowerCase())) : wrong
    if (!(value instanceof Uint8Array) || value.length !== 16) return wrong
    const digits = hex(value)
    const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)]
    return Either.right(spell(`${groups.join("-")}-${digits.slice(20)}`))
  }
}

export const uuidLiteral = (place: Place, quote: Spelling["quote"]): LiteralWriter =>
  uuidWriter(place, (text) => `${quote}${text}${quote}`)

/** The 16 bytes in the order of the text. */
export const uuidBytesLiteral = (place: Place): LiteralWriter =>
  uuidWriter(place, (text) => `x'${text.replaceAll("-", "")}'`)

const sha256 = /^[0-9a-f]{64}$/

export const hashLiteral = (place: Place): LiteralWriter => {
  const wrong = poison(place, "not a SHA-256 in hexadecimal")
  return (value) => typeof value === "string" && sha256.test(value) ? Either.right(`'${value}'`) : wrong
}

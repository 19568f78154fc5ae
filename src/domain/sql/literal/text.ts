import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import type { Column } from "../TablePlan.js"
import { hex } from "./bytes.js"
import { type Literal, poison } from "./poison.js"

/** Any half of a surrogate pair; with the flag `u` only those without their other half. */
const surrogate = /[\ud800-\udfff]/
const loneSurrogate = /[\ud800-\udfff]/u

/** `spell` gets text that is well-formed, and so can be encoded as UTF-8. */
export const stringLiteral = (column: Column, spell: (text: string) => string): LiteralWriter => {
  const wrong = poison(column, "not a string")
  const malformed = poison(column, "half of a surrogate pair has no encoding in UTF-8")
  return (value) => {
    if (typeof value !== "string") return wrong
    if (surrogate.test(value) && loneSurrogate.test(value)) return malformed
    return Either.right(spell(value))
  }
}

export const enumLiteral = (
  column: Column,
  symbols: ReadonlyArray<string>,
  spell: (text: string) => string
): LiteralWriter => {
  const wrong = poison(column, "not a symbol of the enum")
  const literals = new Map<unknown, Literal>(symbols.map((symbol) => [symbol, Either.right(spell(symbol))]))
  return (value) => literals.get(value) ?? wrong
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A string, or the 16 bytes of a fixed. */
export const uuidLiteral = (column: Column): LiteralWriter => {
  const wrong = poison(column, "not a UUID")
  return (value) => {
    if (typeof value === "string") return uuid.test(value) ? Either.right(`'${value.toLowerCase()}'`) : wrong
    if (!(value instanceof Uint8Array) || value.length !== 16) return wrong
    const digits = hex(value)
    const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)]
    return Either.right(`'${groups.join("-")}-${digits.slice(20)}'`)
  }
}

import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import { type Literal, type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"

export const booleanLiteral = (place: Place, spell: Spelling["boolean"]): LiteralWriter => {
  const [no, yes]: readonly [Literal, Literal] = [Either.right(spell(false)), Either.right(spell(true))]
  const wrong = poison(place, "not a boolean")
  return (value) => value === true ? yes : value === false ? no : wrong
}

export const intLiteral = (place: Place): LiteralWriter => {
  const wrong = poison(place, "not a 32-bit integer")
  // `| 0` also turns -0 into 0, which no reader of an int can tell apart.
  return (value) => typeof value === "number" && (value | 0) === value ? Either.right(String(value | 0)) : wrong
}

export const longLiteral = (place: Place): LiteralWriter => {
  const wrong = poison(place, "not a 64-bit integer")
  return (value) =>
    typeof value === "bigint" && BigInt.asIntN(64, value) === value ? Either.right(value.toString()) : wrong
}

/** `spell` gets finite numbers only. */
export const doubleLiteral = (place: Place, spell: Spelling["double"]): LiteralWriter => {
  const wrong = poison(place, "not a double")
  const unstorable = poison(place, "NaN and infinity have no value in the database")
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

/** `asFloat`: for a column of single precision, which refuses the shortest form of the largest float (error 1264). */
export const floatLiteral = (place: Place, spell: Spelling["double"], asFloat = false): LiteralWriter => {
  const wrong = poison(place, "not a float")
  const unstorable = poison(place, "NaN and infinity have no value in the database")
  return (value) => {
    if (typeof value !== "number") return wrong
    if (!Number.isFinite(value)) return unstorable
    if (Math.fround(value) !== value) return wrong
    return Either.right(spell(asFloat ? value : shortestFloat(value)))
  }
}

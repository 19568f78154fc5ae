import * as Either from "effect/Either"
import type { LiteralWriter } from "../Dialect.js"
import { type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const hex = (bytes: Uint8Array): string => asBuffer(bytes).toString("hex")

export const base64 = (bytes: Uint8Array): string => asBuffer(bytes).toString("base64")

export const hexOfText = (text: string): string => Buffer.from(text, "utf8").toString("hex")

/** `x'…'` is the same in MySQL and SQLite, in every sql_mode. */
export const hexLiteral = (bytes: Uint8Array): string => `x'${hex(bytes)}'`

export const bytesLiteral = (place: Place, lengthMax: number | undefined, spell: Spelling["bytes"]): LiteralWriter => {
  const wrong = poison(place, "not bytes")
  const tooLong = poison(place, `more than the ${lengthMax} bytes of the column`)
  return (value) => {
    if (!(value instanceof Uint8Array)) return wrong
    return lengthMax !== undefined && value.length > lengthMax ? tooLong : Either.right(spell(value))
  }
}

export const fixedLiteral = (place: Place, size: number, spell: Spelling["bytes"]): LiteralWriter => {
  const wrong = poison(place, `not ${size} bytes`)
  return (value) => value instanceof Uint8Array && value.length === size ? Either.right(spell(value)) : wrong
}

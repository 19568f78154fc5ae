import * as Either from "effect/Either"
import type { LiteralWriter, Poison } from "./Dialect.js"
import type { Column } from "./TablePlan.js"

/** SHA-256 of text, as UTF-8, or bytes, in lower-case hexadecimal. Given from outside: nothing in the domain computes it. */
export type Digest = (data: string | Uint8Array) => string

/** What stands for a value in its digest: text and bytes as they are, numbers and booleans as their decimal or word. */
const canonical = (value: unknown): string | Uint8Array | undefined => {
  if (typeof value === "string" || value instanceof Uint8Array) return value
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean"
    ? String(value)
    : undefined
}

/** Writes the digest of a value, and NULL as NULL: that there is nothing is no secret. */
export const hashed = (column: Column, write: LiteralWriter, digest: Digest): LiteralWriter => {
  const wrong: Either.Either<never, Poison> = Either.left({
    column: column.name,
    reason: "not text, bytes or a number"
  })
  return (value) => {
    if (value === null) return write(null)
    const data = canonical(value)
    return data === undefined ? wrong : write(digest(data))
  }
}

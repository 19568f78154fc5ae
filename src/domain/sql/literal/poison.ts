import * as Either from "effect/Either"
import type { LiteralWriter, Poison } from "../Dialect.js"

/** What a `Poison` names: a column, and inside a JSON column the field. */
export interface Place {
  readonly name: string
  readonly within?: string
}

export type Literal = Either.Either<string, Poison>

/** Writes a value of one kind; the place is only for naming it in a `Poison`. */
export type WriterOf = (place: Place) => LiteralWriter

/** Made once per place and reason, because a poisoned topic has many. */
export const poisonOf = ({ name, within }: Place, reason: string): Poison => ({
  column: name,
  reason: within === undefined ? reason : `${reason} (${within})`
})

/** The answer for a value that cannot be stored. */
export const poison = (place: Place, reason: string): Literal => Either.left(poisonOf(place, reason))

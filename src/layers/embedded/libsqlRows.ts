import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Rows as a statement of ours must give them; anything else is a bug here or a broken contract of the driver. */
export function rowsOf<A, I>(
  row: Schema.Schema<A, I>
): (rows: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<A>> {
  const decode: (rows: unknown) => Effect.Effect<ReadonlyArray<A>, ParseResult.ParseError> = Schema.decodeUnknown(
    Schema.Array(row)
  )
  return (rows) => Effect.orDie(decode(rows))
}

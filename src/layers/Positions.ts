import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DestinationError } from "./Destination.js"

/** What the database says of one partition: the truth about what has become rows. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly group: string
  /** Next offset to consume. */
  readonly offset: bigint
  /** Since the row was last written, by the database's own clock; undefined where it keeps no time. */
  readonly ageMs: number | undefined
}

/** Tributary's own positions, beside the pipeline: nothing is written, nothing is waited for. */
export class Positions extends Context.Tag("tributary/Positions")<Positions, {
  /** Ascending by partition for each of the wanted; empty while nobody has prepared the database. */
  readonly stored: (
    wanted: ReadonlyArray<{ readonly topic: string; readonly group: string }>
  ) => Effect.Effect<ReadonlyArray<Position>, DestinationError>
}>() {}

/** Where no database is looked at. */
export const layerNone: Layer.Layer<Positions> = Layer.succeed(Positions, { stored: () => Effect.succeed([]) })

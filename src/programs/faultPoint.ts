import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Places where the order of what happens matters most. A simulation stops, kills or delays a process there. */
export type FaultPoint =
  /** Partitions are assigned, nothing of them is claimed. */
  | "assigned"
  | "before acquire"
  /** The stored offset is claimed, the position in Kafka is still another one. */
  | "claimed"
  /** A slice is taken from the queue, no transaction has begun. */
  | "before write"
  /** The transaction has an outcome that nobody knows of yet. */
  | "before publish"
  | "before resolve"
  /** Another owner was noticed. */
  | "fenced"
  /** Told to stop; transactions may still run. */
  | "stopping"

/** What happens at a fault point; outside of a simulation nothing. */
export class FaultPoints extends Context.Reference<FaultPoints>()("tributary/FaultPoints", {
  defaultValue: (): (name: FaultPoint) => Effect.Effect<void> => () => Effect.void
}) {}

/** Marks a fault point. Costs about as much as reading a clock: for what is done per batch, never per record. */
export const faultPoint = (name: FaultPoint): Effect.Effect<void> => Effect.flatMap(FaultPoints, (meet) => meet(name))

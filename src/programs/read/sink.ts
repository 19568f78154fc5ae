import type * as Effect from "effect/Effect"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import type { CommandError } from "../exitCodes.js"

/** Where the records of one member go. */
export interface Sink {
  /**
   * Asked whenever partitions are assigned, before anything of them is fetched, with the offsets at which the group would
   * begin (committed, or by the options). Answers, for the same partitions, where to begin: an output that stores its own
   * position knows better than the group what it already has.
   */
  readonly begin: (
    topic: string,
    starts: ReadonlyMap<number, bigint>
  ) => Effect.Effect<ReadonlyMap<number, bigint>, CommandError>
  /**
   * Writes the records of one poll, in order. They are where they belong, also through a power cut, when it returns: only
   * then may their offsets be committed.
   */
  readonly write: (records: ReadonlyArray<ConsumerRecord>) => Effect.Effect<void, CommandError>
}

/** The sink of the member of this name (`consumer-thread-0`). */
export type Sinks = (member: string) => Sink

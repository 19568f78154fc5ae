import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Isolation, KafkaRefused, KafkaUnavailable } from "./Consumer.js"

/** Reads a record's time beside any consumer group. */
export class RecordTimes extends Context.Tag("tributary/RecordTimes")<RecordTimes, {
  /**
   * For each partition and offset of a topic: the timestamp (milliseconds since the epoch) of the first record at or after
   * the offset that a reader of this isolation sees. A partition that has none is absent; undefined is one whose next
   * record was not found among what was looked at (a long stretch of aborted records), or that has no time.
   */
  readonly next: (
    request: {
      readonly topic: string
      readonly isolation: Isolation
      readonly offsets: ReadonlyMap<number, bigint>
    }
  ) => Effect.Effect<ReadonlyMap<number, number | undefined>, KafkaUnavailable | KafkaRefused>
}>() {}

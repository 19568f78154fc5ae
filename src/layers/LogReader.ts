import * as Context from "effect/Context"
import type * as Stream from "effect/Stream"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

/**
 * What an offset of a log holds. `record`: data, which becomes a row. `tombstone`: its value is null, and where tombstones
 * are ignored it never becomes one. `hidden`: an aborted record or a transaction marker, which no reader may see.
 */
export interface LogEntry {
  readonly offset: bigint
  readonly kind: "record" | "tombstone" | "hidden"
}

/** Reads a log beside any consumer group, to tell whether an offset should be a row or not. */
export class LogReader extends Context.Tag("tributary/LogReader")<LogReader, {
  /**
   * What the log holds from `from` (inclusive) to `to` (exclusive), ascending, in pieces as they are fetched. What
   * retention and compaction took is absent. Ends at the last stable offset.
   */
  readonly entries: (
    request: { readonly topic: string; readonly partition: number; readonly from: bigint; readonly to: bigint }
  ) => Stream.Stream<ReadonlyArray<LogEntry>, KafkaUnavailable | KafkaRefused>
}>() {}

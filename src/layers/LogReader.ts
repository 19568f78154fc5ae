import * as Context from "effect/Context"
import type * as Stream from "effect/Stream"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

/** An offset of a log that holds a data record. */
export interface LogEntry {
  readonly offset: bigint
  /** Its value is null: where tombstones are ignored it never becomes a row. */
  readonly tombstone: boolean
}

/** Reads a log beside any consumer group, to tell whether an offset without a row is a lost record or no record. */
export class LogReader extends Context.Tag("tributary/LogReader")<LogReader, {
  /**
   * What a reader at read_committed finds from `from` (inclusive) to `to` (exclusive), ascending, in pieces as they are
   * fetched. Control records, aborted records and what compaction took are absent. Ends at the last stable offset.
   */
  readonly entries: (
    request: { readonly topic: string; readonly partition: number; readonly from: bigint; readonly to: bigint }
  ) => Stream.Stream<ReadonlyArray<LogEntry>, KafkaUnavailable | KafkaRefused>
}>() {}

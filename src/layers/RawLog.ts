import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Stream from "effect/Stream"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

/** A piece of a log, byte for byte as it is stored. Nothing is checked but where batches end. */
export interface RawPiece {
  /** Whole batches, one after the other. */
  readonly bytes: Uint8Array
  /** Where `bytes[0]` stands. */
  readonly position: number
  /** Only of the last piece: bytes follow that are no whole batch, and nothing can be read behind them. */
  readonly rest?: { readonly bytes: number; readonly reason: string }
}

/** Reads the log of a partition without decoding it, aborted records and the markers of transactions included. */
export class RawLog extends Context.Tag("tributary/RawLog")<RawLog, {
  /**
   * The batches from the one that holds `from` on, as long as they begin before `to`; ends at the end that the log has
   * when it is asked for. A broker does not tell where a batch stands in its files, so that positions count from the
   * first batch of the answer.
   */
  readonly pieces: (
    request: { readonly topic: string; readonly partition: number; readonly from: bigint; readonly to: bigint }
  ) => Stream.Stream<RawPiece, KafkaUnavailable | KafkaRefused>
}>() {}

export class SegmentUnreadable extends Data.TaggedError("SegmentUnreadable")<{
  readonly file: string
  /** The system's word: ENOENT. */
  readonly reason: string
  readonly cause: unknown
}> {
  override get message(): string {
    return `cannot read ${this.file}: ${this.reason}`
  }
}

/** Reads segment files: those of a broker's log directory, or of the embedded log. */
export class SegmentFiles extends Context.Tag("tributary/SegmentFiles")<SegmentFiles, {
  /** The file up to the size that it has now; positions are the file's own. */
  readonly pieces: (file: string) => Stream.Stream<RawPiece, SegmentUnreadable>
}>() {}

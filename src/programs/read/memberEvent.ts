import * as Data from "effect/Data"
import type { CommitFailed } from "../../layers/Consumer.js"

export interface PartitionOffset {
  readonly partition: number
  /** Next offset to read. */
  readonly offset: bigint
}

/** What happens to one member, in order; for its owner to print, to count or to draw. Partitions are ascending. */
export type MemberEvent = Data.TaggedEnum<{
  /** `tookMs`: since the member began to join. `positions`: where it begins to read. */
  Assigned: {
    readonly generation: number
    readonly positions: ReadonlyArray<PartitionOffset>
    readonly tookMs: number
  }
  /** Given back in order. `tookMs`: from the news of the rebalance until they were free, the poll in work included. */
  Revoked: { readonly partitions: ReadonlyArray<number>; readonly tookMs: number }
  /** Somebody else may have them already. `tookMs`: from the news until the poll that has noticed it. */
  Lost: { readonly partitions: ReadonlyArray<number>; readonly reason: string; readonly tookMs: number }
  /** The log does not hold `position`; the reset rule has chosen another. */
  OutOfRange: { readonly partition: number; readonly position: bigint; readonly offset: bigint }
  Committed: { readonly offsets: ReadonlyArray<PartitionOffset>; readonly tookMs: number }
  CommitFailed: {
    readonly offsets: ReadonlyArray<PartitionOffset>
    readonly error: CommitFailed
    /** What is done about it. */
    readonly next: string
  }
  /** The member is told to stop (Java: `wakeup`). It still finishes what is in work, commits and leaves. */
  Wakeup: {}
}>
export const MemberEvent = Data.taggedEnum<MemberEvent>()

/** What the poll loop measures, for the client's metrics. Called for each batch or poll, synchronously. */
export interface Measures {
  readonly fetched: (bytes: number, records: number) => void
  readonly polled: (partition: number, position: bigint, records: number) => void
}

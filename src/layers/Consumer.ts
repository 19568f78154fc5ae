import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { FetchedBatch } from "../domain/KafkaRecord.js"

/** No broker answers. Only joining fails with it; a membership that exists retries by itself, for ever. */
export class KafkaUnavailable
  extends Data.TaggedError("KafkaUnavailable")<{ readonly what: string; readonly cause: unknown }>
{
  override get message(): string {
    return `cannot reach Kafka: ${this.what}`
  }
}

/** The brokers answer and refuse, or the client cannot go on: retrying without a change does not help. */
export class KafkaRefused extends Data.TaggedError("KafkaRefused")<{
  readonly what: string
  readonly cure: string
  readonly cause?: unknown
  /** `locked`: another process has what only one at a time may have, so that there is nothing to wait for. */
  readonly kind?: "locked"
}> {
  override get message(): string {
    return `${this.what}; ${this.cure}`
  }
}

/**
 * What happens to a membership, in order. Every `Assigned` replaces everything that was held before (eager protocol):
 * it implies that the old generation is lost. All its partitions are paused until `seek` and `resume`.
 */
export type GroupEvent = Data.TaggedEnum<{
  Assigned: { readonly generation: number; readonly partitions: ReadonlyArray<number> }
  /**
   * Nothing is held any more. `revoked`: the group rebalances, and until the member has joined again nobody else has
   * the partitions. `lost`: another member may own them already. A new `Assigned` follows.
   */
  Lost: { readonly generation: number; readonly reason: string; readonly kind: "revoked" | "lost" }
}>
export const GroupEvent = Data.taggedEnum<GroupEvent>()

export interface JoinOptions {
  readonly topic: string
  readonly group: string
  /**
   * Called for each fetch, in offset order per partition, synchronously. It must neither block nor throw. Answers
   * whether to go on fetching this partition ("pause" holds until `resume`).
   */
  readonly onBatch: (batch: FetchedBatch) => "fetch" | "pause"
  /** `read_committed` unless told otherwise. `read_uncommitted` also brings what is aborted or not yet decided. */
  readonly isolation?: Isolation
  /**
   * Runs when the group rebalances, before this member joins again: what it commits still counts, and the others wait
   * for it, at most as long as a session. Not run when the membership is lost.
   */
  readonly onRevoked?: (partitions: ReadonlyArray<number>) => Effect.Effect<void>
}

export type Isolation = "read_committed" | "read_uncommitted"

/** The offsets are not committed, or it is not known whether they are (no answer). */
export class CommitFailed extends Data.TaggedError("CommitFailed")<{
  readonly reason: string
  /** `fenced`: the group has rebalanced, so that the offsets are another member's business now. */
  readonly kind: "fenced" | "unavailable"
}> {
  override get message(): string {
    return this.reason
  }
}

/** One member of one group on one topic. It leaves the group when its scope closes. */
export interface Membership {
  /** Ends with `KafkaRefused` when the client is beyond repair. */
  readonly events: Mailbox.ReadonlyMailbox<GroupEvent, KafkaRefused>
  /** Next fetch of the partition starts at `offset`; what was fetched before and not delivered is discarded. */
  readonly seek: (partition: number, offset: bigint) => Effect.Effect<void>
  readonly pause: (partition: number) => Effect.Effect<void>
  readonly resume: (partition: number) => Effect.Effect<void>
  /**
   * Waits until the coordinator has answered a heartbeat sent after this call, in the current generation (PROTOCOL:
   * a fenced owner must not acquire again before). Never returns if the generation is over: a new `Assigned` follows.
   */
  readonly confirmed: Effect.Effect<void>
  /**
   * Commits the group's offsets (next to read) to Kafka. Waits for the answer, no longer than the request timeout; fails
   * with `fenced` where a partition is not held by this member now.
   */
  readonly commit: (
    offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>
  ) => Effect.Effect<void, CommitFailed>
}

export class Consumer extends Context.Tag("tributary/Consumer")<Consumer, {
  /** Joins `group` for `topic`. Offsets never come from Kafka: fetching begins where `seek` says. */
  readonly join: (options: JoinOptions) => Effect.Effect<Membership, KafkaUnavailable | KafkaRefused, Scope.Scope>
}>() {}

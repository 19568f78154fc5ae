import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { DeadLetter } from "../domain/DeadLetter.js"
import type { Dialect } from "../domain/sql/Dialect.js"
import type { TablePlan } from "../domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../domain/TopicSettings.js"

/** No answer, or an answer that heals by itself (lock waits, restarts, read-only): back off and try again, for ever. */
export class DestinationUnavailable extends Data.TaggedError("DestinationUnavailable")<{
  readonly what: string
  readonly code: number
  readonly cause?: unknown
}> {
  override get message(): string {
    return this.what
  }
}

/** Needs a person: what is wrong and the statement or setting that cures it. */
export class DestinationRefused extends Data.TaggedError("DestinationRefused")<{
  readonly what: string
  readonly cure: string
  readonly kind: "credentials" | "configuration" | "held"
  readonly code?: number
}> {
  override get message(): string {
    return `${this.what}; ${this.cure}`
  }
}
export type DestinationError = DestinationUnavailable | DestinationRefused

/** One life of one topic as read by one group of one pipeline: a row of `kafka_sources`. */
export interface SourceIdentity {
  readonly clusterId: string
  readonly topic: string
  /** "" where the broker cannot tell. */
  readonly topicId: string
  readonly group: string
  readonly pipeline: string
}

/** A row of `kafka_offsets`. */
export interface StoredOffset {
  readonly topic: string
  readonly partition: number
  readonly group: string
  /** Next offset to consume. */
  readonly offset: bigint
  /** 0: adopted, not yet acquired by Tributary. */
  readonly sourceId: number
}

/** The right to write a partition: valid as long as the row still says generation and owner. */
export interface Claim {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly generation: bigint
  readonly owner: string
  readonly sourceId: number
  /** Stored offset when the claim was made. */
  readonly offset: bigint
}

export interface AcquireRequest {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly sourceId: number
  /** Random id of this acquisition. */
  readonly owner: string
  /** Offset of the new row where there is none yet. */
  readonly initial: bigint
}

export interface WriteRequest {
  readonly claim: Claim
  /** Stored offset before: the end of the batch before. */
  readonly expected: bigint
  readonly next: bigint
  /** What the records do to their tables, complete; none: only the offset moves. */
  readonly statements: ReadonlyArray<string>
  /** Records that cannot become rows, stored in the same transaction after the statements. */
  readonly letters: ReadonlyArray<DeadLetter>
}

/** How an error of the database is dealt with (PROTOCOL section 11). */
export type ErrorClass =
  | "retriable"
  | "reconnect"
  | "wait-then-poison"
  | "poison"
  | "already-there"
  | "setup"
  | "unlisted"

export class WriteError extends Data.TaggedError("WriteError")<{
  readonly class: ErrorClass
  readonly code: number
  readonly what: string
  /** The database's own words, without the values that it quotes. */
  readonly reason?: string
  /** The column that the server names. */
  readonly column?: string
  /** For setup errors: the statement or setting that cures it. */
  readonly cure?: string
}> {
  override get message(): string {
    return this.what
  }
}

export type WriteOutcome = Data.TaggedEnum<{
  Committed: {}
  /** Nothing of it is in the database. */
  RolledBack: { readonly error: WriteError }
  /** Another owner holds the partition, or the stored offset is not `expected`. Nothing was written. */
  Fenced: {}
  /** COMMIT was sent and its answer did not arrive. Resolve by looking, never by retrying. */
  Unknown: { readonly error: WriteError }
}>
export const WriteOutcome = Data.taggedEnum<WriteOutcome>()

/** What the row says of a transaction whose outcome is unknown. `ForeignWriter`: ours, but the offset is neither. */
export type Resolution = "Committed" | "NotCommitted" | "Fenced" | "ForeignWriter"

/** What the row says (protocol section 6); undefined: somebody has deleted it, and the claim with it. */
export const resolutionOf = (
  { claim, expected, next }: WriteRequest,
  row: { readonly offset: bigint; readonly generation: bigint | null; readonly owner: string | null } | undefined
): Resolution => {
  if (row === undefined || row.generation !== claim.generation || row.owner !== claim.owner) return "Fenced"
  if (row.offset === next) return "Committed"
  // Behind where the transaction began: a fail-over has lost the last ones, offsets and rows together. The partition is
  // claimed anew and read from there, as when a compare-and-set finds such a row.
  if (row.offset < expected) return "Fenced"
  return row.offset === expected ? "NotCommitted" : "ForeignWriter"
}

/** Rows of one partition as one consistent snapshot shows them, for `verify`. */
export interface PartitionRows {
  readonly topic: string
  readonly partition: number
  readonly group: string
  /** Undefined: the table has rows of the partition, and `kafka_offsets` has no row of it. */
  readonly storedOffset: bigint | undefined
  /** Undefined where the table has no `_source`, `_partition`, `_offset`: only offsets can be compared. */
  readonly rows?: {
    readonly count: bigint
    /** Different offsets among `count`; less means repeats. */
    readonly distinctOffsets: bigint
    readonly firstOffset: bigint | null
    readonly lastOffset: bigint | null
    /** Rows at or beyond the stored offset. */
    readonly beyondStored: bigint
  }
}

export interface TableReady {
  /** Whether the table has `_source`, `_partition`, `_offset`; a table that somebody else has made may lack them. */
  readonly keyColumns: boolean
  /** Names of the plan's columns that the table lacks and is not to get (evolution `none`): nothing is written to them. */
  readonly ignored: ReadonlySet<string>
}

/** Which offsets of one partition: from `from` (inclusive) to `to` (exclusive), ascending, at most `limit`. */
export interface LetterOffsetsRequest {
  readonly sourceId: number
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  readonly limit: number
}

export class Destination extends Context.Tag("tributary/Destination")<Destination, {
  /** Of the server that answers: MySQL and MariaDB differ. Known once a connection has been made. */
  readonly dialect: Effect.Effect<Dialect, DestinationError>
  /** Checks the server and creates or adopts Tributary's own tables. Idempotent, safe while others do the same. */
  readonly prepare: Effect.Effect<void, DestinationError>
  /** Id of the identity's row in `kafka_sources`, created where missing. Refused ("held") where it contradicts the stored ones. */
  readonly source: (identity: SourceIdentity) => Effect.Effect<number, DestinationError>
  /** Of all partitions, or of `partition` alone. */
  readonly stored: (
    topic: string,
    group: string,
    partition?: number
  ) => Effect.Effect<ReadonlyArray<StoredOffset>, DestinationError>
  /** Raises the generation and takes ownership in one short transaction. Waits for a running transaction of the old owner. */
  readonly acquire: (request: AcquireRequest) => Effect.Effect<Claim, DestinationError>
  /**
   * One transaction: compare-and-set on the offset first, then the statements. An interruption before COMMIT is sent
   * rolls back, later ones wait for its answer; either way the outcome is the result, which a caller that may be
   * interrupted gets only if it calls and publishes in one `Effect.uninterruptible`.
   */
  readonly write: (request: WriteRequest) => Effect.Effect<WriteOutcome>
  /** On a fresh connection; waits for the transaction in question to end. */
  readonly resolve: (request: WriteRequest) => Effect.Effect<Resolution, DestinationError>
  /** Creates the table, or makes it fit the plan as far as the policy allows. Outside of any data transaction. */
  readonly ensureTable: (plan: TablePlan, policy: EvolutionPolicy) => Effect.Effect<TableReady, DestinationError>
  /**
   * Whether there is a table to delete from. Refused where the plan's key is not the whole key of its rows: a deletion by
   * a part of it would take the rows of other records along.
   */
  readonly deletable: (plan: TablePlan) => Effect.Effect<boolean, DestinationError>
  /** Names of all tables with `_source`, `_partition` and `_offset`. */
  readonly keyedTables: Effect.Effect<ReadonlyArray<string>, DestinationError>
  /** Whether the table holds rows of this source and partition (missing table: no). */
  readonly holdsRows: (table: string, sourceId: number, partition: number) => Effect.Effect<boolean, DestinationError>
  /**
   * Stored offsets and rows of these tables, all in one snapshot: the partitions that have a stored offset, and those
   * that have rows of the group's source alone. A table that is missing has no rows; where `kafka_offsets` is missing,
   * nothing is stored.
   */
  readonly snapshot: (
    wanted: ReadonlyArray<{ readonly topic: string; readonly group: string; readonly table: string }>
  ) => Effect.Effect<ReadonlyArray<PartitionRows>, DestinationError>
  /** All offsets from `from` (inclusive) to `to` (exclusive) of which the table has a row, ascending, at most `limit`. */
  readonly rowOffsets: (
    request: {
      readonly table: string
      readonly sourceId: number
      readonly partition: number
      readonly from: bigint
      readonly to: bigint
      readonly limit: number
    }
  ) => Effect.Effect<ReadonlyArray<bigint>, DestinationError>
  /** Offsets of which `dead_letters` has a row, replayed or not. Where that table is missing there are none. */
  readonly letterOffsets: (request: LetterOffsetsRequest) => Effect.Effect<ReadonlyArray<bigint>, DestinationError>
}>() {}

/** A partition of a topic. */
export interface Place {
  readonly topic: string
  readonly partition: number
}

/** A record that a reader at `read_committed` is to see. */
export interface SourceRecord {
  readonly offset: bigint
  /** What tells it from all others; the row of this record says the same. */
  readonly content: string
}

/** The log of a partition when everything has come to rest. */
export interface SourceLog extends Place {
  readonly low: bigint
  /** The next offset that would be given out, behind control records and aborted ones. */
  readonly end: bigint
  /** Ascending; without those below `low`. */
  readonly records: ReadonlyArray<SourceRecord>
  /** Offsets whose transaction was aborted: a row of one is the effect of a batch that was rolled back. */
  readonly aborted: ReadonlyArray<bigint>
}

/** A row of the target table, committed. */
export interface TargetRow extends Place {
  readonly offset: bigint
  readonly content: string
  /** Rises with each insertion; rows of one partition must have it in the order of their offsets. */
  readonly seq: number
}

/** A dead letter, committed. */
export interface LetterRow extends Place {
  readonly offset: bigint
}

/**
 * A committed change of the row in `kafka_offsets`, in the order of their commits. One that raises the generation is an
 * acquisition; `from` undefined: the row was made.
 */
export interface OffsetMove extends Place {
  readonly seq: number
  readonly from: bigint | undefined
  readonly to: bigint
  readonly generation: bigint
  readonly owner: string
  /** A person has moved it (`offsets reset`, or a fail-over that has lost transactions): going back is no finding. */
  readonly reset?: boolean
  /** Offsets that the same transaction has given a row or a letter, where that is known. */
  readonly effects?: ReadonlyArray<bigint>
}

/** What was seen of one process while it ran. */
export type Observation =
  /** Records that a partition's queue and backlog held at some time; the bound is what was promised. */
  | { readonly kind: "queue"; readonly process: string; readonly held: number; readonly bound: number }
  /** From the request to stop until the end. */
  | { readonly kind: "drain"; readonly process: string; readonly ms: number; readonly deadlineMs: number }
  /** Left over when the process had ended, or more than at the same point before. */
  | {
    readonly kind: "leak"
    readonly process: string
    readonly what: "fiber" | "connection" | "handle"
    readonly count: number
  }
  /** Nobody had the partition though members were there, for longer than a rebalance may take. */
  | { readonly kind: "unowned"; readonly place: Place; readonly ms: number; readonly allowedMs: number }
  /** The lag had not become zero so long after the last fault. */
  | { readonly kind: "lag"; readonly place: Place; readonly lag: bigint; readonly afterMs: number }
  /** A process has ended that nobody had told to, or has written what only a bug makes it write. */
  | { readonly kind: "crash"; readonly process: string; readonly what: string }

/** All that is known of a run, simulated or on real servers, when it is over. */
export interface History {
  readonly logs: ReadonlyArray<SourceLog>
  readonly rows: ReadonlyArray<TargetRow>
  readonly letters: ReadonlyArray<LetterRow>
  readonly moves: ReadonlyArray<OffsetMove>
  /** As they are at the end. */
  readonly stored: ReadonlyArray<Place & { readonly offset: bigint }>
  readonly observations: ReadonlyArray<Observation>
}

/** What must never be, in the words of the field. */
export type FindingKind =
  | "lost"
  | "repeated"
  | "out of order"
  | "wrong content"
  | "row of no record"
  | "effect of an aborted transaction"
  | "effect by a fenced owner"
  | "stored offset went back"
  | "row without its offset"
  | "dead letter without its offset"
  | "row and dead letter of one record"
  | "lag never reached zero"
  | "queue bound exceeded"
  | "drain deadline missed"
  | "leak"
  | "partition owned by nobody"
  | "crash"

export interface Finding {
  readonly kind: FindingKind
  /** Where and what, with the first few examples. */
  readonly what: string
}

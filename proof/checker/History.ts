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
  /** It is to leave no row and no letter: a tombstone that is passed over. The stored offset covers it all the same. */
  readonly rowless?: true
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
  /**
   * Rises with each insertion; rows of one partition must have it in the order of their offsets. Missing where the table
   * cannot tell: then order is not checked.
   */
  readonly seq?: number
}

/** A dead letter, committed. */
export interface LetterRow extends Place {
  readonly offset: bigint
  /** It has been replayed since: the record has its row, and has it later than those behind it. */
  readonly replayed?: true
}

/**
 * A committed change of the row in `kafka_offsets`. `seq` rises with the commits of one partition. One that raises the
 * generation is an acquisition; `from` undefined: the row was made.
 */
export interface OffsetMove extends Place {
  readonly seq: number
  readonly from: bigint | undefined
  readonly to: bigint
  /** Generation and owner of the claim by which it was made, where that is known, not those that stand in the row. */
  readonly generation: bigint
  readonly owner: string
  /** The process that made it, where that is known: one that is not the process of the acquisition has been fenced. */
  readonly writer?: string
  /**
   * Not moved by an owner: a person (`offsets reset`), or a fail-over that has lost transactions. Going back is no
   * finding then; generation and owner are those that the row has after it, and rows at or beyond `to` went with it.
   */
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
  /** Records of whose place nobody was told: some row of the topic must say the same. */
  readonly unplaced?: ReadonlyArray<{ readonly topic: string; readonly content: string }>
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
  | "stored offset jumped"
  | "stored offset beyond the log"
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

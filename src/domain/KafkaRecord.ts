/** One data record of a partition: what a reader at read_committed sees. Control and aborted records never become one. */
export interface KafkaRecord {
  readonly offset: bigint
  /** CreateTime or LogAppendTime, milliseconds since the epoch. */
  readonly timestampMs: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: ReadonlyArray<readonly [name: string, value: Uint8Array | null]>
}

/** What one fetch brought of one partition. */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  /** The membership generation in which it was fetched; a batch of an older one is dropped. */
  readonly generation: number
  /** The offset that was asked for: the end of the batch before, or what was sought. */
  readonly fetchedOffset: bigint
  /** Next offset to ask for. Not the last record's offset + 1: control and aborted records and compaction leave gaps. */
  readonly nextOffset: bigint
  /** May be empty: a stretch of control or aborted records still moves the position. */
  readonly records: ReadonlyArray<KafkaRecord>
  /** Keys, values and headers of `records`, in bytes. */
  readonly bytes: number
  /** Why the log cannot be read at `nextOffset`: a checksum, a format or a compression that nobody can undo. */
  readonly unreadable?: string
}

/**
 * A piece of a partition's log on its way to the database. Slices form a chain: each starts where the one before ends,
 * so that a lost one is noticed instead of skipped.
 */
export interface Slice {
  readonly expected: bigint
  readonly next: bigint
  readonly records: ReadonlyArray<KafkaRecord>
  readonly bytes: number
  /** Why the log cannot be read at `next`; nothing follows such a slice. */
  readonly unreadable?: string
}

/** The offsets that a partition's log holds now. `low <= lastStable <= end`. */
export interface LogRange {
  readonly partition: number
  /** First offset that retention has left. */
  readonly low: bigint
  /** Last stable offset: end of what a read_committed reader may see. */
  readonly lastStable: bigint
  /** Next offset that a producer gets. */
  readonly end: bigint
}

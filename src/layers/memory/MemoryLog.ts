import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import type { Isolation } from "../Consumer.js"

/** A transaction as the log knows it: who wrote it and how it has ended. */
export interface LogTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  state: "open" | "committed" | "aborted"
}

/** What an offset of a log holds. */
export type LogItem =
  | {
    readonly kind: "record"
    readonly offset: bigint
    readonly record: KafkaRecord
    readonly transaction: LogTransaction | undefined
  }
  | {
    readonly kind: "COMMIT" | "ABORT"
    readonly offset: bigint
    readonly timestampMs: number
    readonly transaction: LogTransaction
  }
  /** Taken by compaction, or by something that no reader is shown. */
  | { readonly kind: "hidden"; readonly offset: bigint }

/** What a fetch brings of a partition. */
export interface LogPiece {
  readonly fetchedOffset: bigint
  readonly nextOffset: bigint
  readonly records: ReadonlyArray<KafkaRecord>
  readonly bytes: number
  readonly unreadable?: string
}

/** The log of one partition. */
export class MemoryLog {
  /** First offset that retention has left. */
  low = 0n
  items: Array<LogItem> = []
  /** What retention has taken, for whoever looks what has become of it. */
  readonly taken: Array<LogItem> = []
  /** First offset of a batch that nobody can read. */
  unreadableAt: bigint | undefined
  private readonly open = new Map<LogTransaction, bigint>()

  /** The next offset that is given out. */
  get end(): bigint {
    return this.low + BigInt(this.items.length)
  }

  /** Where the first transaction begins that is open: no reader at read_committed comes further. */
  get lastStable(): bigint {
    let first = this.end
    for (const offset of this.open.values()) {
      if (offset < first) first = offset
    }
    return first < this.low ? this.low : first
  }

  append(record: Omit<KafkaRecord, "offset">, transaction?: LogTransaction): bigint {
    const offset = this.end
    if (transaction !== undefined && !this.open.has(transaction)) this.open.set(transaction, offset)
    this.items.push({ kind: "record", offset, record: { ...record, offset }, transaction })
    return offset
  }

  appendHidden(): void {
    this.items.push({ kind: "hidden", offset: this.end })
  }

  /** Ends a transaction in this log with a control record, which takes an offset as any other. */
  mark(transaction: LogTransaction, kind: "COMMIT" | "ABORT", timestampMs: number): void {
    this.open.delete(transaction)
    this.items.push({ kind, offset: this.end, timestampMs, transaction })
  }

  /** Retention: everything below `low` is gone. Never more than there is, and nothing comes back. */
  trim(low: bigint): void {
    const to = low < this.low ? this.low : low > this.end ? this.end : low
    const count = Number(to - this.low)
    this.taken.push(...this.items.slice(0, count))
    this.items = this.items.slice(count)
    this.low = to
  }

  /** What readers see of the log as it is now. */
  records(isolation: Isolation = "read_committed"): ReadonlyArray<KafkaRecord> {
    const end = this.endFor(isolation)
    return this.items.flatMap((item) => item.offset < end && isVisible(item, isolation) ? [item.record] : [])
  }

  /** From `position` on, at most `offsetsMax` offsets; undefined where there is nothing to answer yet. */
  read(position: bigint, offsetsMax: number, isolation: Isolation): LogPiece | undefined {
    const from = position < this.low ? this.low : position > this.end ? this.end : position
    // As the real client: an empty piece tells where the log stands, and nothing is fetched from there.
    if (from !== position) return { fetchedOffset: from, nextOffset: from, records: [], bytes: 0 }
    const start = Number(from - this.low)
    const stop = Math.min(start + offsetsMax, Number(this.readableEnd(isolation) - this.low))
    const nextOffset = this.low + BigInt(Math.max(start, stop))
    const isUnreadable = this.unreadableAt === nextOffset
    if (nextOffset === from && !isUnreadable) return undefined
    const records = this.items.slice(start, stop).flatMap((item) => isVisible(item, isolation) ? [item.record] : [])
    return {
      fetchedOffset: from,
      nextOffset,
      records,
      bytes: records.reduce((sum, record) => sum + sizeOf(record), 0),
      ...(isUnreadable ? { unreadable: "the checksum is wrong" } : {})
    }
  }

  private endFor(isolation: Isolation): bigint {
    return isolation === "read_committed" ? this.lastStable : this.end
  }

  private readableEnd(isolation: Isolation): bigint {
    const end = this.endFor(isolation)
    return this.unreadableAt !== undefined && this.unreadableAt < end ? this.unreadableAt : end
  }
}

const isVisible = (item: LogItem, isolation: Isolation): item is LogItem & { readonly kind: "record" } =>
  item.kind === "record" && (isolation === "read_uncommitted" || item.transaction?.state !== "aborted")

const sizeOf = ({ headers, key, value }: KafkaRecord): number =>
  (key?.length ?? 0) + (value?.length ?? 0) +
  headers.reduce((sum, [name, header]) => sum + name.length + (header?.length ?? 0), 0)

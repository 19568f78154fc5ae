import type { LogTransaction, MemoryLog } from "./MemoryLog.js"
import type { ServerTime } from "./ServerTime.js"

/** A group's offsets (next to read) on one topic. */
export interface OffsetsOfGroup {
  readonly group: string
  readonly topic: string
  readonly offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>
}

/** What a producer calls itself; once another has initialised its transactional id, its epoch is over. */
export interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

interface OpenTransaction {
  readonly transaction: LogTransaction
  /** The logs that have records of it, and the topic of each. */
  readonly logs: Map<MemoryLog, string>
  readonly offsets: Array<OffsetsOfGroup>
  readonly stopTimer: () => void
}

interface Known {
  readonly producerId: number
  epoch: number
  timeoutMs: number
  open: OpenTransaction | undefined
}

/** The transaction coordinator: producer ids and epochs, what is open, and how it ends (KIP-98). */
export class MemoryTransactionLog {
  private readonly known = new Map<string, Known>()
  private readonly time: ServerTime
  private readonly cluster: {
    readonly appended: (topic: string) => void
    readonly commitOffsets: (offsets: OffsetsOfGroup) => void
  }

  constructor(time: ServerTime, cluster: MemoryTransactionLog["cluster"]) {
    this.time = time
    this.cluster = cluster
  }

  /** InitProducerId: the older producers are fenced, and what they left open is aborted. */
  init(transactionalId: string, timeoutMs: number): ProducerIdentity {
    const known = this.known.get(transactionalId) ??
      { producerId: 1000 + this.known.size, epoch: -1, timeoutMs, open: undefined }
    this.known.set(transactionalId, known)
    this.fence(known)
    known.timeoutMs = timeoutMs
    return { transactionalId, producerId: known.producerId, producerEpoch: known.epoch }
  }

  isCurrent({ producerEpoch, transactionalId }: ProducerIdentity): boolean {
    return this.known.get(transactionalId)?.epoch === producerEpoch
  }

  /** The transaction that this log's records belong to; begins one where none is open. Only for the current producer. */
  enlist(producer: ProducerIdentity, log: MemoryLog, topic: string): LogTransaction | undefined {
    const open = this.begun(producer)
    open?.logs.set(log, topic)
    return open?.transaction
  }

  addOffsets(producer: ProducerIdentity, offsets: OffsetsOfGroup): void {
    this.begun(producer)?.offsets.push(offsets)
  }

  /** Does nothing where no transaction is open. Only for the current producer. */
  end({ transactionalId }: ProducerIdentity, kind: "COMMIT" | "ABORT"): void {
    const known = this.known.get(transactionalId)
    if (known !== undefined) this.close(known, kind)
  }

  private begun({ producerEpoch, producerId, transactionalId }: ProducerIdentity): OpenTransaction | undefined {
    const known = this.known.get(transactionalId)
    if (known === undefined) return undefined
    known.open ??= {
      transaction: { transactionalId, producerId, producerEpoch, state: "open" },
      logs: new Map(),
      offsets: [],
      // As the broker: who lets it run out is fenced, so that a late record cannot begin another one.
      stopTimer: this.time.after(known.timeoutMs, () => this.fence(known))
    }
    return known.open
  }

  private fence(known: Known): void {
    known.epoch += 1
    this.close(known, "ABORT")
  }

  private close(known: Known, kind: "COMMIT" | "ABORT"): void {
    const { open } = known
    if (open === undefined) return
    known.open = undefined
    open.stopTimer()
    open.transaction.state = kind === "COMMIT" ? "committed" : "aborted"
    for (const log of open.logs.keys()) log.mark(open.transaction, kind, this.time.nowMs())
    if (kind === "COMMIT") open.offsets.forEach(this.cluster.commitOffsets)
    new Set(open.logs.values()).forEach(this.cluster.appended)
  }
}

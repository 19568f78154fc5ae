import { GroupEvent, type JoinOptions } from "../Consumer.js"
import type { FetchedRecords } from "./fetchResponse.js"

export interface SessionOutput {
  readonly event: (event: GroupEvent) => void
  /** A defect in `onBatch`. */
  readonly die: (defect: unknown) => void
}

/** One generation of the membership; replaced as a whole, so that nothing of an older one can be taken for current. */
interface Held {
  readonly generation: number
  readonly partitions: ReadonlySet<number>
  readonly paused: Set<number>
  /** Next offset to fetch, of the partitions that have been sought. */
  readonly positions: Map<number, bigint>
}

/** Of the current generation. */
interface Waiter {
  readonly after: number
  readonly resume: () => void
}

/** kafkajs joins again before it sends so many heartbeats, unless it has forgotten that it must. */
const acceptedWithoutJoin = 2

/** What a fetch was asked for; it is compared with what is held when the answer comes. */
export interface FetchPlan {
  readonly generation: number
  readonly offsets: ReadonlyMap<number, bigint>
  /** Some partition that is held waits for its `resume`. */
  readonly somePaused: boolean
}

/**
 * What this member holds, where it reads, and which fetches may be delivered. Everything is synchronous: kafkajs calls
 * from its fetch loop and its events, and between two awaits of it the assignment may be another. The positions are
 * ours alone; those of kafkajs come from committed offsets, are lost at every join, and are reset silently where the log
 * does not hold them.
 */
export class GroupSession {
  readonly #topic: string
  readonly #onBatch: JoinOptions["onBatch"]
  readonly #output: SessionOutput
  readonly #confirmations = new Set<Waiter>()
  readonly #wakeUps = new Set<() => void>()
  #generation = 0
  #heartbeats = 0
  #held: Held | undefined
  /** Held until the rebalance began; this member has not joined again yet. */
  #revoked: ReadonlySet<number> = new Set()
  /** Heartbeats that were accepted since the generation has ended, without a join. */
  #acceptedSince = 0

  constructor(options: Pick<JoinOptions, "topic" | "onBatch">, output: SessionOutput) {
    this.#topic = options.topic
    this.#onBatch = options.onBatch
    this.#output = output
  }

  /** A new assignment. Nothing is fetched before it is sought and resumed. */
  joined(assigned: ReadonlyArray<number>): void {
    this.lost("the group has rebalanced")
    this.#acceptedSince = 0
    const partitions = assigned.toSorted((a, b) => a - b)
    const generation = ++this.#generation
    this.#held = { generation, partitions: new Set(partitions), paused: new Set(partitions), positions: new Map() }
    this.#output.event(GroupEvent.Assigned({ generation, partitions }))
  }

  /** The generation is over, and others may have the partitions already. If there is none, nothing happens. */
  lost(reason: string): void {
    this.#revoked = new Set()
    this.#end(reason, "lost")
  }

  /** The generation is over, but until `joining` nobody else has the partitions. Answers them. */
  revoke(reason: string): ReadonlyArray<number> {
    this.#revoked = this.#held?.partitions ?? new Set()
    this.#end(reason, "revoked")
    return Array.from(this.#revoked)
  }

  /** A JoinGroup is sent now: what was revoked is gone. */
  joining(): void {
    this.#revoked = new Set()
    this.#acceptedSince = 0
  }

  /**
   * The generation has ended here but not for the coordinator, and kafkajs does not join again, though it was told to:
   * of several errors at once it takes the first, and after a join that could not be sent it goes on as before. It would
   * stay a member that reads nothing.
   */
  mustJoin(): boolean {
    return this.#acceptedSince >= acceptedWithoutJoin
  }

  #end(reason: string, kind: "revoked" | "lost"): void {
    if (this.#held === undefined) return
    const { generation } = this.#held
    this.#held = undefined
    // They wait for a heartbeat of a generation that has ended: they must not be told that it was confirmed.
    this.#confirmations.clear()
    this.#output.event(GroupEvent.Lost({ generation, reason, kind }))
  }

  /** Nothing is delivered or reported any more. */
  close(): void {
    this.#held = undefined
    this.#revoked = new Set()
    this.#confirmations.clear()
    this.#wake()
  }

  holds(partition: number): boolean {
    return this.#held?.partitions.has(partition) === true
  }

  holdsAny(): boolean {
    return this.#held !== undefined
  }

  /** Whether what this member commits for the partition counts. */
  mayCommit(partition: number): boolean {
    return this.holds(partition) || this.#revoked.has(partition)
  }

  /** Of a held partition that was sought. */
  position(partition: number): bigint | undefined {
    return this.#held?.positions.get(partition)
  }

  seek(partition: number, offset: bigint): void {
    if (this.holds(partition)) this.#held?.positions.set(partition, offset)
  }

  pause(partition: number): void {
    if (this.holds(partition)) this.#held?.paused.add(partition)
  }

  resume(partition: number): void {
    this.#held?.paused.delete(partition)
    this.#wake()
  }

  /** What to ask the leader of `partitions` for now; undefined if for nothing. */
  plan(partitions: ReadonlyArray<number>): FetchPlan | undefined {
    const held = this.#held
    if (held === undefined) return undefined
    const offsets = new Map<number, bigint>()
    for (const partition of partitions) {
      const position = held.positions.get(partition)
      if (position !== undefined && !held.paused.has(partition)) offsets.set(partition, position)
    }
    return offsets.size === 0 ? undefined : { generation: held.generation, offsets, somePaused: held.paused.size > 0 }
  }

  /** Calls back at the next `resume`. Answers how to give up. */
  onResume(wake: () => void): () => void {
    this.#wakeUps.add(wake)
    return () => {
      this.#wakeUps.delete(wake)
    }
  }

  /** Whether an answer counts: not if the partition was sought, paused, lost or delivered otherwise meanwhile. */
  isCurrent({ generation, offsets }: FetchPlan, partition: number): boolean {
    const held = this.#held
    const offset = offsets.get(partition)
    return held?.generation === generation && !held.paused.has(partition) && held.positions.get(partition) === offset
  }

  /** Dropped if it is not current: it will be asked for again. */
  deliver(plan: FetchPlan, partition: number, fetched: FetchedRecords): void {
    if (!this.isCurrent(plan, partition)) return
    this.#held?.positions.set(partition, fetched.nextOffset)
    this.#hand(plan.generation, partition, fetched)
  }

  /**
   * The log does not hold the position, so that no fetch will ever start there. An empty batch tells where the log
   * stands: it does not start at the position, which makes the program look. Paused until it is sought and resumed.
   */
  deliverGap(plan: FetchPlan, partition: number, logOffset: bigint): void {
    const position = plan.offsets.get(partition)
    if (this.#held?.generation !== plan.generation || this.position(partition) !== position) return
    this.pause(partition)
    this.#hand(plan.generation, partition, { fetchedOffset: logOffset, nextOffset: logOffset, records: [], bytes: 0 })
  }

  /** Called when a heartbeat is sent; `accepted` is called when it is, and `isCurrent` tells whose answer it is. */
  heartbeat(): { readonly accepted: () => void; readonly isCurrent: () => boolean } {
    const sent = ++this.#heartbeats
    const generation = this.#held?.generation
    // The answer to a heartbeat of an older generation says nothing of this one.
    const isCurrent = () => generation !== undefined && generation === this.#held?.generation
    return {
      isCurrent,
      accepted: () => {
        if (generation === undefined && this.#held === undefined) this.#acceptedSince += 1
        if (!isCurrent()) return
        for (const waiter of this.#confirmations) {
          if (sent <= waiter.after) continue
          this.#confirmations.delete(waiter)
          waiter.resume()
        }
      }
    }
  }

  /** Calls back after a heartbeat that is sent from now on was accepted in this generation. Answers how to give up. */
  onConfirmed(resume: () => void): () => void {
    if (this.#held === undefined) return () => {}
    const waiter = { after: this.#heartbeats, resume }
    this.#confirmations.add(waiter)
    return () => {
      this.#confirmations.delete(waiter)
    }
  }

  #hand(
    generation: number,
    partition: number,
    fetched: FetchedRecords
  ): void {
    try {
      // Behind what cannot be read there is nothing to fetch.
      const go = this.#onBatch({ ...fetched, topic: this.#topic, partition, generation })
      if (go === "pause" || fetched.unreadable !== undefined) this.pause(partition)
    } catch (defect) {
      // It must not throw. Inside kafkajs it would stop all partitions and be tried again, or end the consumer.
      this.close()
      this.#output.die(defect)
    }
  }

  #wake(): void {
    for (const wake of this.#wakeUps) wake()
    this.#wakeUps.clear()
  }
}

import type { FetchedBatch } from "../../domain/KafkaRecord.js"
import { GroupEvent, type JoinOptions } from "../Consumer.js"
import type { FetchedRecords } from "./FetchedRecords.js"

/** What a session asks of the client. None of them throws, whatever state the client is in. */
export interface FetchControl {
  readonly pause: (partitions: ReadonlyArray<number>) => void
  readonly resume: (partition: number) => void
  readonly seek: (partition: number, offset: bigint) => void
}

export interface SessionOutput {
  readonly event: (event: GroupEvent) => void
  /** A defect in `onBatch`. */
  readonly die: (defect: unknown) => void
}

/** One generation of the membership; replaced as a whole, so that nothing of an older one can be taken for current. */
interface Held {
  readonly generation: number
  readonly partitions: ReadonlySet<number>
  /** Next offset to fetch, of the partitions that have been sought. */
  readonly positions: Map<number, bigint>
  /** Fetches in a row that did not start at the position. */
  readonly misses: Map<number, number>
}

/** Of the current generation. */
interface Waiter {
  readonly after: number
  readonly resume: () => void
}

/**
 * What this member holds, and which fetches may be delivered. Everything is synchronous: kafkajs calls from its fetch
 * loop and its events, and between two awaits of it the assignment may be another. kafkajs's own answers are not enough:
 * `isRunning` and `isStale` know nothing of rebalances, and batches of the generation before still come after a join.
 */
export class GroupSession {
  readonly #topic: string
  readonly #onBatch: JoinOptions["onBatch"]
  readonly #control: FetchControl
  readonly #output: SessionOutput
  readonly #waiters = new Set<Waiter>()
  #generation = 0
  #heartbeats = 0
  #held: Held | undefined

  constructor(options: Pick<JoinOptions, "topic" | "onBatch">, control: FetchControl, output: SessionOutput) {
    this.#topic = options.topic
    this.#onBatch = options.onBatch
    this.#control = control
    this.#output = output
  }

  /** A new assignment. Its partitions are paused before kafkajs can fetch, because it would begin at its own offsets. */
  joined(assigned: ReadonlyArray<number>): void {
    this.lost("the group has rebalanced")
    const partitions = assigned.toSorted((a, b) => a - b)
    const generation = ++this.#generation
    this.#held = { generation, partitions: new Set(partitions), positions: new Map(), misses: new Map() }
    this.#control.pause(partitions)
    this.#output.event(GroupEvent.Assigned({ generation, partitions }))
  }

  /** The generation is over, or there is none: then nothing happens. */
  lost(reason: string): void {
    if (this.#held === undefined) return
    const { generation } = this.#held
    this.#held = undefined
    // They wait for a heartbeat of a generation that has ended: they must not be told that it was confirmed.
    this.#waiters.clear()
    this.#output.event(GroupEvent.Lost({ generation, reason }))
  }

  /** Nothing is delivered or reported any more. */
  close(): void {
    this.#held = undefined
    this.#waiters.clear()
  }

  holds(partition: number): boolean {
    return this.#held?.partitions.has(partition) === true
  }

  /** Of a held partition that was sought. */
  position(partition: number): bigint | undefined {
    return this.#held?.positions.get(partition)
  }

  seek(partition: number, offset: bigint): void {
    if (this.#held === undefined || !this.holds(partition)) return
    this.#held.positions.set(partition, offset)
    this.#held.misses.delete(partition)
    this.#control.seek(partition, offset)
  }

  pause(partition: number): void {
    if (this.holds(partition)) this.#control.pause([partition])
  }

  resume(partition: number): void {
    if (this.holds(partition)) this.#control.resume(partition)
  }

  /** `resolve` tells kafkajs where to go on. Not called: it fetches the same again, or what was sought meanwhile. */
  deliver(partition: number, fetched: FetchedRecords, resolve: () => void): void {
    const held = this.#held
    const position = held?.positions.get(partition)
    if (held === undefined || position === undefined) return
    if (fetched.fetchedOffset !== position && this.#isFirstMiss(held, partition)) {
      // An answer from before a seek, or kafkajs has moved by itself: ask again. A second time in a row it is no
      // accident, and the program has to see where the log stands.
      this.#control.seek(partition, position)
      return
    }
    held.misses.delete(partition)
    this.#hand(held, partition, fetched)
    if (this.#held === held) resolve()
  }

  /**
   * The log does not hold the position, so that no fetch will ever start there. An empty batch tells where the log
   * stands; it starts elsewhere, which makes the program look. The partition stays paused until it is sought.
   */
  deliverGap(partition: number, position: bigint, logOffset: bigint): void {
    const held = this.#held
    if (held === undefined || held.positions.get(partition) !== position) return
    this.#control.pause([partition])
    const empty = { fetchedOffset: logOffset, nextOffset: logOffset, records: [], bytes: 0 }
    this.#hand(held, partition, empty)
    if (held.positions.get(partition) === logOffset) held.positions.set(partition, position)
  }

  /** Called when a heartbeat is sent; one of the two is called when it is answered, neither if it was not. */
  heartbeat(): { readonly accepted: () => void; readonly lost: (reason: string) => void } {
    const sent = ++this.#heartbeats
    const generation = this.#held?.generation
    // The answer to a heartbeat of an older generation says nothing of this one.
    const isCurrent = () => generation !== undefined && generation === this.#held?.generation
    return {
      accepted: () => {
        if (!isCurrent()) return
        for (const waiter of this.#waiters) {
          if (sent <= waiter.after) continue
          this.#waiters.delete(waiter)
          waiter.resume()
        }
      },
      lost: (reason) => {
        if (isCurrent()) this.lost(reason)
      }
    }
  }

  /** Calls back after a heartbeat that is sent from now on was accepted in this generation. Answers how to give up. */
  onConfirmed(resume: () => void): () => void {
    if (this.#held === undefined) return () => {}
    const waiter = { after: this.#heartbeats, resume }
    this.#waiters.add(waiter)
    return () => {
      this.#waiters.delete(waiter)
    }
  }

  #isFirstMiss(held: Held, partition: number): boolean {
    const misses = (held.misses.get(partition) ?? 0) + 1
    held.misses.set(partition, misses)
    return misses === 1
  }

  #hand(
    held: Held,
    partition: number,
    fetched: Pick<FetchedBatch, "fetchedOffset" | "nextOffset" | "records" | "bytes">
  ): void {
    const { bytes, fetchedOffset, nextOffset, records } = fetched
    const head = { topic: this.#topic, partition, generation: held.generation }
    // Before the call, because the program may seek in it.
    held.positions.set(partition, nextOffset)
    try {
      const answer = this.#onBatch({ ...head, fetchedOffset, nextOffset, records, bytes })
      if (answer === "pause") this.#control.pause([partition])
    } catch (defect) {
      // It must not throw. Inside kafkajs it would stop all partitions and be tried again, or end the consumer.
      this.#held = undefined
      this.#output.die(defect)
    }
  }
}

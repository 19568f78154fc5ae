import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { Appended, OutgoingRecord } from "../../layers/Producer.js"
import { unsafeElapsedMillis } from "../../layers/elapsed.js"

export interface AccumulatorOptions<E> {
  /** Bytes at which a batch is full; a record that is larger goes alone. */
  readonly batchBytes: number
  /** How long a batch that is not full waits for more. */
  readonly lingerMs: number
  /** Most bytes that wait or are on their way; a single record that is larger is let in when there is nothing else. */
  readonly bufferBytes: number
  /** Most batches that are on their way at once. Of one partition it is one, so that what fails or is tried again keeps the order. */
  readonly inFlightMax: number
  readonly send: (
    topic: string,
    records: ReadonlyArray<OutgoingRecord>
  ) => Effect.Effect<ReadonlyArray<Appended>, E>
  /**
   * Runs once for each batch that was sent, in the order of the answers, before its room is given to others and before its
   * partition's next batch is sent.
   */
  readonly settled: (batch: SettledBatch<E>) => Effect.Effect<void>
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly records: ReadonlyArray<OutgoingRecord>
  /** When each record was accepted. */
  readonly acceptedMs: ReadonlyArray<number>
}

export interface SettledBatch<E> extends Batch {
  readonly settledMs: number
  readonly outcome: Exit.Exit<ReadonlyArray<Appended>, E>
}

/** A record with its partition chosen: what is sent again must go where it went before. */
export type PlacedRecord = OutgoingRecord & { readonly partition: number }

/**
 * Records on their way into batches, as the Java client's RecordAccumulator: one open batch per partition, sent when it
 * is full or has lingered, and a bound on all of it that makes the source wait. Kafka clients for Node send what they are
 * given, at once and without a bound.
 *
 * Accepting is a plain function, so that a record costs no effect. One fiber may use it at a time.
 */
export interface Accumulator {
  /** Takes records in order, from index `from` on, until there is no room; answers the index of the first one not taken. */
  readonly offer: (topic: string, records: ReadonlyArray<PlacedRecord>, from?: number) => number
  /** Waits until something has left after an `offer` that did not take everything. */
  readonly room: Effect.Effect<void>
  /** Sends what has been accepted, without lingering, and waits until every batch is settled. */
  readonly flush: Effect.Effect<void>
  /** Gives up what has been accepted and is not on its way, and takes nothing more. */
  readonly close: () => ReadonlyArray<Batch>
}

interface OpenBatch extends Batch {
  readonly records: Array<OutgoingRecord>
  readonly acceptedMs: Array<number>
  readonly lane: Lane
  bytes: number
  /** It may be sent although it is not full. */
  due: boolean
}

/** A partition: its batches in order, the last of which may still grow. */
interface Lane {
  readonly topic: string
  readonly partition: number
  batches: Array<OpenBatch>
  /** Waits for a sender, or has one. */
  scheduled: boolean
}

/** What a record takes in a batch beside its key and value: lengths, deltas and attributes, at most. */
const recordOverheadBytes = 21

const bytesOf = ({ headers, key, value }: OutgoingRecord): number => {
  let bytes = recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers ?? []) bytes += name.length + content.length
  return bytes
}

/** Closing the scope interrupts what is on its way, and settles it as interrupted: `flush` before. */
export const makeAccumulator = <E>(
  options: AccumulatorOptions<E>
): Effect.Effect<Accumulator, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const ready = yield* Mailbox.make<Lane>()
    const lingering = yield* Mailbox.make<OpenBatch>()
    const room = yield* Effect.makeLatch(true)
    const idle = yield* Effect.makeLatch(true)
    const state = new Lanes(options, (lane) => void ready.unsafeOffer(lane))

    // Uninterruptible but for the waiting, so that each batch that is taken is settled.
    const sendNext = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const lane = yield* restore(ready.take)
        const batch = lane.batches.shift()
        if (batch === undefined) {
          lane.scheduled = false
          return
        }
        const outcome = yield* Effect.exit(restore(options.send(lane.topic, batch.records)))
        const { acceptedMs, partition, records, topic } = batch
        const settledMs = unsafeElapsedMillis(clock)
        yield* options.settled({ topic, partition, records, acceptedMs, settledMs, outcome })
        state.settle(batch)
        room.unsafeOpen()
        if (state.usedBytes === 0) idle.unsafeOpen()
      })
    )
    // Batches come in the order in which they were opened, and all linger equally long: one timer serves them all.
    const linger = Effect.gen(function*() {
      const batch = yield* lingering.take
      const waitMs = (batch.acceptedMs[0] ?? 0) + options.lingerMs - unsafeElapsedMillis(clock)
      if (waitMs > 0 && !batch.due) yield* Effect.sleep(waitMs)
      state.makeDue(batch)
    })
    for (let sender = 0; sender < options.inFlightMax; sender++) {
      yield* Effect.forkScoped(Effect.interruptible(Effect.forever(sendNext)))
    }
    yield* Effect.forkScoped(Effect.interruptible(Effect.forever(linger)))

    const opened = (batch: OpenBatch): void => {
      if (options.lingerMs === 0) state.makeDue(batch)
      else lingering.unsafeOffer(batch)
    }
    return {
      offer: (topic, records, from = 0) => {
        const nowMs = unsafeElapsedMillis(clock)
        for (let index = from; index < records.length; index++) {
          const record = records[index]
          if (record === undefined || state.accept(topic, record, nowMs, opened)) continue
          // Room comes only from batches that are sent: none of them may wait for company now.
          state.makeAllDue()
          room.unsafeClose()
          idle.unsafeClose()
          return index
        }
        if (state.usedBytes > 0) idle.unsafeClose()
        return records.length
      },
      room: room.await,
      flush: Effect.suspend(() => {
        state.makeAllDue()
        return idle.await
      }),
      close: () => {
        const givenUp = state.close()
        room.unsafeOpen()
        if (state.usedBytes === 0) idle.unsafeOpen()
        return givenUp
      }
    }
  })

/** The batches of all partitions and the bytes in them. Plain and synchronous. */
class Lanes {
  usedBytes = 0
  private closed = false
  private readonly topics = new Map<string, Array<Lane | undefined>>()
  private readonly options: Pick<AccumulatorOptions<never>, "batchBytes" | "bufferBytes">
  private readonly ready: (lane: Lane) => void

  constructor(options: Lanes["options"], ready: (lane: Lane) => void) {
    this.options = options
    this.ready = ready
  }

  /** False where there is no room, and after `close`. */
  accept(topic: string, record: PlacedRecord, nowMs: number, opened: (batch: OpenBatch) => void): boolean {
    if (this.closed) return false
    const bytes = bytesOf(record)
    if (this.usedBytes > 0 && this.usedBytes + bytes > this.options.bufferBytes) return false
    const lane = this.lane(topic, record.partition)
    let batch = lane.batches.at(-1)
    if (batch === undefined || batch.bytes + bytes > this.options.batchBytes) {
      const { partition } = lane
      batch = { topic, partition, records: [], acceptedMs: [], lane, bytes: 0, due: false }
      lane.batches.push(batch)
      batch.records.push(record)
      batch.acceptedMs.push(nowMs)
      opened(batch)
    } else {
      batch.records.push(record)
      batch.acceptedMs.push(nowMs)
    }
    batch.bytes += bytes
    this.usedBytes += bytes
    this.schedule(lane)
    return true
  }

  settle(batch: OpenBatch): void {
    this.usedBytes -= batch.bytes
    batch.lane.scheduled = false
    this.schedule(batch.lane)
  }

  makeDue(batch: OpenBatch): void {
    batch.due = true
    this.schedule(batch.lane)
  }

  makeAllDue(): void {
    for (const lane of this.all()) {
      for (const batch of lane.batches) batch.due = true
      this.schedule(lane)
    }
  }

  close(): ReadonlyArray<Batch> {
    this.closed = true
    return this.all().flatMap((lane) => {
      const { batches } = lane
      lane.batches = []
      for (const { bytes } of batches) this.usedBytes -= bytes
      return batches
    })
  }

  private schedule(lane: Lane): void {
    const first = lane.batches[0]
    if (lane.scheduled || first === undefined) return
    // One that another follows is full: it had no room for the next record.
    if (!first.due && lane.batches.length === 1 && first.bytes < this.options.batchBytes) return
    lane.scheduled = true
    this.ready(lane)
  }

  private lane(topic: string, partition: number): Lane {
    const lanes = this.topics.get(topic) ?? []
    this.topics.set(topic, lanes)
    return lanes[partition] ??= { topic, partition, batches: [], scheduled: false }
  }

  private all(): ReadonlyArray<Lane> {
    return Array.from(this.topics.values()).flatMap((lanes) => lanes.filter((lane) => lane !== undefined))
  }
}

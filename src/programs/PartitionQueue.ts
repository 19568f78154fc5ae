import * as Effect from "effect/Effect"
import type { FetchedBatch, Slice } from "../domain/KafkaRecord.js"
import { bytesOf, joinSlices, sliceOf, splitSlice } from "../domain/slices.js"

export interface QueueLimits {
  /** `blocking.queue.size`: at or above it the partition is blocked, at or below half of it no longer. */
  readonly records: number
  /** `max.poll.records`: largest slice that moves from the backlog into the queue at once. */
  readonly sliceRecords: number
}

/**
 * Bytes held by all queues and backlogs of the process: `queue.max.bytes` plus one fetch per partition is the bound.
 * When it is used up, a queue that holds less than its equal share still flows: one slow partition must not stop others.
 */
export interface ByteBudget {
  readonly max: number
  used: number
  /** Queues that are open. */
  queues: number
}

export const makeByteBudget = (max: number): ByteBudget => ({ max, used: 0, queues: 0 })

export interface Transition {
  readonly to: "blocked" | "flowing"
  readonly queued: number
}

/** What is taken or left as a whole. What was taken cannot be put back: its room is given away at once. */
export interface Wanted {
  /** Nothing but what begins here. */
  readonly from?: bigint
  /** Never more than this, also where the first slice has to be cut for it. */
  readonly recordsMax?: number
}

export interface PartitionQueue {
  /** Called by the consumer for each fetch, never blocks. Answers whether to go on fetching. */
  readonly offer: (batch: FetchedBatch) => "fetch" | "pause"
  /** Adjacent slices as one, up to `rows` and `bytes`, at least one; `undefined` when nothing of it is queued. */
  readonly take: (rows: number, bytes: number, wanted?: Wanted) => Slice | undefined
  /** Whether the consumer, told to pause, is to fetch again; true once. */
  readonly takeResume: () => boolean
  /** Returns when something is queued. */
  readonly awaitSome: Effect.Effect<void>
  /** Forgets everything: after a seek nothing that was fetched before counts. */
  readonly clear: () => void
  /** Forgets everything and gives its share of the budget back; the queue is not used any more. */
  readonly close: () => void
  readonly queuedRecords: () => number
  readonly backlogRecords: () => number
  readonly isBlocked: () => boolean
}

/**
 * The bounded queue of one partition. The fetch side offers and never waits; the writer takes. A fetch that does not fit
 * waits in the backlog, from which slices of `max.poll.records` move into the queue while it has room, so the queue
 * never holds more than `blocking.queue.size + max.poll.records` records and the backlog never more than one fetch.
 *
 * Plain state behind a latch instead of a `Queue`: a fiber interrupted in `Queue.take` loses the item that it was just
 * handed, and here `take` is synchronous, so nothing is ever between the queue and the writer.
 */
export const makePartitionQueue = (
  limits: QueueLimits,
  budget: ByteBudget,
  onTransition: (transition: Transition) => void
): PartitionQueue => {
  const some = Effect.unsafeMakeLatch(false)
  let queue: Array<Slice> = []
  let backlog: Array<FetchedBatch> = []
  let handedOver = 0 // records of backlog[0] that have moved into the queue
  let queued = 0
  let waiting = 0
  let held = 0 // bytes of this partition in the budget
  let blocked = false
  let paused = false

  const hold = (bytes: number) => {
    held += bytes
    budget.used += bytes
  }
  const overBudget = () => queued > 0 && budget.used >= budget.max && held >= budget.max / budget.queues
  const full = () => queued >= limits.records || overBudget()
  const low = () => queued <= limits.records / 2 && !overBudget()

  const move = (to: "blocked" | "flowing") => {
    blocked = to === "blocked"
    onTransition({ to, queued })
  }

  /** Hands over from the backlog while there is room; blocks when there is none. */
  const fill = () => {
    for (let batch = backlog[0]; batch !== undefined && !full(); batch = backlog[0]) {
      const slice = sliceOf(batch, handedOver, handedOver + limits.sliceRecords)
      queue.push(slice)
      queued += slice.records.length
      waiting -= slice.records.length
      handedOver += slice.records.length
      if (handedOver < batch.records.length) continue
      backlog.shift()
      handedOver = 0
    }
    if (queue.length > 0) some.unsafeOpen()
    if (!blocked && full()) move("blocked")
  }

  const drained = () => {
    if (queue.length === 0) some.unsafeClose()
    if (blocked && !low()) return
    if (blocked) move("flowing")
    fill()
  }

  const clear = () => {
    hold(-held)
    queue = []
    backlog = []
    handedOver = 0
    queued = 0
    waiting = 0
    paused = false
    some.unsafeClose()
    if (blocked) move("flowing")
  }

  budget.queues++
  return {
    offer: (batch) => {
      backlog.push(batch)
      waiting += batch.records.length
      hold(bytesOf(batch.records))
      if (!blocked) fill()
      paused = blocked || backlog.length > 0
      return paused ? "pause" : "fetch"
    },
    take: (rows, bytes, { from, recordsMax = Infinity } = {}) => {
      const first = queue[0]
      if (first === undefined || (from !== undefined && first.expected !== from)) return undefined
      let count = 1
      let [takenRecords, takenBytes, end] = [first.records.length, first.bytes, first.next]
      for (let slice = queue[1]; slice !== undefined; slice = queue[++count]) {
        takenRecords += slice.records.length
        takenBytes += slice.bytes
        // Where the chain is broken, the writer notices at the next take.
        if (takenRecords > rows || takenBytes > bytes || slice.expected !== end) break
        end = slice.next
      }
      const [taken, rest] = splitSlice(joinSlices(first, queue.slice(1, count)), recordsMax)
      queue = rest === undefined ? queue.slice(count) : [rest, ...queue.slice(count)]
      queued -= taken.records.length
      hold(-taken.bytes)
      drained()
      return taken
    },
    takeResume: () => {
      const resume = paused && !blocked && backlog.length === 0
      if (resume) paused = false
      return resume
    },
    awaitSome: some.await,
    clear,
    close: () => {
      clear()
      budget.queues--
    },
    queuedRecords: () => queued,
    backlogRecords: () => waiting,
    isBlocked: () => blocked
  }
}

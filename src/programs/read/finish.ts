import * as Deferred from "effect/Deferred"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import type { PartitionOffset } from "./memberEvent.js"

/** When a read ends by itself; shared by the members of one process. */
export interface Finish {
  /** How many records may still be polled. */
  readonly allowance: () => number
  readonly polled: (records: number) => void
  /** These offsets are behind what has been read. */
  readonly reached: (positions: ReadonlyArray<PartitionOffset>) => void
  readonly isOver: () => boolean
  /** Waits for that: a member that waits for records must not miss the end that another one has reached. */
  readonly over: Effect.Effect<void>
}

export interface FinishOptions {
  /** Records; undefined: any number. */
  readonly max: number | undefined
  /** Per partition; all of them have to be reached. Undefined: the log has no end. */
  readonly ends: ReadonlyMap<number, bigint> | undefined
}

export const makeFinish = ({ ends, max }: FinishOptions): Finish => {
  const missing = new Map(ends)
  let allowance = max ?? Number.MAX_SAFE_INTEGER
  const over = Deferred.unsafeMake<void>(FiberId.none)
  const isOver = () => allowance <= 0 || (ends !== undefined && missing.size === 0)
  const look = () => {
    if (isOver()) Deferred.unsafeDone(over, Exit.void)
  }
  look()
  return {
    allowance: () => allowance,
    polled: (records) => {
      allowance -= records
      look()
    },
    reached: (positions) => {
      for (const { offset, partition } of positions) {
        if (offset >= (missing.get(partition) ?? offset + 1n)) missing.delete(partition)
      }
      look()
    },
    isOver,
    over: Deferred.await(over)
  }
}

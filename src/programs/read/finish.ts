import type { PartitionOffset } from "./memberEvent.js"

/** When a read ends by itself; shared by the members of one process. */
export interface Finish {
  /** How many records may still be polled. */
  readonly allowance: () => number
  readonly polled: (records: number) => void
  /** These offsets are behind what has been read. */
  readonly reached: (positions: ReadonlyArray<PartitionOffset>) => void
  readonly isOver: () => boolean
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
  return {
    allowance: () => allowance,
    polled: (records) => {
      allowance -= records
    },
    reached: (positions) => {
      for (const { offset, partition } of positions) {
        if (offset >= (missing.get(partition) ?? offset + 1n)) missing.delete(partition)
      }
    },
    isOver: () => allowance <= 0 || (ends !== undefined && missing.size === 0)
  }
}

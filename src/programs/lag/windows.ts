import { judgeLag, lagOf, type LagReason, type LagSample, type LagState, lagTrend } from "../../domain/lagState.js"
import type { GroupView, Observation, PartitionView } from "./observe.js"

/** A partition with what its window tells. */
export interface JudgedPartition extends PartitionView {
  /** Undefined where the position or the end is not known. */
  readonly lag: bigint | undefined
  readonly state: LagState | undefined
  readonly reason: LagReason | undefined
  /** Records a second by which the lag grows over the window. */
  readonly trend: number
  readonly samples: number
}

export interface JudgedGroup extends Omit<GroupView, "partitions"> {
  readonly partitions: ReadonlyArray<JudgedPartition>
}

export interface WindowOptions {
  /** Intervals between the samples of a window. */
  readonly intervals: number
  readonly allowedLag: bigint
}

/** The newest samples of every partition that is looked at: `intervals + 1` each, and none of what is gone. */
export interface LagWindows {
  /** Takes an observation in and judges it. */
  readonly judge: (observation: Observation) => ReadonlyArray<JudgedGroup>
}

export const makeWindows = ({ allowedLag, intervals }: WindowOptions): LagWindows => {
  /** By group; within, by topic and partition. */
  let windows: ReadonlyMap<string, ReadonlyMap<string, ReadonlyArray<LagSample>>> = new Map()
  return {
    judge: ({ atMs, groups }) => {
      const next = new Map<string, ReadonlyMap<string, ReadonlyArray<LagSample>>>()
      const judged = groups.map((group): JudgedGroup => {
        const before = windows.get(group.group)
        // What could not be looked at this time is not gone: it goes on from the samples that it had.
        const samples = new Map(group.problems.length > 0 ? before : [])
        const partitions = group.partitions.map((view): JudgedPartition => {
          const key = `${view.topic}-${view.partition}`
          const { end, position } = view
          const sample = position === undefined || end === undefined ? undefined : { atMs, committed: position, end }
          const window = sample === undefined
            ? []
            : [...(before?.get(key) ?? []).slice(-intervals), sample]
          if (sample !== undefined) samples.set(key, window)
          // Where there is no coordinator nobody can say who reads: it is then not said that nobody does.
          const owned = group.kafkaState === "" || view.owner !== undefined
          const { reason, state } = judgeLag(window, { intervals, allowedLag, owned })
          const lag = sample === undefined ? undefined : lagOf(sample)
          return { ...view, lag, state, reason, trend: lagTrend(window), samples: window.length }
        })
        next.set(group.group, samples)
        return { ...group, partitions }
      })
      windows = next
      return judged
    }
  }
}

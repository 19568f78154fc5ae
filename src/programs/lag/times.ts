import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { RecordTimes } from "../../layers/RecordTimes.js"
import { commandError } from "../serviceErrors.js"
import type { JudgedGroup, JudgedPartition } from "./windows.js"

/** A partition with its lag in time. */
export interface TimedPartition extends JudgedPartition {
  /**
   * Since the next record that the group has not read was written, by the record's own timestamp; 0 where none waits that
   * the group would see. Undefined where it is not known.
   */
  readonly lagMs: number | undefined
}

export interface TimedGroup extends Omit<JudgedGroup, "partitions"> {
  readonly partitions: ReadonlyArray<TimedPartition>
}

/** Topics of groups read at once. */
const concurrency = 4

interface Known {
  readonly position: bigint
  readonly timestampMs: number
}

/**
 * Adds the lag in time. A record's time does not change, so that a partition whose offset stands still is read once
 * however often it is shown.
 */
export const makeTimes = () => {
  let known: ReadonlyMap<string, Known> = new Map()
  return (groups: ReadonlyArray<JudgedGroup>): Effect.Effect<ReadonlyArray<TimedGroup>, never, RecordTimes> =>
    Effect.gen(function*() {
      const next = new Map<string, Known>()
      const timed = yield* Effect.forEach(groups, (group) => timesOf(group, known, next), { concurrency })
      known = next
      return timed
    })
}

const timesOf = (group: JudgedGroup, known: ReadonlyMap<string, Known>, next: Map<string, Known>) =>
  Effect.gen(function*() {
    const records = yield* RecordTimes
    const keyOf = ({ partition, topic }: JudgedPartition) => `${group.group} ${topic}-${partition}`
    const waiting = group.partitions.flatMap((view) => {
      const { lag, position } = view
      return lag === undefined || lag === 0n || position === undefined ? [] : [{ view, position }]
    })
    const missing = waiting.filter(({ position, view }) => known.get(keyOf(view))?.position !== position)
    const [failures, answers] = yield* Effect.partition(new Set(missing.map(({ view }) => view.topic)), (topic) => {
      const offsets = new Map(
        missing.flatMap(({ position, view }) => view.topic === topic ? [[view.partition, position] as const] : [])
      )
      const isolation = group.topics === undefined ? "read_uncommitted" : "read_committed"
      return Effect.map(records.next({ topic, isolation, offsets }), (times) => [topic, times] as const)
    })
    const asked = new Map(answers)
    const nowMs = yield* Clock.currentTimeMillis
    const lagMsOf = (view: JudgedPartition): number | undefined => {
      const { lag, position } = view
      if (lag === undefined || position === undefined) return undefined
      if (lag === 0n) return 0
      const before = known.get(keyOf(view))
      const times = asked.get(view.topic)
      const timestampMs = before?.position === position ? before.timestampMs : times?.get(view.partition)
      if (timestampMs !== undefined) {
        next.set(keyOf(view), { position, timestampMs })
        // A producer's clock may be ahead of ours.
        return Math.max(0, nowMs - timestampMs)
      }
      // Nothing but what the group does not see waits, or that could not be learned.
      return times === undefined || times.has(view.partition) ? undefined : 0
    }
    return {
      ...group,
      partitions: group.partitions.map((view) => ({ ...view, lagMs: lagMsOf(view) })),
      problems: [...group.problems, ...failures.map(commandError)]
    }
  })

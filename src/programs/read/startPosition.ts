import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import type { KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import { type Asked, type NoOffset, readableEnd, resetIn } from "./reset.js"

/** Where to begin instead of where the group stands. */
export type From = Data.TaggedEnum<{
  Beginning: {}
  End: {}
  Offset: { readonly offset: bigint }
  /** So many offsets before the end, or at the beginning. What no reader sees counts too. */
  Last: { readonly count: bigint }
  /** Per partition; at the end where there is none. */
  At: { readonly offsets: ReadonlyMap<number, bigint> }
}>
export const From = Data.taggedEnum<From>()

export interface StartOptions extends Omit<Asked, "partition" | "position"> {
  readonly from: From | undefined
  /**
   * How far this process has come, where that counts more than what the group has committed: in a read that commits
   * nothing, or that began elsewhere than its group. Shared by its members, between which partitions move.
   */
  readonly progress: ReadonlyMap<number, bigint> | undefined
}

/** Where partitions begin that were just assigned. */
export const startPositions = (
  options: StartOptions,
  partitions: ReadonlyArray<number>
): Effect.Effect<ReadonlyMap<number, bigint>, NoOffset | KafkaUnavailable | KafkaRefused | TopicMissing, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const { from, group, progress, topic } = options
    const committed = from === undefined ? yield* admin.committedOffsets(group, topic) : undefined
    const known = (partition: number) => progress?.get(partition) ?? committed?.get(partition)
    const starts = new Map<number, bigint>()
    const ranges = partitions.every((partition) => known(partition) !== undefined)
      ? []
      : yield* admin.logRanges(topic)
    for (const partition of partitions) {
      const range = ranges.find((found) => found.partition === partition) ?? { partition, ...emptyLog }
      const start = known(partition) ??
        (from === undefined
          ? yield* resetIn(range, { ...options, partition, position: undefined })
          : fromIn(range, from, options))
      starts.set(partition, start)
    }
    return starts
  })

const emptyLog: Omit<LogRange, "partition"> = { low: 0n, lastStable: 0n, end: 0n }

const fromIn = (range: LogRange, from: From, { isolation }: Pick<StartOptions, "isolation">): bigint => {
  const end = readableEnd(range, isolation)
  return From.$match(from, {
    Beginning: () => range.low,
    End: () => end,
    Offset: ({ offset }) => offset,
    Last: ({ count }) => end - count < range.low ? range.low : end - count,
    At: ({ offsets }) => offsets.get(range.partition) ?? end
  })
}

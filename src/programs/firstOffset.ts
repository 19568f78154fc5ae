import * as Effect from "effect/Effect"
import type { Config } from "../domain/Config.js"
import type { LogRange } from "../domain/KafkaRecord.js"
import { Admin, type TopicMissing } from "../layers/Admin.js"
import type { KafkaRefused, KafkaUnavailable } from "../layers/Consumer.js"
import { Destination, type DestinationError } from "../layers/Destination.js"
import { committedElsewhere, Held, rowsWithoutOffset } from "./held.js"
import { topicTables } from "./topicTables.js"

interface Env {
  readonly config: Config
  readonly topic: string
  readonly group: string
}

/**
 * Where a partition without a stored offset begins (protocol §3). `auto.offset.reset` speaks only when the group has no
 * row for the topic at all; a partition that was added later begins at its earliest record. A missing row is never taken
 * for "begin anew" where anything says that the partition has been read before.
 */
export const firstOffset = (
  env: Env,
  sourceId: number
): Effect.Effect<
  (partition: number) => bigint | Held,
  DestinationError | KafkaUnavailable | KafkaRefused | TopicMissing,
  Admin | Destination
> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const destination = yield* Destination
    const stored = new Set((yield* destination.stored(env.topic, env.group)).map(({ partition }) => partition))
    const ranges = new Map((yield* admin.logRanges(env.topic)).map((range) => [range.partition, range]))
    const missing = [...ranges.keys()].filter((partition) => !stored.has(partition))
    if (missing.length === 0) return () => 0n
    const committed = yield* admin.committedOffsets(env.group, env.topic)
    const holding = new Map<number, string>()
    for (const table of yield* topicTables(env.config, env.topic)) {
      for (const partition of missing) {
        if (yield* destination.holdsRows(table, sourceId, partition)) holding.set(partition, table)
      }
    }
    return (partition) => {
      if (stored.has(partition)) return 0n
      const where = { topic: env.topic, partition, group: env.group }
      const elsewhere = committed.get(partition)
      const table = holding.get(partition)
      if (table !== undefined) return rowsWithoutOffset(where, table)
      if (elsewhere !== undefined && elsewhere >= 0n) {
        return committedElsewhere(where, elsewhere, env.config.bootstrapServers[0] ?? "")
      }
      return beginning(where, stored.size === 0 ? env.config.autoOffsetReset : "earliest", ranges.get(partition))
    }
  })

const beginning = (
  where: { readonly topic: string; readonly partition: number; readonly group: string },
  policy: Config["autoOffsetReset"],
  range: LogRange | undefined
): bigint | Held => {
  switch (policy) {
    case "earliest":
      return range?.low ?? 0n
    case "latest":
      return range?.lastStable ?? 0n
    case "none":
      return new Held({
        what:
          `group ${where.group} has no stored offset for ${where.topic}-${where.partition} and kafka.auto.offset.reset=none`,
        cure: "set it to earliest or latest for the first start"
      })
  }
}

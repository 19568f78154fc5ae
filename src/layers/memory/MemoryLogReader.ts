import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type LogEntry, LogReader } from "../LogReader.js"
import { MemoryKafka } from "./MemoryCluster.js"
import type { LogItem } from "./MemoryLog.js"

/** Over the cluster in memory; open transactions hide what follows them. */
export const layerMemory: Layer.Layer<LogReader, never, MemoryKafka> = Layer.effect(
  LogReader,
  Effect.map(MemoryKafka, (cluster) =>
    LogReader.of({
      entries: ({ from, partition, to, topic }) =>
        Stream.sync(() => {
          const { items, lastStable } = cluster.log(topic, partition)
          return items
            .filter(({ offset }) => offset >= from && offset < to && offset < lastStable)
            .map((item): LogEntry => ({ offset: item.offset, kind: kindOf(item) }))
        })
    }))
)

const kindOf = (item: LogItem): LogEntry["kind"] => {
  if (item.kind !== "record" || item.transaction?.state === "aborted") return "hidden"
  return item.record.value === null ? "tombstone" : "record"
}

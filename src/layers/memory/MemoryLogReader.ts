import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type LogEntry, LogReader } from "../LogReader.js"
import { MemoryKafka } from "./MemoryKafka.js"

/** Over the cluster in memory; open transactions hide what follows them. */
export const layerMemory: Layer.Layer<LogReader, never, MemoryKafka> = Layer.effect(
  LogReader,
  Effect.map(MemoryKafka, (cluster) =>
    LogReader.of({
      entries: ({ from, partition, to, topic }) =>
        Stream.suspend(() => {
          const { entries, lastStable, low } = cluster.log(topic, partition)
          const all = entries.map((entry, index): LogEntry =>
            entry === "invisible"
              ? { offset: low + BigInt(index), kind: "hidden" }
              : { offset: entry.offset, kind: entry.value === null ? "tombstone" : "record" }
          )
          return Stream.succeed(
            all.filter(({ offset }) =>
              offset >= from && offset < to && (lastStable === undefined || offset < lastStable)
            )
          )
        })
    }))
)

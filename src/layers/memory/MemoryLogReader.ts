import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { LogReader } from "../LogReader.js"
import { MemoryKafka } from "./MemoryKafka.js"

/** Over the cluster in memory; open transactions hide what follows them. */
export const layerMemory: Layer.Layer<LogReader, never, MemoryKafka> = Layer.effect(
  LogReader,
  Effect.map(MemoryKafka, (cluster) =>
    LogReader.of({
      entries: ({ from, partition, to, topic }) =>
        Stream.suspend(() => {
          const { entries, lastStable } = cluster.log(topic, partition)
          const visible = entries.filter((entry) => entry !== "invisible").filter(({ offset }) =>
            offset >= from && offset < to && (lastStable === undefined || offset < lastStable)
          )
          return Stream.succeed(visible.map(({ offset, value }) => ({ offset, tombstone: value === null })))
        })
    }))
)

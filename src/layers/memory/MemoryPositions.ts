import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Positions } from "../Positions.js"
import { MemoryDatabaseState } from "./MemoryDestination.js"

/** `Positions` of the database in memory, which keeps no times. */
export const layerMemory: Layer.Layer<Positions, never, MemoryDatabaseState> = Layer.effect(
  Positions,
  Effect.map(MemoryDatabaseState, ({ offsets }) =>
    Positions.of({
      stored: (wanted) =>
        Effect.sync(() =>
          [...offsets].flatMap(([key, { offset }]) => {
            const [topic = "", partition, group = ""] = key.split("/")
            return wanted.some((one) => one.topic === topic && one.group === group)
              ? [{ topic, partition: Number(partition), group, offset, ageMs: undefined }]
              : []
          })
        )
    }))
)

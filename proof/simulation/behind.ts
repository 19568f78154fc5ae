import type { Place } from "../checker/History.js"
import { storedOf } from "./lives.js"
import type { World } from "./World.js"

export interface Behind extends Place {
  readonly lag: bigint
}

/** Partitions of which not everything is stored. */
export const behind = (world: World): ReadonlyArray<Behind> =>
  [...world.cluster.topics].flatMap(([topic, { logs }]) =>
    logs.flatMap(({ end }, partition) => {
      const stored = storedOf(world, topic, partition)
      return stored === end ? [] : [{ topic, partition, lag: end - (stored ?? 0n) }]
    })
  )

import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { CommandError } from "../../exitCodes.js"
import { earliest, lookAtLog, type Reader, startCounting, startReader } from "./members.js"
import { type RealCase, until } from "./RealWorld.js"

/** The first of two members ends; how long until the other one reads its partition. Sessions do not scale. */
const takenOver = (
  strategy: string,
  shows: RealCase["shows"],
  end: (first: Reader) => Effect.Effect<void, CommandError>
): RealCase => ({
  strategy,
  shows,
  partitions: 2,
  happens: (world) =>
    Effect.gen(function*() {
      const first = yield* startReader(world, "consumer-thread-0", "sync", ...earliest)
      const second = yield* startReader(world, "consumer-thread-1", "sync", ...earliest)
      const shared = () => first.assigned.at(-1)?.size === 1 && second.assigned.at(-1)?.size === 1
      yield* until(world, "a partition for each member", shared)
      const [own = -1] = first.assigned.at(-1)?.keys() ?? []
      const producer = yield* startCounting(world, 1_000_000, "50ms")
      yield* until(world, "some records", () => world.processed.length >= 20)
      const endedMs = yield* Clock.currentTimeMillis
      yield* end(first)
      const taken = () =>
        world.processed.find(({ atMs, by, partition }) => by === second.name && partition === own && atMs > endedMs)
      yield* until(world, "a record of the partition at the other member", () => taken() !== undefined)
      yield* producer.kill("when it had counted far enough")
      yield* lookAtLog(world)
      const numbers = () => new Set(world.processed.map(({ id }) => id)).size
      yield* until(world, "all records", () => numbers() === world.produced.length)
      yield* second.stop
      return [`taken over after ${(((taken()?.atMs ?? Number.NaN) - endedMs) / 1000).toFixed(1)} s`]
    })
})

export const sessionExpiry: ReadonlyArray<RealCase> = [
  takenOver("sync, kill -9", ["exactly once", "at least once"], (first) => first.kill("while it stood by")),
  takenOver("sync, leaves", ["exactly once"], (first) => first.stop)
]

import * as Effect from "effect/Effect"
import type { MemoryProcess } from "../../../layers/memory/MemoryProcess.js"
import type { Case, Experiment } from "../experiment.js"
import { count, inLab, kill, type LabWorld, settled, startMember, stop } from "../LabWorld.js"

type End = (world: LabWorld, name: string, process: MemoryProcess<void, unknown>) => Effect.Effect<void>

/** The first of two members ends; how long until the other one reads its partition. */
const takenOver = (strategy: string, shows: Case["shows"], end: End): Case => ({
  strategy,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      const producing = yield* Effect.fork(count(world, 1, 400, 100))
      const settings = { commit: "sync" as const, workMs: 10 }
      const first = yield* startMember(world, { name: "consumer-thread-0", ...settings })
      yield* startMember(world, { name: "consumer-thread-1", ...settings })
      yield* Effect.sleep(15_000)
      yield* end(world, "consumer-thread-0", first)
      const ended = world.events.at(-1)?.atMs ?? 0
      yield* producing
      yield* settled(world)
      const before = world.processed.filter(({ atMs }) => atMs <= ended)
      const lastBy = new Map(before.map(({ by, partition }) => [partition, by]))
      const next = world.processed.find(({ atMs, by, partition }) =>
        by === "consumer-thread-1" && atMs > ended && lastBy.get(partition) === "consumer-thread-0"
      )
      return [`taken over after ${(((next?.atMs ?? Number.NaN) - ended) / 1000).toFixed(1)} s`]
    }), { partitions: 2 })
})

export const sessionExpiry: Experiment = {
  name: "session-expiry",
  title: "one of two members ends: by kill -9, and by leaving the group",
  why: "The coordinator hears of a member that leaves at once, and of one that was killed only when its session has " +
    "expired: until then nobody reads its partitions, and lag grows. A short session takes over sooner and mistakes a " +
    "long pause (garbage collection, a suspended machine) for death more often.",
  cases: [
    takenOver("sync, kill -9", "exactly once", kill),
    takenOver("sync, leaves", "exactly once", stop)
  ]
}

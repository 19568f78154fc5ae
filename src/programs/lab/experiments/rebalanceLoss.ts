import * as Effect from "effect/Effect"
import { stretchesOf } from "../../../domain/delivery.js"
import type { Case, Experiment } from "../experiment.js"
import { count, inLab, type MemberSettings, settled, startMember } from "../LabWorld.js"

/** A second member joins while the work of the first one is under way. */
const joinedLater = (
  strategy: string,
  shows: Case["shows"],
  settings: Omit<MemberSettings, "name">
): Case => ({
  strategy,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      const producing = yield* Effect.fork(count(world, 1, 120, 500))
      yield* startMember(world, { name: "consumer-thread-0", ...settings })
      yield* Effect.sleep(20_250)
      const before = new Set(world.processed.map(({ id }) => id))
      yield* startMember(world, { name: "consumer-thread-1", ...settings })
      yield* producing
      yield* settled(world)
      const done = new Set(world.processed.map(({ id }) => id))
      const lost = world.produced.filter((id) => !done.has(id))
      return [`${before.size} were done when the second member came; lost ${stretchesOf(lost) || "none"}`]
    }), { partitions: 2 })
})

const handOff = { handOff: true, workMs: 4000 } as const

export const rebalanceLoss: Experiment = {
  name: "rebalance-loss",
  title: "a second member joins while handed-off work is under way, without a rebalance listener and with one",
  why:
    "When the group rebalances, auto-commit commits the position before the partitions are given back, and the work " +
    "that is still under way for them is dropped, because they belong to somebody else from then on: it is committed " +
    "and never done. A listener (onPartitionsRevoked) waits for the work and commits what is done; without auto-commit " +
    "and without a listener the same work is done twice, once here and once by the new owner.",
  cases: [
    joinedLater("auto, no listener", "at most once", { commit: "auto", ...handOff }),
    joinedLater("auto, listener", "exactly once", { commit: "auto", listener: true, ...handOff }),
    joinedLater("sync, listener", "exactly once", { commit: "sync", listener: true, workMs: 100 })
  ]
}

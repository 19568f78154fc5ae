import * as Effect from "effect/Effect"
import type { Case, Experiment } from "../experiment.js"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { count, inLab, settled, startMember, stop } from "../LabWorld.js"

const name = "consumer-thread-0"

const stoppedInOrder = (commit: CommitStrategy, shows: Case["shows"]): Case => ({
  strategy: commit,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      yield* count(world, 1, 300)
      const settings = { name, commit, maxPollRecords: 100, workMs: 100 }
      const first = yield* startMember(world, settings)
      yield* Effect.sleep(15_050)
      const told = world.processed.length
      yield* stop(world, name, first)
      const left = world.processed.length
      yield* startMember(world, settings)
      yield* settled(world)
      return [
        `SIGTERM after ${told} records; it finished what was polled, left after ${left}, and the next one went on there`
      ]
    })
  )
})

export const gracefulStop: Experiment = {
  name: "graceful-stop",
  title: "SIGTERM in the middle of a poll",
  why:
    "A consumer that finishes the records it has polled, commits synchronously and leaves the group hands over at the " +
    "exact place: nothing is lost and nothing repeated, with every strategy that commits on the way out. Without that " +
    "last commit, a poll comes again. It is the crash that tells the strategies apart, not the stop.",
  cases: [
    stoppedInOrder("auto", "exactly once"),
    stoppedInOrder("sync", "exactly once"),
    stoppedInOrder("sync-each", "exactly once"),
    stoppedInOrder("sync-offset", "exactly once"),
    stoppedInOrder("async+sync", "exactly once"),
    stoppedInOrder("none", "at least once")
  ]
}

import * as Effect from "effect/Effect"
import type { Case, Experiment } from "../experiment.js"
import { count, inLab, kill, type MemberSettings, settled, startMember } from "../LabWorld.js"

const name = "consumer-thread-0"

const killedBeforeCommit = (strategy: string, shows: Case["shows"], settings: Omit<MemberSettings, "name">): Case => ({
  strategy,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      const producing = yield* Effect.fork(count(world, 1, 100, 1000))
      const first = yield* startMember(world, { name, ...settings })
      yield* Effect.sleep(50_500)
      yield* kill(world, name, first)
      const reached = world.processed.length
      yield* startMember(world, { name, ...settings })
      yield* producing
      yield* settled(world)
      return [`killed after ${reached} records, ${world.processed.length - world.produced.length} of them came again`]
    })
  )
})

export const autoCommitDuplicates: Experiment = {
  name: "auto-commit-duplicates",
  title: "one record a second, auto-commit each 60 s, kill -9 after 50 s",
  why:
    "Between two auto-commits everything that was processed is known to nobody but the consumer. A kill before the " +
    "first commit makes the next consumer begin at the start: every record comes again. A shorter interval repeats " +
    "less, a commit after each poll repeats at most one poll; none of them can promise that nothing comes twice.",
  cases: [
    killedBeforeCommit("auto (60 s)", "at least once", { commit: "auto", autoCommitIntervalMs: 60_000 }),
    killedBeforeCommit("auto (20 s)", "at least once", { commit: "auto", autoCommitIntervalMs: 20_000 }),
    killedBeforeCommit("sync", "exactly once", { commit: "sync" })
  ]
}

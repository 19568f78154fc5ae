import * as Effect from "effect/Effect"
import { answerLost, fates, prompt } from "../../../layers/memory/Fate.js"
import type { Case, Experiment } from "../experiment.js"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { committed, count, inLab, kill, settled, startMember } from "../LabWorld.js"

const name = "consumer-thread-0"

/** The second commit gets lost on the way and is sent again by the client 5 s later, after newer ones. */
const lateRetry = (commit: CommitStrategy, shows: Case["shows"]): Case => ({
  strategy: commit === "async" ? "async, retried late" : commit,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      const lateRetryMs = 5000
      world.kafka.commitFate = fates(prompt, answerLost(commit === "async" ? 0 : lateRetryMs, lateRetryMs))
      yield* count(world, 1, 300)
      const settings = { name, commit, maxPollRecords: 50, workMs: 20 }
      const first = yield* startMember(world, settings)
      yield* Effect.sleep(6500)
      const before = committed(world) ?? 0n
      yield* Effect.sleep(1000)
      const after = committed(world) ?? 0n
      yield* kill(world, name, first)
      yield* startMember(world, settings)
      yield* settled(world)
      return [`committed offset ${before}, and ${after} after the late retry`]
    })
  )
})

export const asyncCommitRegress: Experiment = {
  name: "async-commit-regress",
  title: "an asynchronous commit is retried late, after newer ones; then kill -9",
  why: "commitAsync does not wait, so that several commits are under way at once. A client that retries an old one " +
    "after a newer one has arrived moves the committed offset back, and a restart repeats everything in between. " +
    "This is why commitAsync itself never retries, and why a retry in a callback has to compare a sequence number. " +
    "commitSync waits for each answer: there is nothing to overtake.",
  cases: [lateRetry("async", "at least once"), lateRetry("sync", "exactly once")]
}

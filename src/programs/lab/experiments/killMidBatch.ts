import * as Effect from "effect/Effect"
import type { Case, Experiment } from "../experiment.js"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { committed, count, inLab, settled, startMember } from "../LabWorld.js"

const name = "consumer-thread-0"

/** Polls of 100; the process dies right after the effect of number 150. */
const killedAt150 = (commit: CommitStrategy, shows: Case["shows"]): Case => ({
  strategy: commit,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      yield* count(world, 1, 300)
      const settings = { name, commit, maxPollRecords: 100, workMs: 100 }
      yield* startMember(world, { ...settings, killedAt: 150 })
      yield* Effect.sleep(20_000)
      const offset = committed(world) ?? 0n
      yield* startMember(world, settings)
      yield* settled(world)
      return [
        `killed after number 150 with offset ${offset} committed: the next consumer began with number ${offset + 1n}`
      ]
    })
  )
})

export const sigkillMidBatch: Experiment = {
  name: "sigkill-mid-batch",
  title: "100 committed, 101 to 200 polled, kill -9 at 150",
  why: "A commit after each poll covers whole polls. The effects of 101 to 150 have happened when the process dies, " +
    "their offsets were never committed, so 101 to 150 are processed twice. Committing each record's own offset " +
    "narrows the window to one record: the effect and the commit are still two steps, and the kill falls between them.",
  cases: [
    killedAt150("sync", "at least once"),
    killedAt150("sync-offset", "at least once"),
    killedAt150("async", "at least once"),
    killedAt150("async+sync", "at least once")
  ]
}

export const syncEachKill: Experiment = {
  name: "sync-each-kill",
  title: "a commit without arguments after each record, kill -9 at 150",
  why:
    "commitSync() without arguments commits the position, which is the end of the whole poll: after the first record " +
    "of a poll the other 99 are committed as well. A kill at 150 loses 151 to 200, which looks safer than a commit " +
    "for each poll and is worse. Committing record offset + 1 does what was meant.",
  cases: [killedAt150("sync-each", "at most once"), killedAt150("sync-offset", "at least once")]
}

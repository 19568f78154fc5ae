import * as Effect from "effect/Effect"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { earliest, largestPoll, preload, readOn, startReader } from "./members.js"
import { inMs, type RealCase, type RealOptions, scaled, scaledMs, until } from "./RealWorld.js"

const name = "consumer-thread-0"
/** Joining the group takes as long as it takes, and the interval begins before it: it must not end meanwhile. */
const joiningMs = 20_000

/** Polls of 10 records with work of a second each; killed in the poll of 51 to 60. */
const killedAt55 = (
  strategy: string,
  commit: CommitStrategy,
  autoCommitMs: ((options: RealOptions) => number) | undefined
): RealCase => ({
  strategy,
  shows: ["at least once"],
  happens: (world) =>
    Effect.gen(function*() {
      yield* preload(world, 100)
      const interval = autoCommitMs === undefined ? [] : ["--auto-commit-interval", inMs(autoCommitMs(world.options))]
      const settings = [...largestPoll(10), ...interval]
      const work = scaled(world, 1000, 20)
      const first = yield* startReader(world, name, commit, ...earliest, ...settings, "--process-delay", work)
      yield* until(world, "number 55", () => world.processed.length >= 55)
      yield* first.kill("after number 55")
      const reached = world.processed.length
      yield* readOn(world, name, commit, ...earliest, ...settings)
      return [`killed after ${reached} records, ${world.processed.length - world.produced.length} of them came again`]
    })
})

export const autoCommitDuplicates: ReadonlyArray<RealCase> = [
  killedAt55("auto (60 s)", "auto", (options) => scaledMs(options, 60_000) + joiningMs),
  killedAt55("auto (20 s)", "auto", (options) => scaledMs(options, 20_000)),
  killedAt55("sync", "sync", undefined)
]

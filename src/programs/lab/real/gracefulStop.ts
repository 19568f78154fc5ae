import * as Effect from "effect/Effect"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { earliest, largestPoll, preload, readOn, startReader } from "./members.js"
import { type RealCase, scaled, until } from "./RealWorld.js"

const name = "consumer-thread-0"

const stoppedInOrder = (commit: CommitStrategy, ...shows: RealCase["shows"]): RealCase => ({
  strategy: commit,
  shows,
  happens: (world) =>
    Effect.gen(function*() {
      yield* preload(world, 300)
      const work = scaled(world, 100, 20)
      const first = yield* startReader(world, name, commit, ...earliest, ...largestPoll(100), "--process-delay", work)
      yield* until(world, "number 150", () => world.processed.length >= 150)
      const told = world.processed.length
      yield* first.stop
      const left = world.processed.length
      const next = yield* readOn(world, name, commit, ...earliest)
      const [begun] = next.assigned
      return [
        `SIGTERM after ${told} records; it left after ${left}, and the next one began at offset ${begun?.get(0) ?? "-"}`
      ]
    })
})

export const gracefulStop: ReadonlyArray<RealCase> = [
  stoppedInOrder("auto", "exactly once"),
  stoppedInOrder("sync", "exactly once"),
  stoppedInOrder("sync-each", "exactly once"),
  stoppedInOrder("sync-offset", "exactly once"),
  stoppedInOrder("async+sync", "exactly once"),
  stoppedInOrder("none", "at least once")
]

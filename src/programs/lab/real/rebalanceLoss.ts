import * as Effect from "effect/Effect"
import { stretchesOf } from "../../../domain/delivery.js"
import { earliest, lookAtLog, readOn, startCounting, startReader } from "./members.js"
import { type RealCase, type RealWorld, scaled, until } from "./RealWorld.js"

/** Longer than it takes to kill a process that has just given its partitions back. */
const workMs = 4000
const leastWorkMs = 2500

const [former, latter] = ["consumer-thread-0", "consumer-thread-1"] as const

/** Numbers come for as long as it takes. */
const startNumbers = (world: RealWorld) => startCounting(world, 1_000_000, scaled(world, 500, 50))

/**
 * A second member joins while the first one has work under way beside its poll loop, and the first one is killed as soon
 * as it has given its partitions back: what its commit has promised is done by then, or never will be.
 */
const handedOff = (strategy: string, shows: RealCase["shows"], ...options: ReadonlyArray<string>): RealCase => ({
  strategy,
  shows,
  partitions: 2,
  happens: (world) =>
    Effect.gen(function*() {
      const work = `async:${scaled(world, workMs, leastWorkMs)}`
      // Only what a rebalance commits is looked at: the interval never ends.
      const settings = ["--process", work, "--unordered", "--auto-commit-interval", "24h", ...earliest, ...options]
      const first = yield* startReader(world, former, "auto", ...settings)
      yield* until(world, "an assignment", () => first.assigned.length > 0)
      const producer = yield* startNumbers(world)
      yield* until(world, "some work done", () => world.processed.length > 0)
      const second = yield* startReader(world, latter, "auto", ...settings)
      yield* until(world, "partitions given back", () => first.revoked() > 0)
      yield* first.kill("when it had given its partitions back")
      const done = world.processed.length
      yield* producer.kill("when it had counted far enough")
      yield* second.stop
      yield* readOn(world, latter, "auto", ...earliest)
      yield* lookAtLog(world)
      const found = new Set(world.processed.map(({ id }) => id))
      const lost = stretchesOf(world.produced.filter((id) => !found.has(id))) || "none"
      return [`${done} were done when the first member died; lost: ${lost}`]
    })
})

/** Without a kill: the poll in work is finished and committed before the partitions are given back. */
const inThePollLoop: RealCase = {
  strategy: "sync, listener",
  shows: ["exactly once"],
  partitions: 2,
  happens: (world) =>
    Effect.gen(function*() {
      const settings = [...earliest, "--process-delay", scaled(world, 100, 10)]
      const first = yield* startReader(world, former, "sync", ...settings)
      yield* until(world, "an assignment", () => first.assigned.length > 0)
      const producer = yield* startNumbers(world)
      yield* until(world, "some work done", () => world.processed.length > 0)
      const second = yield* startReader(world, latter, "sync", ...settings)
      yield* until(world, "work of the second member", () => world.processed.some(({ by }) => by === latter))
      yield* producer.kill("when it had counted far enough")
      yield* Effect.all([first.stop, second.stop], { concurrency: 2 })
      const moved = world.processed.filter(({ by }) => by === latter).length
      yield* readOn(world, latter, "sync", ...earliest)
      yield* lookAtLog(world)
      return [`${moved} were done by the second member`]
    })
}

export const rebalanceLoss: ReadonlyArray<RealCase> = [
  handedOff("auto, no listener", ["at most once"], "--no-listener"),
  handedOff("auto, listener", ["exactly once"]),
  inThePollLoop
]

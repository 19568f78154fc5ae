import * as Effect from "effect/Effect"
import { stretchesOf } from "../../../domain/delivery.js"
import type { CommitStrategy } from "../../read/commitStrategy.js"
import { committed, earliest, largestPoll, preload, readOn, startReader } from "./members.js"
import { type RealCase, scaled, until } from "./RealWorld.js"

const name = "consumer-thread-0"

const numbers = (from: number, to: number): string =>
  stretchesOf(Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)) || "none"

/** Polls of 100; the process is killed as soon as number 150 is seen, in the middle of the second one. */
const killedAt150 = (commit: CommitStrategy, ...shows: RealCase["shows"]): RealCase => ({
  strategy: commit,
  shows,
  happens: (world) =>
    Effect.gen(function*() {
      yield* preload(world, 300)
      // Slow enough for the kill to hit the poll that 150 belongs to.
      const work = scaled(world, 100, 20)
      const first = yield* startReader(world, name, commit, ...earliest, ...largestPoll(100), "--process-delay", work)
      yield* until(world, "number 150", () => world.processed.length >= 150)
      yield* first.kill("after number 150")
      const reached = world.processed.length
      const offset = (yield* committed(world)).get(0) ?? 0n
      yield* readOn(world, name, commit)
      const next = Number(offset) + 1
      return [
        `number ${reached} was the last one before the kill, offset ${offset} was committed: processed twice: ` +
        `${numbers(next, reached)}; lost: ${numbers(reached + 1, Number(offset))}`
      ]
    })
})

export const sigkillMidBatch: ReadonlyArray<RealCase> = [
  killedAt150("sync", "at least once"),
  killedAt150("sync-offset", "at least once", "exactly once"), // the kill comes between effect and commit, or not
  killedAt150("async", "at least once"),
  killedAt150("async+sync", "at least once")
]

export const syncEachKill: ReadonlyArray<RealCase> = [
  killedAt150("sync-each", "at most once"),
  killedAt150("sync-offset", "at least once", "exactly once")
]

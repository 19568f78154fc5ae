import * as Effect from "effect/Effect"
import { stretchesOf } from "../../../domain/delivery.js"
import { From } from "../../read/startPosition.js"
import type { Case, Experiment } from "../experiment.js"
import { committed, count, inLab, kill, type LabWorld, type MemberSettings, settled, startMember } from "../LabWorld.js"

const numbers = 10_000
const intervalMs = 10_000
const workMs = 60_000
const partitions = 3
/** How long nobody reads, each time. */
const awayMs = 120_000
/** How many numbers are out when the consumer is killed, each time. */
const killedAfter = [3_000, 7_000] as const

const lossy: MemberSettings = {
  name: "consumer-thread-0",
  commit: "auto",
  autoCommitIntervalMs: 30_000,
  reset: "latest",
  workMs,
  handOff: true,
  pollTimeoutMs: 10_000 // a record ends the wait; hours of empty polls would only take time
}

const offsetLossCase = (strategy: string, shows: Case["shows"], settings: MemberSettings): Case => ({
  strategy,
  shows,
  simulated: inLab((world) =>
    Effect.gen(function*() {
      const notes: Array<string> = []
      let killedAt = 0
      let consumer = yield* startMember(world, settings)
      yield* Effect.sleep(1000) // with `latest`, what is produced before it has joined is not for it
      const producing = yield* Effect.fork(count(world, 1, numbers, intervalMs))
      for (const [index, after] of killedAfter.entries()) {
        while (world.produced.length < after) yield* Effect.sleep(intervalMs)
        yield* kill(world, settings.name, consumer)
        const before = standing(world, killedAt)
        killedAt = before.last
        yield* Effect.sleep(awayMs)
        const again = index === 0 ? {} : { from: From.End() }
        const skipped = index === 0 ? [] : world.produced.filter((id) => id > before.last)
        consumer = yield* startMember(world, { ...settings, ...again })
        const lastLines = before.asleep.slice(-3).map((id) => `${id} sleeping in ${settings.name}`)
        notes.push(
          `the last lines before kill -9: ${lastLines.join(", ")}`,
          `restart ${index + 1}, ${index === 0 ? "from the committed offset" : "with --start-from-latest"}: ` +
            [
              `${before.asleep.length} numbers were asleep and their offsets committed: lost ${
                stretchesOf(before.asleep) || "none"
              }`,
              ...(index === 0
                ? []
                : [`${skipped.length} came while nobody read and were skipped: lost ${stretchesOf(skipped)}`])
            ].join("; ")
        )
      }
      yield* producing
      yield* settled(world, 2 * workMs)
      return notes
    }), { partitions, sessionTimeoutMs: 60_000 })
})

/** At a kill: the last number, and those after `from` whose offset is committed although nothing has come of them. */
const standing = (world: LabWorld, from: number): { readonly last: number; readonly asleep: ReadonlyArray<number> } => {
  const done = new Set(world.processed.map(({ id }) => id))
  const asleep = world.produced.filter((id) => {
    const offset = BigInt(Math.floor((id - 1) / partitions))
    return id > from && !done.has(id) && offset < (committed(world, (id - 1) % partitions) ?? 0n)
  })
  return { last: world.produced.at(-1) ?? 0, asleep }
}

export const offsetLoss: Experiment = {
  name: "offset-loss",
  title:
    "1 to 10000, one each 10 s; a minute of unordered work beside the poll loop; auto-commit each 30 s; two restarts",
  why: "Auto-commit commits what poll has returned, not what has been worked off. Records that were handed to other " +
    "workers are still asleep when their offsets are committed; a kill then loses them for good, because the next " +
    "consumer starts behind them. Starting from the latest offset also skips whatever came while nobody read. " +
    "Committing only after the work is done turns the loss into repetition.",
  cases: [
    offsetLossCase("auto, work handed off", "at most once", lossy)
  ]
}

import * as Effect from "effect/Effect"
import { stretchesOf } from "../../../domain/delivery.js"
import { committed, lookAtLog, type Reader, startCounting, startReader } from "./members.js"
import { inMs, type RealCase, type RealWorld, scaled, scaledMs, until } from "./RealWorld.js"

const intervalMs = 10_000
const workMs = 60_000
const autoCommitMs = 30_000
/** The last number at the original times, and where a run is to take a minute. */
const numbersMax = 10_000
const numbersScaled = 500
/** Of all numbers: how many are out when the consumer is killed, each time. */
const killedAfter = [0.3, 0.7] as const

type Offsets = ReadonlyMap<number, bigint>

/** Where the group stood when a consumer was killed. */
interface Kill {
  readonly committed: Offsets
  /** Numbers whose work was done. */
  readonly done: number
}

const startSleeper = (world: RealWorld, ...options: ReadonlyArray<string>) =>
  Effect.tap(
    startReader(
      world,
      "consumer-thread-0",
      "auto",
      "--auto-commit-interval",
      scaled(world, autoCommitMs),
      "--property",
      "auto.offset.reset=latest",
      "--process",
      `async:${scaled(world, workMs)}`,
      "--unordered",
      "--capacity",
      "10000000",
      ...options
    ),
    // With `latest`, what is produced before it has joined is not for it.
    (reader) => until(world, "an assignment", () => reader.assigned.length > 0)
  )

const sleeping: RealCase = {
  strategy: "auto, work handed off",
  shows: ["at most once"],
  partitions: 3,
  happens: (world) =>
    Effect.gen(function*() {
      const numbers = world.options.numbers ?? (world.options.scale < 1 ? numbersScaled : numbersMax)
      const everyMs = scaledMs(world.options, intervalMs)
      // All of it, and as much again for whatever slows a machine down.
      const withinMs = 2 * numbers * everyMs + 600_000
      const first = yield* startSleeper(world)
      const producer = yield* startCounting(world, numbers, inMs(everyMs))
      const firstKill = yield* killAt(world, first, Math.floor(numbers * killedAfter[0]), withinMs)
      const second = yield* startSleeper(world)
      const secondKill = yield* killAt(world, second, Math.floor(numbers * killedAfter[1]), withinMs)
      const third = yield* startSleeper(world, "--from", "end")
      yield* producer.done
      yield* lookAtLog(world)
      const last = world.produced.at(-1) ?? 0
      yield* until(world, "the last number", () => world.processed.some(({ id }) => id === last), withinMs)
      yield* third.stop // which waits for the work that is under way
      return explain(world, firstKill, secondKill, third.assigned.at(-1) ?? new Map())
    })
}

/** Kills it when the work on this number is done: on the later ones it is under way. */
const killAt = (world: RealWorld, reader: Reader, number: number, withinMs: number) =>
  Effect.gen(function*() {
    yield* until(world, `number ${number}`, () => world.processed.some(({ id }) => id >= number), withinMs)
    yield* reader.kill(`after number ${number}`)
    return { committed: yield* committed(world), done: world.processed.length } satisfies Kill
  })

/** Which numbers are lost, by what has lost them. */
const explain = (world: RealWorld, first: Kill, second: Kill, start: Offsets): ReadonlyArray<string> => {
  const done = new Set(world.processed.map(({ id }) => id))
  const lost = world.produced.filter((id) => !done.has(id))
  const before = (offsets: Offsets) => (id: number) =>
    BigInt(Math.floor((id - 1) / world.partitions)) < (offsets.get((id - 1) % world.partitions) ?? 0n)
  const [byFirst, later] = split(lost, before(first.committed))
  const [bySecond, skipped] = split(later, before(second.committed))
  const [byEnd, other] = split(skipped, before(start))
  return [
    `restart 1, from the committed offset: ${byFirst.length} numbers were asleep and their offsets committed: lost ` +
    numbersOf(byFirst),
    `restart 2, with --from end (--start-from-latest): ${bySecond.length} numbers were asleep and their offsets ` +
    `committed: lost ${numbersOf(bySecond)}; ${byEnd.length} came before it read again and were skipped: lost ` +
    numbersOf(byEnd),
    ...(other.length === 0 ? [] : [`lost for another reason: ${numbersOf(other)}`])
  ]
}

const numbersOf = (ids: ReadonlyArray<number>): string => stretchesOf(ids) || "none"

const split = (ids: ReadonlyArray<number>, isFirst: (id: number) => boolean) =>
  [ids.filter(isFirst), ids.filter((id) => !isFirst(id))] as const

export const offsetLoss: ReadonlyArray<RealCase> = [sleeping]

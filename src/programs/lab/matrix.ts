import * as Effect from "effect/Effect"
import type { Guarantee } from "../../domain/delivery.js"
import { delayed } from "../../layers/memory/Fate.js"
import { copied, startCopy } from "./Copy.js"
import type { Case, Experiment } from "./experiment.js"
import { type Fault, faults } from "./faults.js"
import { count, inLab, type MemberSettings, settled, startMember } from "./LabWorld.js"
import { countFramed, inPipeline, startPipeline } from "./Pipeline.js"

const numbers = 400
/** More than one consumer can work off, so that polls are large and a fault hits the middle of one. */
const intervalMs = 50
const workMs = 60
/** A commit takes a moment, in which a fault may come too. */
const commitMs = 20
const cluster = { partitions: 2, sessionTimeoutMs: 6000 }

/** Enough moments for each fault to do its harm. */
export const matrixSeeds = 10

/** A strategy under any of the faults. */
interface Subject {
  readonly strategy: string
  /** In the order of the faults, over `matrixSeeds` moments at which the fault may come. */
  readonly shows: ReadonlyArray<Guarantee>
  readonly under: (fault: Fault) => Case["simulated"]
}

const member = (
  strategy: string,
  shows: Subject["shows"],
  settings: Omit<MemberSettings, "name">
): Subject => ({
  strategy,
  shows,
  under: (fault) =>
    inLab((world) =>
      Effect.gen(function*() {
        world.kafka.commitFate = () => delayed(commitMs)
        const producing = yield* Effect.fork(count(world, 1, numbers, intervalMs))
        yield* fault.happen(world, (name) => startMember(world, { name, maxPollRecords: 50, workMs, ...settings }))
        yield* producing
        yield* settled(world)
        return []
      }), cluster)
})

const transform: Subject = {
  strategy: "transform",
  shows: ["exactly once", "exactly once", "exactly once", "exactly once"],
  under: (fault) =>
    inLab((world) =>
      Effect.gen(function*() {
        const producing = yield* Effect.fork(count(world, 1, numbers, intervalMs))
        yield* fault.happen(world, (name) => startCopy(world, name))
        yield* producing
        yield* settled(world)
        world.processed.push(...copied(world))
        return []
      }), cluster)
}

const run: Subject = {
  strategy: "run (the main pipeline)",
  shows: ["exactly once", "exactly once", "exactly once", "exactly once"],
  under: (fault) =>
    inPipeline((world) =>
      Effect.gen(function*() {
        const producing = yield* Effect.fork(countFramed(world, 1, numbers, intervalMs))
        yield* fault.happen(world, (name) => startPipeline(world, name))
        yield* producing
        yield* settled(world, 60_000)
        return []
      }), cluster)
}

const subjects: ReadonlyArray<Subject> = [
  member("auto", ["exactly once", "at least once", "exactly once", "at least once"], { commit: "auto" }),
  member("auto, work handed off", ["exactly once", "neither", "at most once", "neither"], {
    commit: "auto",
    workMs: 4000,
    handOff: true
  }),
  member("sync", ["exactly once", "at least once", "exactly once", "at least once"], { commit: "sync" }),
  member("sync-each", ["exactly once", "at most once", "exactly once", "at least once"], { commit: "sync-each" }),
  member("sync-offset", ["exactly once", "at least once", "exactly once", "at least once"], { commit: "sync-offset" }),
  member("async", ["exactly once", "at least once", "at least once", "at least once"], { commit: "async" }),
  member("async+sync", ["exactly once", "at least once", "at least once", "at least once"], { commit: "async+sync" }),
  transform,
  run
]

/** Every strategy under every fault, a column for each fault. */
export const matrix: ReadonlyArray<Pick<Experiment, "name" | "cases">> = faults.map((fault, index) => ({
  name: fault.name,
  cases: subjects.map(({ shows, strategy, under }) => ({
    strategy,
    shows: shows[index] ?? "exactly once",
    simulated: under(fault)
  }))
}))

import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { MemoryDatabaseState } from "../../../layers/memory/MemoryDestination.js"
import type { Case, Experiment } from "../experiment.js"
import { kill, type LabWorld, note, settled, stop } from "../LabWorld.js"
import { countFramed, inPipeline, type PipelineServices, startPipeline } from "../Pipeline.js"

type Fault = (world: LabWorld) => Effect.Effect<void, never, PipelineServices | Scope.Scope>

const under = (fault: string, happen: Fault): Case => ({
  strategy: `run, ${fault}`,
  shows: "exactly once",
  simulated: inPipeline((world) =>
    Effect.gen(function*() {
      const producing = yield* Effect.fork(countFramed(world, 1, 600, 100))
      yield* happen(world)
      yield* producing
      yield* settled(world, 60_000)
      return []
    }), { partitions: 2 })
})

/** Some time while numbers come. */
const aWhile = Effect.flatMap(Random.nextIntBetween(5_000, 12_000), Effect.sleep)

export const exactlyOnce: Experiment = {
  name: "exactly-once",
  title: "the main pipeline, offsets and rows in one database transaction, under the same faults",
  why:
    "Each transaction begins with a compare-and-set on the partition's offset and ends with the rows: they are stored " +
    "together or not at all. A kill leaves nothing half done, an owner that was evicted without knowing it finds " +
    "another generation and rolls back, and when the answer to COMMIT is lost the offset row says how it ended. Kafka's " +
    "committed offset plays no part.",
  cases: [
    under("kill -9", (world) =>
      Effect.gen(function*() {
        for (let kills = 0; kills < 4; kills++) {
          const instance = yield* startPipeline(world, "instance-0")
          yield* aWhile
          yield* kill(world, "instance-0", instance)
        }
        yield* startPipeline(world, "instance-0")
      })),
    under("SIGTERM", (world) =>
      Effect.gen(function*() {
        const instance = yield* startPipeline(world, "instance-0")
        yield* aWhile
        yield* stop(world, "instance-0", instance)
        yield* startPipeline(world, "instance-0")
      })),
    under("rebalance", (world) =>
      Effect.gen(function*() {
        yield* startPipeline(world, "instance-0")
        yield* aWhile
        const second = yield* startPipeline(world, "instance-1")
        yield* aWhile
        yield* kill(world, "instance-1", second)
      })),
    under("zombie", (world) =>
      Effect.gen(function*() {
        const first = yield* startPipeline(world, "instance-0")
        yield* startPipeline(world, "instance-1")
        yield* aWhile
        yield* Effect.zipRight(note(world, "instance-0", "freeze", "SIGSTOP"), first.freeze)
        yield* Effect.sleep(20_000)
        yield* Effect.zipRight(note(world, "instance-0", "thaw", "SIGCONT"), first.thaw)
      })),
    under("lost answers to COMMIT", (world) =>
      Effect.gen(function*() {
        const database = yield* MemoryDatabaseState
        let transactions = 0
        database.fault = () => ({
          _tag: ++transactions % 3 === 0 ? "CommitAnswerLost" : transactions % 3 === 1 ? "CommitLost" : "None"
        })
        yield* startPipeline(world, "instance-0")
        yield* Effect.sleep(30_000)
        database.fault = () => ({ _tag: "None" })
      }))
  ]
}

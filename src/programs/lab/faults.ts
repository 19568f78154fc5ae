import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { MemoryProcess } from "../../layers/memory/MemoryProcess.js"
import { kill, type LabWorld, note, stop } from "./LabWorld.js"

/** Starts a consumer, whatever its strategy is, as a process of that name. */
export type Start<R> = (name: string) => Effect.Effect<MemoryProcess<unknown, unknown>, never, R | Scope.Scope>

/** What happens to consumers while numbers come. */
export interface Fault {
  readonly name: string
  readonly happen: <R>(world: LabWorld, start: Start<R>) => Effect.Effect<void, never, R | Scope.Scope>
}

const first = "consumer-0"
const second = "consumer-1"

/** A moment in the middle, another one with each seed. */
const aWhile = Effect.flatMap(Random.nextIntBetween(8_000, 20_000), Effect.sleep)

export const faults: ReadonlyArray<Fault> = [
  {
    name: "SIGTERM",
    happen: (world, start) =>
      Effect.gen(function*() {
        const consumer = yield* start(first)
        yield* aWhile
        yield* stop(world, first, consumer)
        yield* start(first)
      })
  },
  {
    name: "kill -9",
    happen: (world, start) =>
      Effect.gen(function*() {
        const consumer = yield* start(first)
        yield* aWhile
        yield* kill(world, first, consumer)
        yield* start(first)
      })
  },
  {
    name: "rebalance",
    happen: (_, start) =>
      Effect.gen(function*() {
        yield* start(first)
        yield* aWhile
        yield* start(second)
      })
  },
  {
    // Evicted while it stands still, and back before it knows.
    name: "zombie",
    happen: (world, start) =>
      Effect.gen(function*() {
        const consumer = yield* start(first)
        yield* start(second)
        yield* aWhile
        yield* Effect.zipRight(note(world, first, "freeze", "SIGSTOP"), consumer.freeze)
        yield* Effect.sleep(15_000)
        yield* Effect.zipRight(note(world, first, "thaw", "SIGCONT"), consumer.thaw)
      })
  }
]

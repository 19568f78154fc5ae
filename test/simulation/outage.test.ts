import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { logged } from "../support/logged.js"
import { differences, produce, registryState, startInstance } from "../support/pipeline.js"
import { createTopic, run } from "../support/simulated.js"

const partitions = 9
const outage = "10 minutes"
const summaries = 10 * 60 / 30

const loud = (lines: ReadonlyArray<string>) =>
  lines.filter((line) => / (?:WARN|ERROR) /.test(line) && !line.includes("Backpressure"))
const joins = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes("partitions assigned"))

/** One line at the beginning, a summary each 30 s, and no more, however many partitions wait. */
const assertCalm = (lines: ReadonlyArray<string>) =>
  assert.isAtMost(loud(lines).length, 1 + summaries, `the log is flooded:\n${loud(lines).slice(0, 40).join("\n")}`)

describe("an outage of ten minutes", () => {
  it("of the database: one line and one each 30 s, tries with pauses, the membership is kept, then all is caught up", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(partitions)
        yield* produce(900, partitions)
        const database = yield* MemoryDatabaseState
        const instance = yield* startInstance()
        yield* Effect.sleep(5000)
        assert.deepStrictEqual(yield* differences, [])
        database.down = true
        const before = database.requests
        yield* produce(9000, partitions)
        yield* Effect.sleep(outage)
        // Full jitter up to retry.backoff.max.ms: two tries of a partition are half of that apart on average.
        assert.isAtMost(database.requests - before, partitions * 1000, "a busy loop")
        assert.isAtLeast(database.requests - before, partitions * 100, "it has given up")
        assertCalm(lines)
        database.down = false
        yield* Effect.sleep(20_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.lengthOf(joins(lines), 1, "the membership was lost")
        yield* Fiber.interrupt(instance)
      })
    )))

  it("of the registry, before a schema that is new: the same", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(partitions)
        const instance = yield* startInstance()
        yield* Effect.sleep(5000)
        registryState.down = true
        yield* produce(900, partitions)
        yield* Effect.sleep(outage)
        assertCalm(lines)
        registryState.down = false
        yield* Effect.sleep(20_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.lengthOf(joins(lines), 1)
        yield* Fiber.interrupt(instance)
      })
    )))

  it("of all brokers, while members start and run: nothing crashes, nothing floods, members are back, then all is caught up", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* createTopic(partitions)
        yield* produce(900, partitions)
        const kafka = yield* MemoryKafka
        const running = yield* startInstance()
        yield* Effect.sleep(5000)
        kafka.brokers.stopAll()
        const starting = yield* startInstance()
        yield* Effect.sleep(outage)
        assertCalm(lines)
        assert.isNull(running.unsafePoll())
        assert.isNull(starting.unsafePoll())
        kafka.brokers.startAll()
        yield* Effect.sleep(20_000)
        yield* produce(900, partitions)
        yield* Effect.sleep(20_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.isAtLeast(joins(lines).length, 3, "both are members of the group")
        yield* Fiber.interrupt(running)
        yield* Fiber.interrupt(starting)
      })
    )))
})

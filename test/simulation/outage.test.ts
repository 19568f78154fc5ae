import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Admin } from "../../src/layers/Admin.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { logged } from "../support/logged.js"
import { differences, produce, registryState, startInstance } from "../support/pipeline.js"
import { createTopic, run } from "../support/simulated.js"

const partitions = 9
const outage = "10 minutes"
const summaries = 10 * 60 / 30

const loud = (lines: ReadonlyArray<string>) =>
  lines.filter((line) => / (?:WARN|ERROR) /.test(line) && !line.includes("Backpressure"))
const joins = (lines: ReadonlyArray<string>) => lines.filter((line) => line.includes("partitions assigned"))

/**
 * What is said during the outage: one line at the beginning, a summary each 30 s, and no more, however many partitions
 * wait. `calm` is how many lines below WARN may come beside them.
 */
const assertCalm = (lines: ReadonlyArray<string>, calm = 0) => {
  const text = `the log is flooded:\n${lines.slice(0, 40).join("\n")}`
  assert.isAtMost(loud(lines).length, 1 + summaries, text)
  assert.isAtMost(lines.filter((line) => line.includes(" INFO ")).length, calm, text)
}

/** Whoever waits tries again after a random time up to retry.backoff.max.ms (2 s): about 600 times in ten minutes. */
const assertPauses = (tries: number, waiting: number) => {
  assert.isAtMost(tries, waiting * 1000, "a busy loop")
  assert.isAtLeast(tries, waiting * 100, "it has given up")
}

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
        const [before, said] = [database.requests, lines.length]
        yield* produce(9000, partitions)
        yield* Effect.sleep(outage)
        assertPauses(database.requests - before, partitions)
        assertCalm(lines.slice(said))
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
        const registry = yield* SchemaRegistry
        let tries = 0
        const byId = (id: number) => Effect.suspend(() => (tries += 1, registry.byId(id)))
        const instance = yield* Effect.provideService(startInstance(), SchemaRegistry, { ...registry, byId })
        yield* Effect.sleep(5000)
        registryState.down = true
        yield* Effect.addFinalizer(() => Effect.sync(() => registryState.down = false))
        const said = lines.length
        yield* produce(900, partitions)
        yield* Effect.sleep(outage)
        // One asks for all partitions of the topic.
        assertPauses(tries, 1)
        assertCalm(lines.slice(said))
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
        const admin = yield* Admin
        let tries = 0
        const describeTopic = (topic: string) => Effect.suspend(() => (tries += 1, admin.describeTopic(topic)))
        const start = Effect.provideService(startInstance(), Admin, { ...admin, describeTopic })
        const running = yield* start
        yield* Effect.sleep(5000)
        kafka.brokers.stopAll()
        const [before, said] = [tries, lines.length]
        const starting = yield* start
        yield* Effect.sleep(outage)
        // Only the one that starts asks: the other is a member, and tries by itself. And it says that it starts.
        assertPauses(tries - before, 1)
        assertCalm(lines.slice(said), 1)
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

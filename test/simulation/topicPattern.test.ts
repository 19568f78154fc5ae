import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Layer, type Scope } from "effect"
import type { Config } from "../../src/domain/Config.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { runCommand } from "../../src/programs/run.js"
import { logged } from "../support/logged.js"
import { payment, testConfig, testLayer } from "../support/pipeline.js"

const run = <A, E>(effect: Effect.Effect<A, E, Layer.Layer.Success<typeof testLayer> | Scope.Scope>): A =>
  simulate(Effect.provide(effect, testLayer))

const configOf = (autoOffsetReset: Config["autoOffsetReset"] = "earliest"): Config => ({
  ...testConfig(),
  topics: [],
  topicPattern: { include: /^orders.*$/, exclude: /^orders_old$/ },
  metadataMaxAgeMs: 30_000,
  autoOffsetReset
})

const fill = (topic: string, count: number) =>
  Effect.map(MemoryKafka, (kafka) => {
    kafka.createTopic(topic, 2)
    for (let id = 0; id < count; id++) kafka.append(topic, id % 2, payment(id))
  })

/** Rows by table. */
const rows = Effect.map(MemoryDatabaseState, (database) => {
  const counts: Record<string, number> = {}
  for (const { table } of database.rows) counts[table] = (counts[table] ?? 0) + 1
  return counts
})

describe("topics by a pattern", () => {
  it("are read where they are there, and left alone where they are excluded or do not match", () =>
    run(Effect.gen(function*() {
      for (const topic of ["orders", "orders_eu", "orders_old", "payments"]) yield* fill(topic, 10)
      const instance = yield* Effect.fork(runCommand(configOf(), { untilEnd: false }))
      yield* Effect.sleep(10_000)
      assert.deepStrictEqual(yield* rows, { orders: 10, orders_eu: 10 })
      yield* Fiber.interrupt(instance)
    })))

  for (const reset of ["earliest", "latest"] as const) {
    it(`that come later are read from their beginning, once, and the log says so (${reset})`, () =>
      run(logged((lines) =>
        Effect.gen(function*() {
          const instance = yield* Effect.fork(runCommand(configOf(reset), { untilEnd: false }))
          yield* Effect.sleep(40_000)
          yield* fill("orders_later", 100)
          yield* fill("other", 100)
          yield* Effect.sleep(120_000)
          assert.deepStrictEqual(yield* rows, { orders_later: 100 })
          assert.lengthOf(lines.filter((line) => line.includes("topic orders_later is new and matches")), 1)
          yield* Fiber.interrupt(instance)
          assert.isNotEmpty(lines.filter((line) => /stored offsets: .*orders_later-0=50/.test(line)))
        })
      )))
  }

  it("are read to their ends by a run that ends, those that come after its start are not waited for", () =>
    run(Effect.gen(function*() {
      yield* fill("orders", 10)
      yield* runCommand(configOf(), { untilEnd: true })
      assert.deepStrictEqual(yield* rows, { orders: 10 })
    })))
})

describe("a topic that is deleted", () => {
  it("is said to be gone, once, and the others go on", () =>
    run(logged((lines) =>
      Effect.gen(function*() {
        yield* fill("orders", 10)
        yield* fill("orders_eu", 10)
        const kafka = yield* MemoryKafka
        const instance = yield* Effect.fork(runCommand(configOf(), { untilEnd: false }))
        yield* Effect.sleep(10_000)
        kafka.topics.delete("orders")
        for (let id = 0; id < 10; id++) kafka.append("orders_eu", id % 2, payment(id))
        yield* Effect.sleep(300_000)
        assert.lengthOf(lines.filter((line) => line.includes("topic orders is gone")), 1)
        assert.deepStrictEqual(yield* rows, { orders: 10, orders_eu: 20 })
        yield* Fiber.interrupt(instance)
      })
    )))
})

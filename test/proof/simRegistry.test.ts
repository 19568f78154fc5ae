import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, LogLevel, type Scope } from "effect"
import { type RegistryFault, SimRegistry } from "../../proof/simulation/SimRegistry.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { layerMemory as layerMemoryDatabase, MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { layerMemory as layerMemoryKafka, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { differences, payment, startInstance } from "../support/pipeline.js"

const schema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })
const layers = Layer.mergeAll(
  layerMemoryKafka({ fetchRecords: 50, pollIntervalMs: 100, heartbeatIntervalMs: 3000 }),
  layerMemoryDatabase(mysql)
)

const inWorld = <A>(
  world: (registry: SimRegistry) => Effect.Effect<
    A,
    never,
    Layer.Layer.Success<typeof layers> | SchemaRegistry | Scope.Scope
  >
): A => {
  const registry = new SimRegistry([[7, schema]])
  const silent = Logger.minimumLogLevel(LogLevel.None)
  return simulate(Effect.provide(world(registry), Layer.mergeAll(layers, registry.layer, silent)), 1)
}

/** Ten records that name schema 7, while the registry has this fault for so long. */
const through = (fault: RegistryFault, seconds: number) =>
  inWorld((registry) =>
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.createTopic("orders", 1)
      for (let id = 0; id < 10; id++) kafka.append("orders", 0, payment(id))
      registry.fault = () => fault
      registry.latencyMs = 20
      const instance = yield* startInstance({ "errors.max.rate": "1" })
      yield* Effect.sleep(seconds * 1000)
      const before = database.rows.length + database.letters.size
      registry.fault = () => undefined
      yield* Effect.sleep("90 seconds")
      yield* Fiber.interrupt(instance)
      return {
        before,
        letters: database.letters.size,
        differences: yield* differences,
        met: registry.counts[fault]
      }
    })
  )

describe("the simulated registry, below the production's client", () => {
  for (const fault of ["refused", "silent", "unavailable"] as const) {
    it(`${fault} for two minutes: the job waits, then everything is a row`, () => {
      const { met, ...rest } = through(fault, 120)
      assert.isAbove(met, 5)
      assert.deepStrictEqual(rest, { before: 0, letters: 0, differences: [] })
    })
  }

  it("an id that is unknown for 20 s is only late; for ever, its records become letters", () => {
    const { met, ...late } = through("not found", 20)
    assert.isAbove(met, 1)
    assert.deepStrictEqual(late, { before: 0, letters: 0, differences: [] })
    const lost = through("not found", 60)
    assert.deepStrictEqual([lost.letters, lost.differences], [10, []])
  })

  it("the page of a proxy stops the partition: nothing becomes a letter for it", () => {
    const { differences: found, letters, met } = through("page", 10)
    assert.deepStrictEqual([letters, met > 0], [0, true])
    assert.deepStrictEqual(found, [
      "orders-0: 10 records, 0 rows, 0 different",
      "orders-0: stored offset 0, end 10"
    ])
  })

  it("each process has a memory of its own; the registry is shared", () =>
    inWorld((registry) =>
      Effect.gen(function*() {
        const ask = Effect.provide(
          Effect.flatMap(SchemaRegistry, ({ byId }) => Effect.zipRight(byId(7), byId(7))),
          Layer.fresh(registry.layer)
        )
        yield* Effect.orDie(ask)
        yield* Effect.orDie(ask)
        assert.strictEqual(registry.counts.requests, 2)
      })
    ))
})

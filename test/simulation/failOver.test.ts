import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { logged } from "../support/logged.js"
import { differences, produce, startInstance } from "../support/pipeline.js"
import { createTopic, run } from "../support/simulated.js"

it("what a fail-over has lost, offsets and rows together, is read again also where no more records come", () =>
  run(logged((lines) =>
    Effect.gen(function*() {
      yield* createTopic(3)
      yield* produce(300, 3)
      const database = yield* MemoryDatabaseState
      const instance = yield* startInstance()
      yield* Effect.sleep(5000)
      assert.deepStrictEqual(yield* differences, [])
      const kept = database.rows.filter(({ offset, partition }) => partition !== 1 || offset < 40n)
      database.rows.splice(0, database.rows.length, ...kept)
      database.keys.clear()
      const row = database.offsets.get("orders/1/group-orders")
      if (row === undefined) return assert.fail("partition 1 has stored no offset")
      row.offset = 40n
      assert.isNotEmpty(yield* differences)
      yield* Effect.sleep(40_000)
      assert.deepStrictEqual(yield* differences, [])
      const told = lines.filter((line) => line.includes("a fail-over has lost what was stored last"))
      assert.deepStrictEqual(told.map((line) => / is (\d+) and not (\d+)/.exec(line)?.slice(1)), [["40", "100"]])
      yield* Fiber.interrupt(instance)
    })
  )))

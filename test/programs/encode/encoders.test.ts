import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer } from "effect"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { layerMemory } from "../../../src/layers/memory/MemoryDestination.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"
import { RegistryRefused, SchemaNotFound, SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import { makeTopicEncoders } from "../../../src/programs/encoders.js"
import { payment, testConfig } from "../../support/pipeline.js"

const schema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })
type ById = typeof SchemaRegistry.Service["byId"]

const registryOf = (byId: ById) =>
  Layer.succeed(SchemaRegistry, {
    byId,
    byGuid: (guid) => Effect.fail(new SchemaNotFound({ what: guid, registry: "memory" })),
    latest: (subject) => Effect.fail(new SchemaNotFound({ what: subject, registry: "memory" })),
    register: () => Effect.succeed(7)
  })

/** The encoders of topic `orders` with this registry. */
const encodersWith = (byId: ById, settings: Record<string, string> = {}) =>
  makeTopicEncoders(testConfig(settings), "orders").pipe(
    Effect.provide(Layer.merge(layerMemory(mysql), registryOf(byId)))
  )

const recordOf = (offset: number, value: Uint8Array) => ({
  offset: BigInt(offset),
  timestampMs: 0,
  key: null,
  value,
  headers: []
})

describe("the encoders of a topic", () => {
  it("let others have their turn whenever one of theirs has lasted 10 ms, and lose nothing by it", () =>
    simulate(Effect.gen(function*() {
      const encoders = yield* encodersWith((id) => Effect.succeed({ id, schema, references: [] }))
      const records = Array.from({ length: 20 }, (_, at) => recordOf(at, payment(at)))
      yield* encoders.encode(records, 1, 0)
      const clock = yield* Effect.clock
      let nowMs = 0
      let turns = 0
      // Each record takes 5 ms.
      const slow: Clock.Clock = {
        ...clock,
        [Clock.ClockTypeId]: Clock.ClockTypeId,
        unsafeCurrentTimeMillis: () => nowMs += 5,
        sleep: () => Effect.sync(() => void turns++)
      }
      const { count, statements } = yield* Effect.withClock(encoders.encode(records, 1, 0), slow)
      assert.deepStrictEqual([count, statements.join().match(/\),\(/g)?.length], [20, 19])
      assert.strictEqual(turns, 9)
    })))

  it("write what lies before a schema that cannot be used, and blame the record that names it", () =>
    simulate(Effect.gen(function*() {
      const refused = new RegistryRefused({ registry: "memory", kind: "access", what: "401" })
      const encoders = yield* encodersWith((id) =>
        id === 9 ? Effect.fail(refused) : Effect.succeed({ id, schema, references: [] })
      )
      const records = [payment(1, 7), payment(2, 8), payment(3, 9), payment(4, 7)].map((value, at) =>
        recordOf(at, value)
      )
      const first = yield* encoders.encode(records, 1, 0)
      assert.deepStrictEqual([first.count, first.statements.length, first.problem?.what], [2, 1, refused.message])
      const rest = yield* encoders.encode(records.slice(first.count), 1, 0)
      assert.deepStrictEqual([rest.count, rest.statements.length, rest.problem?.cure], [0, 0, refused.cure])
    })))

  it("of one partition wait no less because another one, which asked for the same schema, has been revoked", () =>
    simulate(Effect.gen(function*() {
      const answer = yield* Deferred.make<void>()
      let asked = 0
      const encoders = yield* encodersWith((id) =>
        Effect.sync(() => asked++).pipe(
          Effect.zipRight(Deferred.await(answer)),
          Effect.as({ id, schema, references: [] })
        )
      )
      const records = [recordOf(0, payment(1))]
      const first = yield* Effect.fork(encoders.encode(records, 1, 0))
      yield* Effect.sleep(10)
      const second = yield* Effect.fork(encoders.encode(records, 1, 1))
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(answer, undefined)
      const { count, problem } = yield* Fiber.join(second)
      assert.deepStrictEqual([count, problem], [1, undefined])
      assert.isAtMost(asked, 2)
    })))

  it("make no letter of a record whose schema has come since the id was unknown, and do not wait for it again", () =>
    simulate(Effect.gen(function*() {
      let isThere = false
      const encoders = yield* encodersWith((id) =>
        Effect.suspend(() =>
          isThere
            ? Effect.succeed({ id, schema, references: [] })
            : Effect.fail(new SchemaNotFound({ what: String(id), registry: "memory" }))
        )
      )
      const records = [recordOf(0, payment(1, 8))]
      for (const seconds of [30, 0]) {
        const before = yield* Clock.currentTimeMillis
        assert.lengthOf((yield* encoders.encode(records, 1, 0)).letters, 1)
        assert.strictEqual((yield* Clock.currentTimeMillis) - before, seconds * 1000)
      }
      isThere = true
      const { letters, statements } = yield* encoders.encode(records, 1, 0)
      assert.deepStrictEqual([letters.length, statements.length], [0, 1])
    })))

  it("give a letter no schema id that the column of letters does not hold", () =>
    simulate(Effect.gen(function*() {
      const encoders = yield* encodersWith((id) =>
        Effect.fail(new SchemaNotFound({ what: String(id), registry: "memory" }))
      )
      const records = [0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map((id, at) => recordOf(at, payment(1, id)))
      const { letters } = yield* encoders.encode(records, 1, 0)
      assert.deepStrictEqual(letters.map(({ schemaId }) => schemaId), [0x7fff_ffff, undefined, undefined])
    })))
})

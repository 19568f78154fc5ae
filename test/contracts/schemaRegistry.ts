import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"

const schemaOf = (name: string) =>
  JSON.stringify({
    type: "record",
    name,
    fields: [{ name: "id", type: "long" }, { name: "note", type: "string", doc: "é" }]
  })

/** What every layer of `SchemaRegistry` keeps. `unique` sets the names of one run apart from those of another. */
export const schemaRegistryContract = <E>(layer: Layer.Layer<SchemaRegistry, E>, unique: string) => {
  const withRegistry = <A, E2>(test: Effect.Effect<A, E2, SchemaRegistry>) => Effect.provide(test, layer)

  it.live("answers what was registered, by id and as the subject's latest version", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      const [a, b] = [schemaOf(`A${unique}`), schemaOf(`B${unique}`)]
      const subject = `answers-${unique}/value %41`
      const idA = yield* registry.register(subject, a)
      const idB = yield* registry.register(`other-${unique}`, b)
      assert.notStrictEqual(idA, idB)
      const found = yield* registry.byId(idA)
      assert.strictEqual(found.id, idA)
      assert.deepStrictEqual(JSON.parse(found.schema), JSON.parse(a))
      const latest = yield* registry.latest(subject)
      assert.deepInclude(latest, { id: idA, version: 1 })
      assert.deepStrictEqual(JSON.parse(latest.schema), JSON.parse(a))
    })))

  it.live("registering the same schema again gives the same id and no new version", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      const schema = schemaOf(`Same${unique}`)
      const subject = `same-${unique}`
      const id = yield* registry.register(subject, schema)
      assert.strictEqual(yield* registry.register(subject, schema), id)
      assert.strictEqual((yield* registry.latest(subject)).version, 1)
    })))

  it.live("what is not there is SchemaNotFound, and found as soon as it is there", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      const subject = `missing-${unique}`
      assert.strictEqual((yield* Effect.flip(registry.byId(2_000_000_000)))._tag, "SchemaNotFound")
      assert.strictEqual((yield* Effect.flip(registry.latest(subject)))._tag, "SchemaNotFound")
      const id = yield* registry.register(subject, schemaOf(`Late${unique}`))
      assert.strictEqual((yield* registry.latest(subject)).id, id)
    })))

  it.live("refuses a schema that is none", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      assert.strictEqual((yield* Effect.flip(registry.register(`bad-${unique}`, "{\"type\":")))._tag, "RegistryRefused")
    })))

  const name = (base: string) => `ref.${base}${unique}`

  it.live("follows references: each once, after those that it uses itself", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      const reference = (base: string) => ({ name: name(base), subject: name(base), version: 1 })
      const using = (base: string, ...used: ReadonlyArray<string>) =>
        JSON.stringify({
          type: "record",
          name: name(base),
          fields: used.map((each, index) => ({ name: `f${index}`, type: name(each) }))
        })
      const money = JSON.stringify({ type: "fixed", name: name("Money"), size: 8 })
      const [item, tax, order] = [using("Item", "Money"), using("Tax", "Money"), using("Order", "Item", "Tax")]
      yield* registry.register(name("Money"), money)
      yield* registry.register(name("Item"), item, [reference("Money")])
      yield* registry.register(name("Tax"), tax, [reference("Money")])
      const references = [reference("Item"), reference("Tax")]
      const id = yield* registry.register(name("Order"), order, references)
      assert.strictEqual(yield* registry.register(name("Order"), order, references), id)
      for (const found of [yield* registry.byId(id), yield* registry.latest(name("Order"), 1)]) {
        assert.strictEqual(found.id, id)
        assert.deepStrictEqual(JSON.parse(found.schema), JSON.parse(order))
        assert.deepStrictEqual(
          found.references.map((text): unknown => JSON.parse(text)),
          [money, item, tax].map((text): unknown => JSON.parse(text))
        )
      }
    })))

  it.live("registers nothing that references what is not there", () =>
    withRegistry(Effect.gen(function*() {
      const registry = yield* SchemaRegistry
      const dangling = { name: "No", subject: `no-${unique}`, version: 1 }
      const error = yield* Effect.flip(registry.register(`dangling-${unique}`, schemaOf(`D${unique}`), [dangling]))
      assert.include(["SchemaNotFound", "RegistryRefused"], error._tag)
      assert.strictEqual((yield* Effect.flip(registry.latest(`dangling-${unique}`)))._tag, "SchemaNotFound")
    })))
}

import * as FileSystem from "@effect/platform/FileSystem"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { evolve } from "../../src/domain/sql/evolution/evolve.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { defaultTopicSettings, type TopicSettings } from "../../src/domain/TopicSettings.js"
import { Catalog } from "../../src/layers/Catalog.js"
import { SchemaNotFound, SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { planCommand } from "../../src/programs/plan/plan.js"
import { captured } from "./captured.js"

const catalog = Layer.succeed(Catalog, {
  inspect: (plan, policy) => Effect.succeed({ ...evolve(mysql, plan, undefined, policy), size: undefined }),
  apply: () => Effect.die("a plan changes nothing")
})
const order = "{\"type\":\"record\",\"name\":\"Order\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"}]}"
const registry = Layer.mock(SchemaRegistry, {
  latest: (subject) =>
    subject === "orders-value"
      ? Effect.succeed({ id: 7, version: 1, schema: order, references: [] })
      : Effect.fail(new SchemaNotFound({ what: `subject ${subject}`, registry: "http://registry" }))
})
const world = Layer.mergeAll(catalog, registry, FileSystem.layerNoop({}))

const planned = (topics: ReadonlyArray<string>, settings: Partial<TopicSettings> = {}, subject?: string) =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const tables = { defaults: { ...defaultTopicSettings, ...settings }, byTopic: new Map() }
    const options = {
      topics,
      schemaFile: undefined,
      version: undefined,
      subject,
      allowWiden: false,
      allowCopy: false,
      check: true,
      sql: false,
      output: "table" as const
    }
    const code = yield* Effect.withConsole(planCommand({ topics, tables }, options), console)
    return { code, text: out.join("\n") }
  })

it.effect("a topic whose subject is not registered is refused with its cure, and the others are shown", () =>
  Effect.gen(function*() {
    const { code, text } = yield* planned(["events", "orders"], { tableNameFormat: "${topic}_${record}" })
    assert.strictEqual(code, 2)
    assert.match(text, /^events: subject events-value against table events_\$\{record\} \(not looked at\)$/mu)
    assert.match(text, /^! .*events-value.*\n {2}cure: .*--topic events --subject S/mu)
    assert.match(text, /^\+ CREATE TABLE IF NOT EXISTS `orders_Order`/mu)
    assert.match(text, /1 create, .* 1 refused/u)
  }).pipe(Effect.provide(world)))

it.effect("keys without a schema have a cure of their own; a subject that somebody names has to be there", () =>
  Effect.gen(function*() {
    const { text } = yield* planned(["orders"], { insertMode: "upsert", keyMode: "record_key" })
    assert.match(text, /^ {2}cure: register the schema of the topic's keys as orders-key/mu)
    const asked = yield* Effect.flip(planned(["orders"], {}, "other"))
    assert.strictEqual(asked.code, "TRB-2302")
  }).pipe(Effect.provide(world)))

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Fiber, Layer, Option, TestClock } from "effect"
import { defaultTopicSettings, type TopicSettings } from "../../../src/domain/TopicSettings.js"
import { writeFrame } from "../../../src/domain/WireFormat.js"
import { RegistryRefused, SchemaNotFound, SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import { makePartDecoder } from "../../../src/programs/decode/makePartDecoder.js"
import type { PartDecoder } from "../../../src/programs/decode/PartDecoder.js"

const backoff = { baseMs: 1, maxMs: 1 }
const guid = "89abcdef-0123-4567-89ab-cdef01234567"
const payment = JSON.stringify({
  type: "record",
  name: "P",
  fields: [{ name: "id", type: "long" }, { name: "a", type: "n.A" }]
})
const account = JSON.stringify({ type: "fixed", name: "n.A", size: 1 })
/** id 3 and a = 0xff. */
const data = Buffer.from("06ff", "hex")
const value = { id: 3n, a: Buffer.of(255) }

const refused = (kind: "schema" | "access") => new RegistryRefused({ registry: "memory", kind, what: "no" })

/** Knows schema 7 and its GUID; 8 is not Avro at all, 9 refused as such, 403 forbidden. */
const registryOf = (asked: Array<string>) =>
  Layer.mock(SchemaRegistry, {
    byId: (id) => {
      asked.push(`id ${id}`)
      if (id === 7) return Effect.succeed({ id, schema: payment, references: [account] })
      if (id === 8) return Effect.succeed({ id, schema: "message P {}", references: [] })
      if (id === 9) return Effect.fail(refused("schema"))
      return Effect.fail(
        id === 403 ? refused("access") : new SchemaNotFound({ what: `schema id ${id}`, registry: "memory" })
      )
    },
    byGuid: (name) => {
      asked.push(name)
      return Effect.succeed({ schema: payment, references: [account] })
    }
  })

const decoderOf = (settings: Partial<TopicSettings>, part: "key" | "value" = "value") =>
  makePartDecoder({ part, topic: "t", settings: { ...defaultTopicSettings, ...settings }, backoff })

const recordOf = (bytes: Uint8Array, headers: ReadonlyArray<readonly [string, Uint8Array | null]> = []) => ({
  offset: 0n,
  timestampMs: 0,
  key: bytes,
  value: bytes,
  headers
})

/** What becomes of a record; a schema that is not known yet is loaded. */
const decoded = (decoder: PartDecoder, bytes: Uint8Array, headers?: Parameters<typeof recordOf>[1]) =>
  Effect.gen(function*() {
    const { schemaKey, start } = yield* decoder.frame(recordOf(bytes, headers), bytes)
    const codec = decoder.codec(schemaKey) ?? (yield* decoder.load(schemaKey))
    return { schemaKey, schemaId: codec.schemaId, value: yield* codec.decode(bytes, start) }
  })

const problemOf = (decoder: PartDecoder, id: number) => Effect.flip(decoder.load(`id ${id}`))

/** What it gives when so much time has passed: one that waits for longer fails instead of hanging. */
const within = <A, E, R>(duration: Duration.DurationInput, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(duration)
    const exit = yield* Fiber.poll(fiber)
    return Option.isSome(exit) ? yield* exit.value : assert.fail(`it still waits after ${Duration.format(duration)}`)
  })

const run = <A, E>(test: (asked: Array<string>) => Effect.Effect<A, E, SchemaRegistry>) => {
  const asked: Array<string> = []
  return Effect.provide(test(asked), registryOf(asked))
}

describe("Avro", () => {
  it.effect("is decoded by the schema that the prefix or a header names, its references resolved; asked for once", () =>
    run((asked) =>
      Effect.gen(function*() {
        const decoder = yield* decoderOf({})
        const framed = writeFrame(7, data)
        for (let time = 0; time < 2; time++) {
          assert.deepStrictEqual(yield* decoded(decoder, framed), { schemaKey: "id 7", schemaId: 7, value })
          const headers = [["__value_schema_id", Buffer.from(`01${guid.replaceAll("-", "")}`, "hex")]] as const
          assert.deepStrictEqual(yield* decoded(decoder, data, headers), {
            schemaKey: `guid ${guid}`,
            schemaId: undefined,
            value
          })
        }
        assert.deepStrictEqual(asked, ["id 7", guid])
      })
    ))

  it.effect("of Apicurio's serializers is decoded by 8-byte ids and content ids; global ids would be another schema", () =>
    run((asked) =>
      Effect.gen(function*() {
        const decoder = yield* decoderOf({ valueWireFormat: "apicurio" })
        const id = Buffer.from("0000000000000007", "hex")
        assert.deepInclude(yield* decoded(decoder, Buffer.concat([Buffer.of(0), id, data])), { value })
        assert.deepInclude(yield* decoded(decoder, data, [["apicurio.value.contentId", id]]), { value })
        const global = yield* Effect.flip(decoded(decoder, data, [["apicurio.value.globalId", id]]))
        assert.propertyVal(global, "kind", "record")
        assert.deepStrictEqual(asked, ["id 7", "id 7"])
      })
    ))

  it.effect("a value is read as the reader's schema; one that cannot be is a matter of set-up", () =>
    run(() =>
      Effect.gen(function*() {
        const fields = [{ name: "number", aliases: ["id"], type: "double" }, { name: "x", type: "int", default: 5 }]
        const reader = (name: string) => ({ valueReaderSchema: JSON.stringify({ type: "record", name, fields }) })
        const framed = writeFrame(7, data)
        const { value: read } = yield* decoded(yield* decoderOf(reader("P")), framed)
        assert.deepStrictEqual<unknown>(read, { number: 3, x: 5 })
        // Keys stay what they are.
        assert.deepInclude(yield* decoded(yield* decoderOf(reader("P"), "key"), framed), { value })
        const problem = yield* problemOf(yield* decoderOf(reader("Q")), 7)
        assert.strictEqual(problem.kind, "setup")
        assert.match(problem.what, /schema id 7 cannot be read with value.reader.schema: .*record P cannot be read/)
        assert.strictEqual((yield* problemOf(yield* decoderOf({ valueReaderSchema: "{" }), 7)).kind, "setup")
      })
    ))
})

describe("a schema that cannot be had", () => {
  it.effect("counts as unknown after 30 s; for as long the next record does not wait, and the next id only 3 s", () =>
    run((asked) =>
      Effect.gen(function*() {
        const decoder = yield* decoderOf({})
        const first = yield* Effect.fork(problemOf(decoder, 1))
        yield* TestClock.adjust("29 seconds")
        assert.isNull(yield* Fiber.poll(first).pipe(Effect.map((exit) => exit._tag === "None" ? null : exit)))
        yield* TestClock.adjust("1 second")
        const problem = yield* Fiber.join(first)
        assert.deepInclude(problem, { kind: "record", what: "schema id 1 is not in the schema registry memory" })
        const times = asked.length
        assert.deepInclude(yield* within("0 seconds", problemOf(decoder, 1)), { kind: "record", what: problem.what })
        assert.lengthOf(asked, times + 1) // once, without waiting: it may have been given to a producer meanwhile
        assert.strictEqual((yield* within("3 seconds", problemOf(decoder, 2))).kind, "record")
        yield* TestClock.adjust("40 seconds")
        yield* Effect.fork(problemOf(decoder, 1))
        yield* TestClock.adjust("1 second")
        assert.isAbove(asked.filter((id) => id === "id 1").length, times)
      })
    ))

  it.effect("concerns the record alone where the schema is no Avro, and set-up where access is refused", () =>
    run(() =>
      Effect.gen(function*() {
        const decoder = yield* decoderOf({})
        assert.strictEqual((yield* problemOf(decoder, 8)).kind, "record")
        assert.strictEqual((yield* problemOf(decoder, 9)).kind, "record")
        assert.strictEqual((yield* problemOf(decoder, 403)).kind, "setup")
      })
    ))
})

describe("other formats", () => {
  it.effect("text is UTF-8, bytes are bytes, JSON is what its schema says", () =>
    run(() =>
      Effect.gen(function*() {
        const text = yield* decoderOf({ valueFormat: "string" })
        assert.deepInclude(yield* decoded(text, Buffer.from("\ufeffé")), { schemaKey: "string", value: "\ufeffé" })
        assert.strictEqual(yield* Effect.flip(decoded(text, Buffer.of(255))), "it is not valid UTF-8")
        const bytes = yield* decoderOf({ keyFormat: "bytes" }, "key")
        assert.deepInclude(yield* decoded(bytes, Buffer.of(0, 255)), { value: Buffer.of(0, 255) })
        const valueSchema = JSON.stringify({ type: "record", name: "J", fields: [{ name: "id", type: "long" }] })
        const json = yield* decoderOf({ valueFormat: "json", valueSchema })
        assert.deepInclude(yield* decoded(json, Buffer.from(`{"id":9007199254740993}`)), {
          schemaKey: "json",
          schemaId: undefined,
          value: { id: 9_007_199_254_740_993n }
        })
        for (const wrong of ["{", "{}", "[]", `{"id":1.5}`]) {
          assert.isString(yield* Effect.flip(decoded(json, Buffer.from(wrong))), wrong)
        }
        const missing = yield* Effect.flip((yield* decoderOf({ valueFormat: "json" })).load("json"))
        assert.strictEqual(missing.kind, "setup")
      })
    ))

  it.effect("whatever is larger than record.max.bytes is not looked at", () =>
    run(() =>
      Effect.gen(function*() {
        const decoder = yield* decoderOf({ valueFormat: "bytes", recordMaxBytes: 1_024 })
        assert.isTrue(Either.isRight(decoder.frame(recordOf(data), new Uint8Array(1_024))))
        assert.match(
          yield* Effect.flip(decoder.frame(recordOf(data), new Uint8Array(1_025))),
          /larger than record.max.bytes \(1024 bytes\)/
        )
      })
    ))
})

import { FileSystem } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Either, Exit, Fiber, Layer, Option, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { readFrame } from "../../src/domain/WireFormat.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { KafkaUnavailable } from "../../src/layers/Consumer.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { Producer } from "../../src/layers/Producer.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { produceCommand, type ProduceOptions } from "../../src/programs/produce.js"
import { captured } from "./captured.js"

const options: ProduceOptions & { readonly output: "json" } = {
  topics: undefined,
  count: 100,
  rate: 0,
  seed: 7,
  from: 0,
  partitions: 3,
  tasks: 1,
  compression: "none",
  output: "json"
}

/** A registry that remembers what was registered, in order. */
const registered: Array<readonly [subject: string, schema: string]> = []
const registry = Layer.mock(SchemaRegistry, {
  register: (subject, schema) => Effect.sync(() => registered.push([subject, schema]))
})
/** Reads at once: what waits for the disk is not ruled by the test's clock. */
const fileSystem = FileSystem.layerNoop({ readFileString: (path) => Effect.sync(() => readFileSync(path, "utf8")) })
const world = Layer.mergeAll(layerMemory({ fetchRecords: 10, pollIntervalMs: 100 }), registry, fileSystem)

const produced = (overrides: Partial<typeof options> = {}, topics: ReadonlyArray<string> = []) =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const exit = yield* produceCommand({ topics }, { ...options, ...overrides }).pipe(
      Effect.exit,
      Effect.withConsole(console)
    )
    return { exit, summary: out.map((line) => JSON.parse(line)) }
  })

const recordsOf = (topic: string) =>
  Effect.map(
    MemoryKafka,
    (cluster) => cluster.topics.get(topic)?.logs.flatMap((log) => log.records()) ?? []
  )

const countOf = (topic: string) => Effect.map(recordsOf(topic), (all) => all.length)

/** Without the frame: the registry of this test gives a new id each time. */
const payloadsOf = (topic: string) =>
  Effect.map(recordsOf(topic), (all) => all.map(({ key, value }) => [key, value?.subarray(5)]))

it.effect("without topics, the three data sets are made, in topics of their own", () =>
  Effect.gen(function*() {
    const { exit, summary } = yield* produced()
    assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
    for (const topic of ["dataset1", "dataset2", "dataset3"]) assert.lengthOf(yield* recordsOf(topic), 100)
    assert.strictEqual(summary[0].topics.length, 3)
    assert.deepInclude(summary[0].topics[0], { topic: "dataset1", partitions: 3, records: 100, errors: 0 })
  }).pipe(Effect.provide(world)))

it.effect("every record is in Confluent's format and decodes with the schema that was registered for it", () =>
  Effect.gen(function*() {
    yield* produced({ count: 50 })
    for (const topic of ["dataset1", "dataset2", "dataset3"]) {
      for (const { key, value } of yield* recordsOf(topic)) {
        const { schemaId, start } = yield* readFrame(value)
        const [subject, schema] = registered[schemaId - 1] ?? ["", ""]
        assert.strictEqual(subject, `${topic}-value`)
        assert.isTrue(Either.isRight((yield* compile(schema)).decode(value ?? new Uint8Array(), start)))
        assert.isAbove(key?.length ?? 0, 0)
      }
    }
  }).pipe(Effect.provide(world)))

it.effect("the same seed gives the same records, and --from goes on where an earlier call ended", () =>
  Effect.gen(function*() {
    yield* produced({ topics: ["dataset1"], tasks: 1 })
    const once = yield* payloadsOf("dataset1")
    yield* produced({ topics: ["dataset1-b", "other", "other-2", "dataset1-c"], count: 60 })
    yield* produced({ topics: ["dataset1-b"], count: 40, from: 60 })
    assert.deepStrictEqual(yield* payloadsOf("dataset1-b"), once)
  }).pipe(Effect.provide(world)))

it.effect("several tasks share the work: each record is sent once", () =>
  Effect.gen(function*() {
    yield* produced({ tasks: 7, count: 2600, topics: ["dataset2"] })
    const keys = (yield* recordsOf("dataset2")).map(({ key }) => String(key))
    assert.strictEqual(keys.length, 2600)
    assert.strictEqual(new Set(keys).size, 2600)
  }).pipe(Effect.provide(world)))

it.effect("the configuration's topics are filled where none are named, and existing ones keep their partitions", () =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    cluster.createTopic("mine", 5)
    const { summary } = yield* produced({ count: 10 }, ["mine"])
    assert.deepInclude(summary[0].topics[0], { topic: "mine", partitions: 5, records: 10 })
  }).pipe(Effect.provide(world)))

it.effect("--rate spreads the records over time, all topics together", () =>
  Effect.gen(function*() {
    const running = yield* Effect.fork(produced({ rate: 100, count: 500, topics: ["dataset1", "dataset2"], tasks: 4 }))
    yield* TestClock.adjust("1 second")
    const afterOne = (yield* countOf("dataset1")) + (yield* countOf("dataset2"))
    assert.isAtLeast(afterOne, 90)
    assert.isAtMost(afterOne, 130)
    yield* TestClock.adjust("9 seconds")
    const { summary } = yield* Fiber.join(running)
    assert.strictEqual(summary[0].topics[0].records + summary[0].topics[1].records, 1000)
  }).pipe(Effect.provide(world)))

it.effect("a cluster that goes away ends it with 69, and what had arrived is still told", () => {
  let sends = 0
  const failing = Layer.succeed(
    Producer,
    Producer.of({
      send: () =>
        ++sends < 3 ? Effect.succeed([]) : Effect.fail(new KafkaUnavailable({ what: "localhost:9092", cause: "x" }))
    })
  )
  return Effect.gen(function*() {
    const { exit, summary } = yield* produced({ count: 5000, topics: ["dataset1"] })
    const error = Option.getOrUndefined(Option.flatMap(Exit.causeOption(exit), Cause.failureOption))
    assert.strictEqual(error?.exit, ExitCode.unreachable)
    assert.strictEqual(error?.what, "cannot reach Kafka: localhost:9092")
    assert.deepInclude(summary[0].topics[0], { records: 1000, errors: 500 })
  }).pipe(Effect.provide(Layer.merge(world, failing)))
})

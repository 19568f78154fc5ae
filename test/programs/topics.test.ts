import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { writeFrame } from "../../src/domain/WireFormat.js"
import * as AvroCodec from "../../src/layers/avro/AvroCodec.js"
import * as FileLogAdmin from "../../src/layers/embedded/FileLogAdmin.js"
import * as FileLogProducer from "../../src/layers/embedded/FileLogProducer.js"
import * as FileLogTopics from "../../src/layers/embedded/FileLogTopics.js"
import * as FileRawLog from "../../src/layers/embedded/FileRawLog.js"
import { segmentFile } from "../../src/layers/embedded/logFolder.js"
import * as SegmentFiles from "../../src/layers/embedded/SegmentFiles.js"
import { type OutgoingRecord, Producer } from "../../src/layers/Producer.js"
import { layerMemory as layerRegistry } from "../../src/layers/registry/MemoryRegistry.js"
import { SchemaRegistry } from "../../src/layers/SchemaRegistry.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { dumpFilesCommand, dumpTopicsCommand } from "../../src/programs/logDump/logDump.js"
import type { TopicsRequest } from "../../src/programs/topics/request.js"
import { topicsCommand } from "../../src/programs/topics/topics.js"
import { temporaryFolder } from "../layers/embedded/temporaryFolder.js"
import { captured } from "./captured.js"

const world = Effect.map(temporaryFolder, (root) => {
  const layers = Layer.mergeAll(
    FileLogTopics.layer(root),
    FileLogAdmin.layer(root),
    FileRawLog.layer(root),
    FileLogProducer.layer({ root }),
    SegmentFiles.layer,
    layerRegistry
  )
  return { root, layers }
})

const asked = (request: TopicsRequest, output: "table" | "json" = "json") =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const exit = yield* topicsCommand(request, { output }).pipe(Effect.withConsole(console), Effect.exit)
    const text = out.join("\n")
    return { exit, text, data: output === "json" && text !== "" ? JSON.parse(text) : undefined }
  })
const failure = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined
const create = (topic: string, partitions: number): TopicsRequest => ({
  kind: "create",
  topic,
  partitions,
  replicationFactor: undefined,
  settings: []
})
const show = (topic: string, last = 1): TopicsRequest => ({ kind: "show", topic, last, all: false })
const send = (topic: string, records: ReadonlyArray<OutgoingRecord>) =>
  Effect.flatMap(Producer, (producer) => producer.send(topic, records))
const utf8 = (text: string) => Buffer.from(text)

it.scoped("topics are made, listed with their records, and made only once", () =>
  Effect.gen(function*() {
    const { layers } = yield* world
    yield* Effect.gen(function*() {
      assert.deepStrictEqual((yield* asked({ kind: "list", internal: false })).data, [])
      yield* asked(create("orders", 2))
      yield* asked(create("clicks", 1))
      yield* send("orders", [
        { partition: 0, key: null, value: utf8("a") },
        { partition: 1, key: null, value: utf8("b") }
      ])
      const { data } = yield* asked({ kind: "list", internal: false })
      assert.deepStrictEqual(
        data.map((
          one: { topic: string; partitions: number; records: number }
        ) => [one.topic, one.partitions, one.records]),
        [["clicks", 1, 0], ["orders", 2, 2]]
      )
      const again = yield* asked(create("orders", 2))
      assert.deepInclude(failure(again.exit), { code: "TRB-2006", exit: ExitCode.cannotCreate })
    }).pipe(Effect.provide(layers))
  }))

it.scoped("a topic grows and never shrinks; its records stay", () =>
  Effect.gen(function*() {
    const { layers } = yield* world
    yield* Effect.gen(function*() {
      yield* asked(create("orders", 2))
      yield* send("orders", [{ partition: 1, key: null, value: utf8("kept") }])
      const before = yield* asked(show("orders"))
      const grown = yield* asked({ kind: "add-partitions", topic: "orders", to: 5 })
      assert.deepStrictEqual(grown.data, { topic: "orders", before: 2, partitions: 5 })
      const after = yield* asked(show("orders"))
      assert.lengthOf(after.data.partitions, 5)
      assert.strictEqual(after.data.topicId, before.data.topicId)
      assert.deepStrictEqual(after.data.lastRecords, before.data.lastRecords)
      const shrunk = yield* asked({ kind: "add-partitions", topic: "orders", to: 3 })
      assert.deepInclude(failure(shrunk.exit), {
        code: "TRB-1102",
        exit: ExitCode.usage,
        what: "topic orders has 5 partitions and cannot shrink to 3"
      })
      assert.lengthOf((yield* asked(show("orders"))).data.partitions, 5)
      const same = yield* asked({ kind: "add-partitions", topic: "orders", to: 5 })
      assert.deepStrictEqual(same.exit, Exit.succeed(ExitCode.done))
    }).pipe(Effect.provide(layers))
  }))

it.scoped("the last records are shown as Avro where they name a schema, else as text, else as bytes", () =>
  Effect.gen(function*() {
    const { layers } = yield* world
    yield* Effect.gen(function*() {
      yield* asked(create("orders", 1))
      const schema = JSON.stringify({ type: "record", name: "R", fields: [{ name: "n", type: "long" }] })
      const id = yield* Effect.flatMap(SchemaRegistry, (registry) => registry.register("orders-value", schema))
      const codec = yield* AvroCodec.compile(schema)
      const values = [
        writeFrame(id, codec.encode({ n: 2n ** 60n })),
        writeFrame(id + 1, utf8("no such schema")),
        utf8("plain\ntext"),
        Buffer.from([0xff, 0xfe]),
        null
      ]
      yield* send("orders", [
        { partition: 0, key: null, value: utf8("not among the last") },
        ...values.map((value) => ({ partition: 0, key: utf8("k"), value }))
      ])
      const { data } = yield* asked(show("orders", values.length))
      assert.deepStrictEqual(
        data.lastRecords.map((record: { offset: number; key: object; value: object }) => [record.offset, record.value]),
        [
          [1, { format: "avro", text: "{\"n\":1152921504606846976}" }],
          [2, { format: "hex", text: Buffer.from(values[1] ?? []).toString("hex") }],
          [3, { format: "text", text: "plain\ntext" }],
          [4, { format: "hex", text: "fffe" }],
          [5, null]
        ]
      )
      const { text } = yield* asked(show("orders", values.length), "table")
      assert.include(text, "plain\\ntext")
      assert.include(text, "0xfffe")
    }).pipe(Effect.provide(layers))
  }))

it.scoped("a topic that is not there is told with its likely name, also by log dump", () =>
  Effect.gen(function*() {
    const { layers } = yield* world
    yield* Effect.gen(function*() {
      yield* asked(create("orders", 1))
      const { exit } = yield* asked(show("order"))
      const error = failure(exit)
      assert.deepInclude(error, { code: "TRB-2003", exit: ExitCode.configuration })
      assert.match(String(error instanceof Object && "cure" in error ? error.cure : ""), /^did you mean orders\?/)
      const logs = [{ topic: "ordres", partition: 0 }]
      const dumped = yield* Effect.flip(dumpTopicsCommand({ ...everything, logs, output: "table" }))
      assert.match(dumped.cure, /^did you mean orders\?/)
      const beyond = [{ topic: "orders", partition: 4 }]
      const partition = yield* Effect.flip(dumpTopicsCommand({ ...everything, logs: beyond, output: "table" }))
      assert.strictEqual(partition.what, "topic orders has no partition 4")
    }).pipe(Effect.provide(layers))
  }))

const everything = { files: [], logs: [], from: 0n, to: undefined, batchesOnly: false, controlOnly: false }

it.scoped("log dump of the embedded log is that of its segment file, and JSON lines say the same", () =>
  Effect.gen(function*() {
    const { layers, root } = yield* world
    yield* Effect.gen(function*() {
      yield* asked(create("orders", 1))
      for (const value of ["a", "b"]) yield* send("orders", [{ partition: 0, key: utf8("k"), value: utf8(value) }])
      const { console, out } = captured()
      const logs = [{ topic: "orders", partition: undefined }]
      const files = [segmentFile(root, "orders", 0)]
      yield* dumpTopicsCommand({ ...everything, logs, output: "table" }).pipe(Effect.withConsole(console))
      const fromTopic = out.splice(0).join("\n").split("\n").slice(1)
      yield* dumpFilesCommand({ ...everything, files, output: "table" }).pipe(Effect.withConsole(console))
      const fromFile = out.splice(0).join("\n").split("\n").slice(1)
      assert.deepStrictEqual(fromTopic, fromFile)
      assert.lengthOf(fromFile, 5)
      yield* dumpTopicsCommand({ ...everything, from: 1n, logs, output: "json" }).pipe(Effect.withConsole(console))
      const [batch, ...others] = out.join("\n").split("\n").map((line) => JSON.parse(line))
      assert.isEmpty(others)
      assert.deepInclude(batch, { log: "orders-0", baseOffset: 1, count: 1, isvalid: true })
      assert.deepInclude(batch.records[0], { offset: 1, key: "k", payload: "b" })
    }).pipe(Effect.provide(layers))
  }))

import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as zlib from "node:zlib"
import { Admin } from "../../../src/layers/Admin.js"
import { expandedBytesMax } from "../../../src/domain/batchRecords.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, javaTool, keyed, layersOf, member, readAll, textOf, uniqueName } from "./support.js"

const lines = Array.from({ length: 3000 }, (_, index) => `line ${index} of the data set`)
const noise = (index: number) => Buffer.from(`${index}-${"z".repeat(index % 50)}-${(index * 2654435761) % 4294967296}`)

describeWith(["kafka"], "compressed topics", (servers) => {
  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
    const canWrite = codec !== "zstd" || "zstdCompressSync" in zlib

    it.live(`${codec}: what the Java producer has written is read, whole and in order`, () =>
      Effect.gen(function*() {
        const topic = yield* freshTopic()
        yield* javaTool("org.apache.kafka.tools.ConsoleProducer", [
          "--bootstrap-server",
          servers.kafka,
          "--topic",
          topic,
          "--compression-codec",
          codec,
          "--producer-property",
          "linger.ms=50",
          "--producer-property",
          "batch.size=65536"
        ], `${lines.join("\n")}\n`)
        const admin = yield* Admin
        const [range] = yield* admin.logRanges(topic)
        assert.strictEqual(range?.end, 3000n)
        const { breaks, records } = yield* readAll(topic, 3000n)
        assert.isEmpty(breaks)
        assert.deepStrictEqual(records.map(textOf), lines)
        const { records: [first] } = yield* readAll(topic, 3000n, 2999n)
        assert.strictEqual(first === undefined ? "" : textOf(first), "line 2999 of the data set")
      }).pipe(Effect.provide(layersOf(servers.kafka))), 300_000)

    it.live(
      canWrite ? `${codec}: the broker takes what is written here, and it is read` : `${codec}: not written here`,
      () =>
        Effect.gen(function*() {
          if (!canWrite) {
            const error = yield* Effect.flip(
              Effect.asVoid(Producer).pipe(Effect.provide(layersOf(servers.kafka, codec)))
            )
            assert.strictEqual(error.name, "KafkaRefused")
            return
          }
          const written = Array.from({ length: 2000 }, (_, index) => ({ partition: 0, key: null, value: noise(index) }))
          yield* Effect.gen(function*() {
            const topic = yield* freshTopic()
            const producer = yield* Producer
            yield* producer.send(topic, written)
            yield* producer.send(topic, keyed(0, 1))
            const { breaks, records } = yield* readAll(topic, 2001n)
            assert.isEmpty(breaks)
            assert.deepStrictEqual(records.slice(0, 2000).map(textOf), written.map(({ value }) => value.toString()))
          }).pipe(Effect.provide(layersOf(servers.kafka, codec)))
        })
    )
  }

  it.live("one batch of 150,000 records, on which kafkajs ends its consumer for good", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      yield* javaTool("org.apache.kafka.tools.ProducerPerformance", [
        "--topic",
        topic,
        "--num-records",
        "150000",
        "--record-size",
        "1",
        "--throughput",
        "-1",
        "--producer-props",
        `bootstrap.servers=${servers.kafka}`,
        "compression.type=gzip",
        "batch.size=16000000",
        "linger.ms=20000",
        "buffer.memory=67108864",
        "max.request.size=16000000"
      ])
      const { breaks, records } = yield* readAll(topic, 150_000n)
      assert.isEmpty(breaks)
      assert.lengthOf(records, 150_000)
    }).pipe(Effect.provide(layersOf(servers.kafka))), 300_000)

  it.live(
    "a batch that becomes too large stops its partition, with the place and the bound, and no other",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic(2)
        const producer = yield* Producer
        yield* producer.send(topic, keyed(0, 1))
        yield* producer.send(topic, [{ partition: 0, key: null, value: Buffer.alloc(expandedBytesMax) }])
        yield* producer.send(topic, keyed(0, 1))
        const reader = yield* member(topic, uniqueName("group"))
        yield* reader.assigned
        yield* reader.readFrom(0, 1n)
        const stopped = yield* reader.batches.take
        assert.deepInclude(stopped, { partition: 0, fetchedOffset: 1n, nextOffset: 1n, records: [] })
        assert.match(stopped.unreadable ?? "", new RegExp(`${topic}-0 at offset 1: gzip: .*${expandedBytesMax}`))
        yield* producer.send(topic, keyed(0, 1, 1))
        yield* reader.readFrom(1, 0n)
        assert.deepInclude(yield* reader.batches.take, { partition: 1, nextOffset: 1n })
      })).pipe(Effect.provide(layersOf(servers.kafka, "gzip"))),
    300_000
  )
})

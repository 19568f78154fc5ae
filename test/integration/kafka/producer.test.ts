import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import { Admin } from "../../../src/layers/Admin.js"
import * as KafkaProducer from "../../../src/layers/kafka/KafkaProducer.js"
import { type OutgoingRecord, Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, javaTool, keyed, layersOf, optionsOf, readAll, textOf } from "./support.js"

/** What is told of two records in partition 0. */
const told = (acks: 0 | 1, baseOffset: bigint) => [
  { partition: 0, baseOffset: acks === 0 ? undefined : baseOffset, count: 2 }
]

describeWith(["kafka"], "the producer", (servers) => {
  const layers = (options: Partial<KafkaProducer.KafkaProducerOptions> = {}) =>
    Layer.merge(
      layersOf(servers.kafka),
      KafkaProducer.layer({ ...optionsOf(servers.kafka), compression: "none", ...options })
    )

  it.live("tells where each batch lies, as the Java consumer sees it", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic(3)
      const { send } = yield* Producer
      const keys = ["a", "b", "c", "d", "e", "f", "", "ключ"]
      const records: ReadonlyArray<OutgoingRecord> = keys.map((key, index) => ({
        key: Buffer.from(key),
        value: Buffer.from(`v${index}`),
        timestampMs: 1_571_987_538_865 + index,
        headers: [["h", Buffer.from("1")], ["g", Buffer.from("2")], ["h", Buffer.from("3")]]
      }))
      const expected: Array<string> = []
      for (const answers of [yield* send(topic, records), yield* send(topic, records)]) {
        for (const { baseOffset = -1n, count, partition } of answers) {
          const own = records.filter(({ key }) => partitionOfKey(key ?? Buffer.of(), 3) === partition)
          assert.lengthOf(own, count)
          own.forEach(({ key, timestampMs, value }, index) =>
            expected.push(
              `CreateTime:${timestampMs}\tPartition:${partition}\tOffset:${baseOffset + BigInt(index)}\th:1,g:2,h:3\t${
                String(key)
              }\t${String(value)}`
            )
          )
        }
      }
      const output = yield* javaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
        "--bootstrap-server",
        servers.kafka,
        "--topic",
        topic,
        "--from-beginning",
        "--max-messages",
        String(keys.length * 2),
        ...["timestamp", "partition", "offset", "headers", "key"].flatMap((
          what
        ) => ["--property", `print.${what}=true`])
      ])
      assert.deepStrictEqual(
        output.split("\n").filter((line) => line.startsWith("CreateTime")).toSorted(),
        expected.toSorted()
      )
    }).pipe(Effect.provide(layers())))

  it.live("records without a key take the partitions in turn, over all sends", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic(3)
      const { send } = yield* Producer
      const partitions: Array<number> = []
      for (let index = 0; index < 7; index++) {
        const answers = yield* send(topic, [{ key: null, value: Buffer.from(String(index)) }])
        partitions.push(...answers.map(({ partition }) => partition))
      }
      assert.deepStrictEqual(partitions, [0, 1, 2, 0, 1, 2, 0])
    }).pipe(Effect.provide(layers())))

  it.live("more than a batch takes is sent in several, in order, each with its offset", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      const records = keyed(0, 5).map((record) => ({ ...record, key: Buffer.alloc(300_000) }))
      assert.deepStrictEqual(yield* send(topic, records), [
        { partition: 0, baseOffset: 0n, count: 2 },
        { partition: 0, baseOffset: 2n, count: 2 },
        { partition: 0, baseOffset: 4n, count: 1 }
      ])
      const read = yield* readAll(topic, 5n)
      assert.deepStrictEqual(read.records.map(textOf), ["v0", "v1", "v2", "v3", "v4"])
    }).pipe(Effect.provide(layers())))

  for (const acks of [0, 1] as const) {
    it.live(`acks=${acks}: ${acks === 0 ? "no offset is told" : "the leader tells the offset"}; the records arrive`, () =>
      Effect.gen(function*() {
        const topic = yield* freshTopic()
        const { send } = yield* Producer
        assert.deepStrictEqual(yield* send(topic, keyed(0, 2)), told(acks, 0n))
        assert.deepStrictEqual(yield* send(topic, keyed(2, 2)), told(acks, 2n))
        const { records } = yield* readAll(topic, 4n)
        assert.deepStrictEqual(records.map(textOf), ["v0", "v1", "v2", "v3"])
      }).pipe(Effect.provide(layers({ acks, idempotent: false }))))
  }

  it.live("what a broker refuses for good is told at once, and the next batch is taken", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      yield* send(topic, keyed(0, 1))
      const error = yield* Effect.flip(send(topic, [{ partition: 0, key: null, value: Buffer.alloc(2_000_000) }]))
      assert.strictEqual(error._tag, "KafkaRefused")
      assert.match(error.message, /max\.message\.bytes/)
      assert.deepStrictEqual(yield* send(topic, keyed(1, 1)), [{ partition: 0, baseOffset: 1n, count: 1 }])
    }).pipe(Effect.provide(layers())))

  it.live("a topic or a partition that does not exist is refused, with what to do", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const { send } = yield* Producer
      const noPartition = yield* Effect.flip(send(topic, keyed(0, 1, 2)))
      assert.strictEqual(noPartition.message, `topic ${topic} has no partition 2; choose one below 2`)
      const noTopic = yield* Effect.flip(send(`${topic}-missing`, keyed(0, 1)))
      assert.strictEqual(noTopic._tag, "KafkaRefused")
      assert.match(noTopic.message, /create the topic/)
      const { logRanges } = yield* Admin
      assert.deepStrictEqual((yield* logRanges(topic)).map(({ end }) => end), [0n, 0n])
    }).pipe(Effect.provide(layers())))
})

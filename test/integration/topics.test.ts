import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, LogLevel } from "effect"
import * as KafkaAdmin from "../../src/layers/kafka/KafkaAdmin.js"
import * as KafkaProducer from "../../src/layers/kafka/KafkaProducer.js"
import * as KafkaRawLog from "../../src/layers/kafka/KafkaRawLog.js"
import * as KafkaTopics from "../../src/layers/kafka/KafkaTopics.js"
import * as KafkaTransactions from "../../src/layers/kafka/KafkaTransactions.js"
import { Producer } from "../../src/layers/Producer.js"
import { Transactions } from "../../src/layers/Transactions.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import type { TopicsRequest } from "../../src/programs/topics/request.js"
import { topicsCommand } from "../../src/programs/topics/topics.js"
import { captured } from "../programs/captured.js"
import { describeWith } from "../servers/index.js"
import { javaTool, leadersAnswer, uniqueName } from "./kafka/support.js"

const asked = (request: TopicsRequest) =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const exit = yield* topicsCommand(request, { output: "json" }).pipe(
      Effect.withConsole(console),
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.either
    )
    return { exit, data: out.length === 0 ? undefined : JSON.parse(out.join("\n")) }
  })

/** The lines of TopicCommand's description: fields with tabs between, `Name: value`. */
const fieldsOf = (line: string) => Object.fromEntries(line.split("\t").map((field) => field.trim().split(/: ?/)))

describeWith(["kafka"], "topics beside Kafka's own tools", (servers) => {
  const options = { brokers: servers.kafka.split(","), clientId: "topics" }
  const layers = Layer.mergeAll(
    KafkaTopics.layer(options),
    KafkaAdmin.layer(options),
    KafkaRawLog.layer(options),
    KafkaProducer.layer({ ...options, compression: "gzip" }),
    KafkaTransactions.layer({ ...options, compression: "none" })
  )
  const bootstrap = ["--bootstrap-server", servers.kafka]

  it.live("what is created and grown is what TopicCommand and GetOffsetShell see", () =>
    Effect.gen(function*() {
      const topic = uniqueName("topics")
      const settings = [{ name: "cleanup.policy", value: "compact" }, { name: "max.message.bytes", value: "2000000" }]
      yield* asked({ kind: "create", topic, partitions: 2, replicationFactor: 1, settings })
      yield* leadersAnswer(topic, 2)
      assert.deepStrictEqual((yield* asked({ kind: "add-partitions", topic, to: 4 })).data, {
        topic,
        before: 2,
        partitions: 4
      })
      yield* leadersAnswer(topic, 4)
      const producer = yield* Producer
      const records = [0, 1, 1, 3].map((partition) => ({ partition, key: Buffer.from("k"), value: Buffer.from("v") }))
      yield* producer.send(topic, records)
      const [described, ends, shown, listed] = yield* Effect.all([
        javaTool("org.apache.kafka.tools.TopicCommand", [...bootstrap, "--describe", "--topic", topic]),
        javaTool("org.apache.kafka.tools.GetOffsetShell", [...bootstrap, "--topic", topic]),
        asked({ kind: "show", topic, last: 1, all: false }),
        asked({ kind: "list", internal: false })
      ], { concurrency: "unbounded" })
      const [head = "", ...partitions] = described.split("\n").filter((line) => line.includes(`Topic: ${topic}`))
      assert.deepInclude(fieldsOf(head), { PartitionCount: "4", ReplicationFactor: "1" })
      assert.deepStrictEqual(
        shown.data.partitions.map((one: { leader: number; replicas: Array<number>; inSync: Array<number> }) => [
          String(one.leader),
          one.replicas.join(),
          one.inSync.join()
        ]),
        partitions.map(fieldsOf).map(({ Isr, Leader, Replicas }) => [Leader, Replicas, Isr])
      )
      for (const { name, value } of settings) {
        assert.include(head, `${name}=${value}`)
        assert.deepInclude(shown.data.configuration, { name, value, source: "topic" })
      }
      assert.deepStrictEqual(
        shown.data.partitions.map((one: { partition: number; end: number }) => `${topic}:${one.partition}:${one.end}`),
        ends.split("\n").filter((line) => line.startsWith(topic)).toSorted()
      )
      const found = listed.data.find((one: { topic: string }) => one.topic === topic)
      assert.deepInclude(found, { partitions: 4, replicas: 1, records: 4, internal: false })
    }).pipe(Effect.provide(layers)))

  it.live("the last records say what became of their transactions", () =>
    Effect.gen(function*() {
      const topic = uniqueName("topics")
      yield* asked({ kind: "create", topic, partitions: 1, replicationFactor: undefined, settings: [] })
      yield* leadersAnswer(topic, 1)
      const transactions = yield* Transactions
      const open = transactions.open({ transactionalId: uniqueName("topics"), timeoutMs: 60_000 })
      const states = yield* Effect.scoped(Effect.gen(function*() {
        const producer = yield* open
        for (const outcome of ["commit", "abort", "open"] as const) {
          yield* producer.send(topic, [{ partition: 0, key: null, value: Buffer.from(outcome) }])
          if (outcome !== "open") yield* producer[outcome]
        }
        const { data } = yield* asked({ kind: "show", topic, last: 10, all: false })
        yield* producer.abort
        return data.lastRecords.map((one: { value: { text: string }; state: string }) => [one.value.text, one.state])
      }))
      assert.deepStrictEqual(states, [["commit", "committed"], ["abort", "aborted"], ["open", "open"]])
    }).pipe(Effect.provide(layers)))

  it.live("a refusal comes in the broker's own words; a topic that is there is not made again", () =>
    Effect.gen(function*() {
      const topic = uniqueName("topics")
      const plain: TopicsRequest = { kind: "create", topic, partitions: 1, replicationFactor: undefined, settings: [] }
      const unknown = yield* asked({ ...plain, settings: [{ name: "no.such.key", value: "1" }] })
      assert.deepInclude(unknown.exit, { _tag: "Left" })
      if (unknown.exit._tag === "Left") {
        assert.include(unknown.exit.left.what, "Unknown topic config name: no.such.key")
        assert.strictEqual(unknown.exit.left.exit, ExitCode.cannotCreate)
      }
      const copies = yield* Effect.exit(Effect.flatMap(asked({ ...plain, replicationFactor: 99 }), ({ exit }) => exit))
      assert.isTrue(Exit.isFailure(copies))
      assert.deepInclude((yield* asked(plain)).exit, { _tag: "Right" })
      const again = yield* asked(plain)
      assert.strictEqual(again.exit._tag === "Left" ? again.exit.left.code : "", "TRB-2006")
    }).pipe(Effect.provide(layers)))
})

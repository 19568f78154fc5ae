import { Effect, Layer, Schedule } from "effect"
import kafkajs from "kafkajs"
import { afterAll, assert, beforeAll, it } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import { Groups } from "../../../src/layers/Groups.js"
import * as KafkaAdmin from "../../../src/layers/kafka/KafkaAdmin.js"
import * as KafkaGroups from "../../../src/layers/kafka/KafkaGroups.js"
import * as KafkaRecordTimes from "../../../src/layers/kafka/KafkaRecordTimes.js"
import { makeNodes } from "../../../src/layers/kafka/nodes.js"
import { layerNone } from "../../../src/layers/Positions.js"
import { RecordTimes } from "../../../src/layers/RecordTimes.js"
import { observe } from "../../../src/programs/lag/observe.js"
import { type JudgedGroup, makeWindows } from "../../../src/programs/lag/windows.js"
import { until } from "../../e2e/support/until.js"
import { createTopics } from "../../e2e/support/World.js"
import { describeWith } from "../../servers/index.js"
import { javaTool, uniqueName } from "./support.js"

const message = (partition: number, timestamp: number) => ({ partition, value: "v", timestamp: String(timestamp) })

describeWith(["kafka"], "groups as a broker knows them", (servers) => {
  const topic = uniqueName("groups")
  const kafka = new kafkajs.Kafka({
    brokers: servers.kafka.split(","),
    clientId: topic,
    logLevel: kafkajs.logLevel.NOTHING
  })
  // Idempotent: kafkajs sends all again where one partition of a new topic has no leader yet.
  const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true, maxInFlightRequests: 1 })]
  const partitions = 4
  const options = { brokers: servers.kafka.split(","), clientId: "tributary-test" }
  const layers = Layer.mergeAll(
    KafkaAdmin.layer(options),
    KafkaGroups.layer(options),
    KafkaRecordTimes.layer(options),
    layerNone
  )

  beforeAll(async () => {
    await Promise.all([admin.connect(), producer.connect()])
    await createTopics(admin, [topic], partitions)
  })
  afterAll(async () => {
    await admin.deleteTopics({ topics: [topic] })
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })

  const endIs = async (name: string, end: bigint) => {
    const [range] = await Effect.runPromise(
      Effect.flatMap(Admin, (known) => known.logRanges(name)).pipe(Effect.provide(layers))
    )
    return (range?.lastStable === end && range.end === end) || undefined
  }
  const send = (count: number, timestamp?: number) =>
    producer.send({
      topic,
      messages: Array.from({ length: partitions * count }, (_, index) => ({
        partition: index % partitions,
        value: "v",
        ...(timestamp === undefined ? {} : { timestamp: String(timestamp) })
      }))
    })
  /** What a program without a membership does (Java's `assign` and `commitSync`); kafkajs's own way takes seconds. */
  const commit = (group: string, offsets: ReadonlyArray<number>) =>
    Effect.runPromise(Effect.scoped(
      Effect.gen(function*() {
        const nodes = yield* makeNodes(options)
        const coordinator = yield* nodes.coordinator(group)
        const partitionOffsets = offsets.map((offset, partition) => ({ partition, offset: String(offset) }))
        yield* nodes.request("commit", () =>
          coordinator.offsetCommit({
            groupId: group,
            groupGenerationId: -1,
            memberId: "",
            topics: [{ topic, partitions: partitionOffsets }]
          }))
      }).pipe(Effect.retry({ times: 20, schedule: Schedule.spaced("200 millis") }))
    ))
  /** A member that holds every partition, reads and never commits. */
  const join = async (groupId: string) => {
    const consumer = kafka.consumer({ groupId })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() })
    await joined
    return { [Symbol.asyncDispose]: () => consumer.disconnect() }
  }

  it("a consumer that keeps up is OK, a slow one WARNING, one that has stopped or is stuck an ERROR", async () => {
    const names = {
      healthy: uniqueName("healthy"),
      slow: uniqueName("slow"),
      gone: uniqueName("gone"),
      stuck: uniqueName("stuck")
    }
    const groups = Object.values(names)
    const targets = groups.map((group) => ({ group, topics: undefined }))
    await send(20)
    await commit(names.stuck, [5, 5, 5, 5])
    await commit(names.gone, [5, 5, 5, 5])
    await using _ = await join(names.stuck)
    const windows = makeWindows({ intervals: 10, allowedLag: 0n })
    // One sample after each step of the consumers: the window is what they do, however long it takes here.
    const judged = await Effect.runPromise(
      Effect.gen(function*() {
        let found: ReadonlyArray<JudgedGroup> = []
        for (let step = 0; step <= 10; step++) {
          yield* Effect.promise(async () => {
            await send(10)
            await commit(names.healthy, Array.from({ length: partitions }, () => 25 + 10 * step))
            await commit(names.slow, Array.from({ length: partitions }, () => 20 + 6 * step))
          })
          found = windows.judge(yield* observe({ autoOffsetReset: "earliest" }, targets))
        }
        return found
      }).pipe(Effect.provide(layers))
    )
    const states = judged.map((
      { partitions: found }
    ) => [...new Set(found.map(({ reason, state }) => `${state} ${reason}`))])
    assert.deepStrictEqual(states, [["OK undefined"], ["WARNING lag grows"], ["ERROR stopped"], ["ERROR stalled"]])
    assert.isTrue(judged.every(({ partitions: found }) => found.length === partitions))
  })

  it("offsets, ends, lags and owners are those of Kafka's own tool, also of what a Java consumer has read", async () => {
    const group = uniqueName("java")
    await Effect.runPromise(javaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      "--bootstrap-server",
      servers.kafka,
      "--topic",
      topic,
      "--group",
      group,
      "--from-beginning",
      "--max-messages",
      "17",
      "--timeout-ms",
      "120000"
    ]))
    await using _ = await join(group)
    const text = await Effect.runPromise(javaTool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [
      "--bootstrap-server",
      servers.kafka,
      "--describe",
      "--group",
      group,
      "--timeout", // the tool's own is 5 s, a part of which it takes to start
      "120000"
    ]))
    const told = text.split("\n").filter((line) => line.startsWith(group)).map((line) => line.split(/\s+/)).map((
      [, name, partition, committed, end, lag, , host = "", client]
    ) => [name, partition, committed, end, lag, `${client}@${host.slice(1)}`])
    assert.lengthOf(told, partitions)
    const windows = makeWindows({ intervals: 10, allowedLag: 0n })
    const [found] = await Effect.runPromise(
      Effect.map(observe({ autoOffsetReset: "earliest" }, [{ group, topics: undefined }]), windows.judge).pipe(
        Effect.provide(layers)
      )
    )
    const ours = found?.partitions.map(({ committed, end, lag, owner, partition, topic: name }) =>
      [name, partition, committed ?? "-", end, lag ?? "-", owner].map(String)
    )
    assert.deepStrictEqual(ours, told.toSorted((a, b) => Number(a[1]) - Number(b[1])))
    assert.strictEqual(found?.kafkaState, "Stable")
  })

  it("groups are listed, one that does not exist is Dead, and looking adds none", async () => {
    const [known, unknown] = [uniqueName("listed"), uniqueName("unknown")]
    await commit(known, [1, 2, 3, 4])
    const { described, listed } = await Effect.runPromise(
      Effect.gen(function*() {
        const groups = yield* Groups
        return { described: yield* groups.describe([known, unknown]), listed: yield* groups.list }
      }).pipe(Effect.provide(layers))
    )
    assert.include(listed.groups, known)
    assert.notInclude(listed.groups, unknown)
    assert.isEmpty(listed.failures)
    const offsets = Array.from(
      { length: partitions },
      (_, partition) => ({ topic, partition, offset: BigInt(partition + 1) })
    )
    const answer = Effect.runSync(Effect.flatten(Effect.fromNullable(described.get(known))))
    assert.deepInclude(answer, { group: known, state: "Empty", members: [] })
    assert.sameDeepMembers([...answer.committed], offsets)
    const nothing = Effect.runSync(Effect.flatten(Effect.fromNullable(described.get(unknown))))
    assert.deepStrictEqual(nothing, { group: unknown, state: "Dead", members: [], committed: [] })
  })

  it("a record's time is that of the next one that the reader sees: aborted ones are passed over, retention too", async () => {
    const timed = uniqueName("times")
    await createTopics(admin, [timed], 2)
    await producer.send({ topic: timed, messages: [message(0, 1000), message(0, 2000), message(1, 5000)] })
    const transactional = kafka.producer({ transactionalId: timed, maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    const aborted = await transactional.transaction()
    await aborted.send({ topic: timed, messages: [message(0, 3000)] })
    await aborted.abort()
    await transactional.disconnect()
    // The coordinator answers first and writes the marker then.
    await until("the marker of the abort", () => endIs(timed, 4n))
    await producer.send({ topic: timed, messages: [message(0, 4000)] })
    const next = (
      isolation: "read_committed" | "read_uncommitted",
      offsets: ReadonlyArray<readonly [number, bigint]>
    ) =>
      Effect.runPromise(
        Effect.flatMap(RecordTimes, (times) => times.next({ topic: timed, isolation, offsets: new Map(offsets) })).pipe(
          Effect.map((found) => [...found]),
          Effect.provide(layers)
        )
      )
    assert.deepStrictEqual(await next("read_committed", [[0, 1n], [1, 0n]]), [[0, 2000], [1, 5000]])
    assert.deepStrictEqual(await next("read_uncommitted", [[0, 2n]]), [[0, 3000]])
    assert.deepStrictEqual(await next("read_committed", [[0, 2n]]), [[0, 4000]], "2 is aborted, 3 the marker")
    assert.deepStrictEqual(await next("read_committed", [[0, 5n], [1, 1n]]), [], "the end of the log")
    await admin.fetchTopicOffsets(timed) // without the topic's metadata kafkajs finds no leader
    await admin.deleteTopicRecords({ topic: timed, partitions: [{ partition: 0, offset: "2" }] })
    assert.deepStrictEqual(await next("read_uncommitted", [[0, 0n]]), [[0, 3000]])
    await admin.deleteTopics({ topics: [timed] })
  })
})

import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Kafka, logLevel } from "kafkajs"
import { Admin } from "../../../src/layers/Admin.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, keyed, layersOf, member, textOf, uniqueName } from "./support.js"

const deleteBefore = (address: string, topic: string, offset: bigint) =>
  Effect.promise(async () => {
    const admin = new Kafka({ brokers: address.split(","), clientId: "gaps", logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    // Without it the client does not know the leader.
    await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
    await admin.disconnect()
  })

describeWith(["kafka"], "a position that the log does not hold", (servers) => {
  const live = layersOf(servers.kafka)

  it.live("below its start: an empty batch that begins at the start, once, and nothing else until it is sought", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const group = uniqueName("group")
      const [admin, producer] = [yield* Admin, yield* Producer]
      yield* producer.send(topic, keyed(0, 100))
      const reader = yield* member(topic, group)
      yield* reader.assigned
      yield* reader.readFrom(0, 0n)
      yield* reader.takeUntil(100n)
      // Retention overtakes a partition that is paused without any event.
      yield* reader.membership.pause(0)
      yield* deleteBefore(servers.kafka, topic, 50n)
      yield* reader.readFrom(0, 10n)
      assert.deepInclude(yield* reader.batches.take, { fetchedOffset: 50n, nextOffset: 50n, records: [] })
      assert.deepStrictEqual(yield* admin.logRanges(topic), [{ partition: 0, low: 50n, lastStable: 100n, end: 100n }])
      // kafkajs would have committed -2 here, and gone on from 50 by itself.
      yield* reader.membership.confirmed
      assert.deepStrictEqual([...yield* admin.committedOffsets(group, topic)], [])
      yield* reader.readFrom(0, 50n)
      const rest = yield* reader.takeUntil(100n)
      assert.strictEqual(rest[0]?.fetchedOffset, 50n)
      assert.strictEqual(rest[0]?.records[0] === undefined ? "" : textOf(rest[0].records[0]), "v50")
    })).pipe(Effect.provide(live)))

  it.live("beyond its end: an empty batch that begins at the end", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* Producer
      yield* producer.send(topic, keyed(0, 3))
      const reader = yield* member(topic, uniqueName("group"))
      yield* reader.assigned
      yield* reader.readFrom(0, 1000n)
      assert.deepInclude(yield* reader.batches.take, { fetchedOffset: 3n, nextOffset: 3n, records: [] })
    })).pipe(Effect.provide(live)))

  it.live("at its end: nothing but what comes next", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* Producer
      yield* producer.send(topic, keyed(0, 3))
      const reader = yield* member(topic, uniqueName("group"))
      yield* reader.assigned
      yield* reader.readFrom(0, 3n)
      yield* reader.membership.confirmed
      yield* producer.send(topic, keyed(3, 1))
      assert.deepInclude(yield* reader.batches.take, { fetchedOffset: 3n, nextOffset: 4n })
    })).pipe(Effect.provide(live)))
})

import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { commitWith, freshTopic, keyed, layersOf, member, pending, textOf, uniqueName } from "./support.js"

describeWith(["kafka"], "a member that has joined again", (servers) => {
  const live = layersOf(servers.kafka)

  it.live("reads nothing before it is sought and resumed, and then from there, whatever is committed in Kafka", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(4)
      const group = uniqueName("group")
      const all = [0, 1, 2, 3]
      yield* (yield* Producer).send(topic, all.flatMap((partition) => keyed(0, 10, partition)))
      const reader = yield* member(topic, group, ({ partition }) => partition < 2 ? "fetch" : "pause")
      const { resume, seek } = reader.membership
      assert.deepStrictEqual(yield* reader.assigned, all)
      for (const partition of all) yield* reader.readFrom(partition, 0n)
      for (const _ of all) assert.deepInclude(yield* reader.batches.take, { nextOffset: 10n, generation: 1 })
      // A position that nothing of the next generation may begin with.
      yield* seek(2, 3n)
      // Older than what is sought below, and newer.
      yield* commitWith(reader.membership, [{ partition: 0, offset: 2n }, { partition: 1, offset: 9n }])

      yield* Effect.scoped(Effect.gen(function*() {
        const second = yield* member(topic, group)
        yield* second.assigned
        yield* reader.assigned
      }))
      assert.deepStrictEqual(yield* reader.assigned, all)
      // 2 is not sought and 3 is not resumed: if they were fetched they would come with 0 and 1.
      yield* resume(2)
      yield* seek(3, 7n)
      for (const partition of [0, 1]) {
        yield* reader.readFrom(partition, 7n)
        const batch = yield* reader.batches.take
        assert.deepInclude(batch, { partition, fetchedOffset: 7n, generation: 3 })
        assert.deepStrictEqual(batch.records.map(textOf), ["v7", "v8", "v9"])
      }
      assert.isEmpty(yield* pending(reader.batches))
      yield* seek(2, 8n)
      assert.deepInclude(yield* reader.batches.take, { partition: 2, fetchedOffset: 8n, generation: 3 })
      yield* resume(3)
      assert.deepInclude(yield* reader.batches.take, { partition: 3, fetchedOffset: 7n, generation: 3 })
    })).pipe(Effect.provide(live)))

  it.live("may end the work on what it has lost as it likes: nothing is committed, nothing fails, and it reads on", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const group = uniqueName("group")
      const admin = yield* Admin
      const producer = yield* Producer
      yield* producer.send(topic, [...keyed(0, 5, 0), ...keyed(0, 5, 1)])
      const reader = yield* member(topic, group)
      yield* reader.assigned
      for (const partition of [0, 1]) yield* reader.readFrom(partition, 0n)
      // In work from here on, while the group rebalances.
      const inWork = [yield* reader.batches.take, yield* reader.batches.take]
      const second = yield* member(topic, group)
      const [lost = -1] = yield* second.assigned
      const [kept = -1] = yield* reader.assigned
      assert.deepInclude(inWork.find(({ partition }) => partition === lost), { generation: 1, nextOffset: 5n })
      yield* reader.readFrom(lost, 5n)
      yield* reader.membership.pause(lost)
      yield* reader.readFrom(lost, 5n)
      const failed = yield* Effect.flip(reader.membership.commit([{ partition: lost, offset: 5n }]))
      assert.strictEqual(failed.kind, "fenced")
      assert.isEmpty([...yield* admin.committedOffsets(group, topic)])

      yield* second.readFrom(lost, 5n)
      yield* reader.readFrom(kept, 5n)
      yield* producer.send(topic, [...keyed(5, 1, lost), ...keyed(5, 1, kept)])
      assert.deepInclude(yield* second.batches.take, { partition: lost, fetchedOffset: 5n })
      assert.deepInclude(yield* reader.batches.take, { partition: kept, fetchedOffset: 5n, generation: 2 })
      yield* reader.membership.confirmed
      assert.isEmpty(yield* pending(reader.batches))
    })).pipe(Effect.provide(live)))
})

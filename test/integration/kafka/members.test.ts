import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit } from "effect"
import { createRequire } from "node:module"
import { vi } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer, GroupEvent, type Membership } from "../../../src/layers/Consumer.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import {
  commitWith,
  freshTopic,
  keyed,
  layersOf,
  member,
  memberIds,
  pending,
  readAll,
  textOf,
  uniqueName
} from "./support.js"

describeWith(["kafka"], "a member of a group", (servers) => {
  const live = layersOf(servers.kafka)

  it.live("reads from where it is sought, in offset order, each batch from the end of the one before", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* Producer
      yield* producer.send(topic, keyed(0, 500))
      yield* producer.send(topic, keyed(500, 500))
      const { breaks, next, records } = yield* readAll(topic, 1000n, 123n)
      assert.isEmpty(breaks)
      assert.strictEqual(next, 1000n)
      assert.deepStrictEqual(
        records.map(textOf),
        keyed(123, 877).map(({ value }) => Buffer.from(value ?? []).toString())
      )
      assert.deepStrictEqual(records.map(({ offset }) => offset), records.map((_, index) => 123n + BigInt(index)))
    }).pipe(Effect.provide(live)))

  it.live("gives keys, values, nulls, timestamps and headers as they were written", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* Producer
      const headers = [["a", Buffer.from("1")], ["b", Buffer.from([0xff, 0])]] as const
      yield* producer.send(topic, [
        {
          partition: 0,
          key: Buffer.from([0, 1, 2]),
          value: Buffer.from([0xff]),
          timestampMs: 1_600_000_000_123,
          headers
        },
        { partition: 0, key: null, value: null, timestampMs: 1_600_000_000_124 }
      ])
      const { batches, records: [first, second] } = yield* readAll(topic, 2n)
      assert.deepStrictEqual([first?.key, first?.value].map((bytes) => Buffer.from(bytes ?? [])), [
        Buffer.from([0, 1, 2]),
        Buffer.from([0xff])
      ])
      assert.deepStrictEqual(
        first?.headers.map(([name, value]) => [name, Buffer.from(value ?? []).toString("hex")]),
        [["a", "31"], ["b", "ff00"]]
      )
      assert.deepStrictEqual([first?.timestampMs, second?.timestampMs], [1_600_000_000_123, 1_600_000_000_124])
      assert.deepStrictEqual([second?.key, second?.value], [null, null])
      assert.strictEqual(batches.reduce((sum, { bytes }) => sum + bytes, 0), 3 + 1 + 1 + 1 + 1 + 2)
    }).pipe(Effect.provide(live)))

  it.live("fetches nothing of a partition that is paused, and goes on where it stopped", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const producer = yield* Producer
      yield* producer.send(topic, keyed(0, 10))
      const reader = yield* member(topic, uniqueName("group"), ({ partition }) => partition === 0 ? "pause" : "fetch")
      assert.deepStrictEqual(yield* reader.assigned, [0, 1])
      yield* reader.readFrom(0, 0n)
      yield* reader.readFrom(1, 0n)
      assert.deepInclude(yield* reader.batches.take, { partition: 0, fetchedOffset: 0n, nextOffset: 10n })
      yield* producer.send(topic, keyed(10, 5))
      // What comes of partition 1 was fetched after that: partition 0 could have come with it.
      yield* producer.send(topic, keyed(0, 1, 1))
      assert.deepInclude(yield* reader.batches.take, { partition: 1, nextOffset: 1n })
      assert.isEmpty(yield* pending(reader.batches))
      yield* reader.membership.resume(0)
      assert.deepInclude(yield* reader.batches.take, { partition: 0, fetchedOffset: 10n, nextOffset: 15n })
    })).pipe(Effect.provide(live)))

  it.live("shares the partitions with a second member, and has them all again when that one leaves", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(4)
      const group = uniqueName("group")
      const first = yield* member(topic, group)
      assert.deepStrictEqual(yield* first.assigned, [0, 1, 2, 3])
      yield* Effect.scoped(Effect.gen(function*() {
        const second = yield* member(topic, group)
        const lost = yield* first.takeEvent
        assert.isTrue(GroupEvent.$is("Lost")(lost))
        assert.strictEqual(lost.generation, 1)
        const shares = [...yield* first.assigned, ...yield* second.assigned]
        assert.deepStrictEqual(shares.toSorted((a, b) => a - b), [0, 1, 2, 3])
      }))
      assert.deepStrictEqual(yield* first.assigned, [0, 1, 2, 3])
    })).pipe(Effect.provide(live)))

  it.live("is confirmed by the coordinator, and tells committed offsets of what it holds only", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const group = uniqueName("group")
      const admin = yield* Admin
      assert.deepStrictEqual([...yield* admin.committedOffsets(group, topic)], [])
      const reader = yield* member(topic, group)
      yield* reader.assigned
      yield* reader.membership.confirmed
      yield* commitWith(reader.membership, [{ partition: 0, offset: 7n }])
      const failed = yield* Effect.flip(reader.membership.commit([{ partition: 9, offset: 1n }]))
      assert.strictEqual(failed.kind, "fenced")
      assert.deepStrictEqual([...yield* admin.committedOffsets(group, topic)], [[0, 7n]])
    })).pipe(Effect.provide(live)))

  it.live("commits at a revocation what counts, before the second member gets the partition; afterwards it is fenced", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const group = uniqueName("group")
      const admin = yield* Admin
      const revoked: Array<ReadonlyArray<number>> = []
      const reader = yield* Deferred.make<Membership>()
      const first = yield* member(topic, group, () => "fetch", {
        onRevoked: (partitions) =>
          Effect.gen(function*() {
            revoked.push(partitions)
            const offsets = partitions.map((partition) => ({ partition, offset: 42n }))
            yield* Effect.orDie(commitWith(yield* Deferred.await(reader), offsets))
          })
      })
      yield* Deferred.succeed(reader, first.membership)
      assert.deepStrictEqual(yield* first.assigned, [0, 1])
      const second = yield* member(topic, group)
      const [other] = yield* second.assigned
      assert.isDefined(other)
      assert.deepStrictEqual(revoked, [[0, 1]])
      assert.deepStrictEqual([...yield* admin.committedOffsets(group, topic)], [[0, 42n], [1, 42n]])
      const lost = yield* first.takeEvent
      assert.isTrue(GroupEvent.$is("Lost")(lost) && lost.kind === "revoked")
      yield* first.assigned
      const failed = yield* Effect.flip(first.membership.commit([{ partition: other, offset: 1n }]))
      assert.strictEqual(failed.kind, "fenced")
      assert.deepStrictEqual([...yield* admin.committedOffsets(group, topic)], [[0, 42n], [1, 42n]])
    })).pipe(Effect.provide(live)))

  it.live("ends with what `onBatch` has thrown: kafkajs does not hear of it, which would begin again, or end for good", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      yield* (yield* Producer).send(topic, keyed(0, 1))
      const bug = new TypeError("a bug in onBatch")
      const reader = yield* member(topic, uniqueName("group"), () => {
        throw bug
      })
      yield* reader.assigned
      yield* reader.readFrom(0, 0n)
      assert.deepStrictEqual(yield* Effect.exit(reader.takeEvent), Exit.die(bug))
      assert.lengthOf(yield* pending(reader.batches), 1)
    })).pipe(Effect.provide(live)))

  it.live("that is idle sets no timers one after the other, as kafkajs does 1,800 times a second", () =>
    Effect.scoped(Effect.gen(function*() {
      const RequestQueue = createRequire(import.meta.url)("kafkajs/src/network/requestQueue")
      const checks = vi.spyOn(RequestQueue.prototype, "checkPendingRequests")
      const answers = vi.spyOn(RequestQueue.prototype, "fulfillRequest")
      yield* Effect.addFinalizer(() => Effect.sync(() => [checks, answers].forEach((spy) => spy.mockRestore())))
      const reader = yield* member(yield* freshTopic(), uniqueName("group"))
      yield* reader.assigned
      // Two heartbeats: a second at least, and on a busy machine more. Each answer looks once, and nothing else does.
      yield* Effect.repeatN(reader.membership.confirmed, 1)
      assert.isAtLeast(answers.mock.calls.length, 2)
      assert.strictEqual(checks.mock.calls.length, answers.mock.calls.length)
    })).pipe(Effect.provide(live)))

  it.live("that ends before it has joined leaves the group all the same, instead of joining behind its end", () => {
    const { joined, left, lock } = memberIds()
    return Effect.gen(function*() {
      yield* Effect.scoped(member(yield* freshTopic(), uniqueName("group")))
      assert.lengthOf(joined, 1)
      assert.deepStrictEqual(left, joined)
    }).pipe(Effect.provide(layersOf(servers.kafka, "none", lock)))
  })

  it.live("cannot join for a topic that is missing, and says so", () =>
    Effect.scoped(Effect.gen(function*() {
      const consumer = yield* Consumer
      const error = yield* Effect.flip(consumer.join({ topic: "missing", group: "g", onBatch: () => "fetch" }))
      assert.strictEqual(error.name, "KafkaRefused")
      assert.match(error.message, /missing/)
    })).pipe(Effect.provide(live)))
})

it.live("a broker that is away: joining, describing and sending say which, and why", () =>
  Effect.scoped(Effect.gen(function*() {
    const consumer = yield* Consumer
    const admin = yield* Admin
    const producer = yield* Producer
    const errors = yield* Effect.all([
      Effect.flip(consumer.join({ topic: "t", group: "g", onBatch: () => "fetch" })),
      Effect.flip(admin.describeTopic("t")),
      Effect.flip(admin.committedOffsets("g", "t")),
      Effect.flip(producer.send("t", keyed(0, 1)))
    ], { concurrency: "unbounded" })
    for (const error of errors) {
      assert.strictEqual(error.name, "KafkaUnavailable")
      assert.match(error.message, /127\.0\.0\.1:1\b.*ECONNREFUSED/)
    }
  })).pipe(Effect.provide(layersOf("127.0.0.1:1")), Effect.timeout("150 seconds")))

import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Kafka, logLevel } from "kafkajs"
import type * as Net from "node:net"
import { afterAll, beforeAll, vi } from "vitest"
import { GroupEvent } from "../../../src/layers/Consumer.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith, type KafkaCluster, neverKilled, startKafka } from "../../servers/index.js"
import { startHolding } from "./holdingProxy.js"
import { freshTopic, keyed, layersOf, member, pending, textOf, uniqueName } from "./support.js"

vi.mock("node:net", async (original) => {
  const { detoured } = await import("./detour.js")
  return detoured(await original<typeof Net>())
})

/** Where partitions are, and how one is led by another broker. */
const administration = (address: string) =>
  Effect.gen(function*() {
    const admin = new Kafka({ brokers: address.split(","), logLevel: logLevel.NOTHING }).admin()
    yield* Effect.acquireRelease(Effect.promise(() => admin.connect()), () => Effect.promise(() => admin.disconnect()))
    const leader = (topic: string, partition: number) =>
      Effect.promise(async () => {
        const { topics: [found] } = await admin.fetchTopicMetadata({ topics: [topic] })
        return found?.partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1
      })
    const addressOf = (node: number) =>
      Effect.promise(async () => {
        const { brokers } = await admin.describeCluster()
        const found = brokers.find(({ nodeId }) => nodeId === node)
        return `${found?.host}:${found?.port}`
      })
    const move = (topic: string, partition: number, to: number) =>
      Effect.promise(() =>
        admin.alterPartitionReassignments({
          topics: [{ topic, partitionAssignment: [{ partition, replicas: [to] }] }]
        })
      )
    return { leader, addressOf, move }
  })

describeWith(["own:kafka"], "a fetch that is answered after its member has joined again", () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = await startKafka({
      nodes: 3,
      heap: "256m",
      props: { "group.initial.rebalance.delay.ms": 0, ...neverKilled }
    })
  }, 300_000)
  afterAll(() => kafka.stop())

  it.live(
    "is dropped, though its partition is read from the same offset in the new generation",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic(3)
        yield* (yield* Producer).send(topic, keyed(0, 3))
        const { addressOf, leader, move } = yield* administration(kafka.address)
        const [first, second, third] = yield* Effect.all([leader(topic, 0), leader(topic, 1), leader(topic, 2)])
        assert.lengthOf(new Set([first, second, third]), 3)
        const slow = yield* addressOf(first)
        const proxy = yield* Effect.acquireRelease(
          Effect.promise(() => startHolding(slow)),
          ({ close }) => Effect.sync(close)
        )
        const reader = yield* member(topic, uniqueName("group"))
        yield* reader.assigned
        proxy.hold("fetches")
        yield* reader.readFrom(0, 0n)
        yield* reader.readFrom(1, 0n)
        yield* Effect.promise(proxy.held)
        // Another fetch finds that the leader has changed. kafkajs joins within it, and waits for no other fetch.
        yield* move(topic, 1, third)
        assert.deepInclude(yield* reader.takeEvent, { _tag: "Lost", generation: 1, kind: "revoked" })
        assert.deepStrictEqual(yield* reader.takeEvent, GroupEvent.Assigned({ generation: 2, partitions: [0, 1, 2] }))
        yield* reader.readFrom(0, 0n)
        proxy.release()
        const batch = yield* reader.batches.take
        assert.deepInclude(batch, { partition: 0, generation: 2, fetchedOffset: 0n })
        assert.deepStrictEqual(batch.records.map(textOf), ["v0", "v1", "v2"])
        assert.isEmpty(yield* pending(reader.batches))
      })).pipe(Effect.provide(layersOf(kafka.address))),
    300_000
  )
})

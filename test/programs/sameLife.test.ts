import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Admin, TopicMissing } from "../../src/layers/Admin.js"
import { KafkaUnavailable } from "../../src/layers/Consumer.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { makeSameLife } from "../../src/programs/awaitTopic.js"
import { fetched, makePartitionWorld } from "./partitionWorld.js"

/** A topic whose id is what the test says, and how often it was asked for. */
const makeTopic = () => {
  const topic = { id: "first", isMissing: false, isAway: false, asked: 0 }
  const layer = Layer.mock(Admin, {
    describeTopic: (name) =>
      Effect.gen(function*() {
        topic.asked += 1
        if (topic.isAway) return yield* new KafkaUnavailable({ what: "describeTopic", cause: "no answer" })
        if (topic.isMissing) return yield* new TopicMissing({ topic: name })
        return { topic: name, clusterId: "c", topicId: topic.id, partitions: [0] }
      }),
    logRanges: () => Effect.succeed([{ partition: 0, low: 0n, lastStable: 1000n, end: 1000n }])
  })
  return { topic, layer, sameLife: makeSameLife("orders", "first", { baseMs: 100, maxMs: 1000 }) }
}

it("asks for the topic's id before what was fetched is written, once for all partitions that come together", () =>
  simulate(Effect.gen(function*() {
    const { layer, sameLife, topic } = makeTopic()
    yield* Effect.all(Array.from({ length: 50 }, () => sameLife), { concurrency: "unbounded" }).pipe(
      Effect.provide(layer)
    )
    assert.strictEqual(topic.asked, 1)
    yield* Effect.sleep("1 second")
    topic.id = "second"
    const held = yield* Effect.flip(Effect.provide(sameLife, layer))
    assert.include(held.what, "deleted and created again while it was read: its id was first and is second")
  })))

it("a topic that is away is no other one, and counts for nothing: it is asked for again at once", () =>
  simulate(Effect.gen(function*() {
    const { layer, sameLife, topic } = makeTopic()
    topic.isMissing = true
    yield* Effect.provide(sameLife, layer)
    topic.isMissing = false
    topic.id = "second"
    const held = yield* Effect.flip(Effect.provide(sameLife, layer))
    assert.strictEqual(held._tag, "Held")
  })))

it("waits while no broker answers", () =>
  simulate(Effect.gen(function*() {
    const { layer, sameLife, topic } = makeTopic()
    topic.isAway = true
    const waiting = yield* Effect.fork(Effect.provide(sameLife, layer))
    yield* Effect.sleep("10 seconds")
    assert.isNull(waiting.unsafePoll())
    topic.isAway = false
    yield* waiting.await
    assert.isAbove(topic.asked, 5)
  })))

it("asks nothing where the broker cannot tell the topic's id", () =>
  simulate(Effect.gen(function*() {
    const { layer, topic } = makeTopic()
    yield* Effect.provide(makeSameLife("orders", "", { baseMs: 100, maxMs: 1000 }), layer)
    assert.strictEqual(topic.asked, 0)
  })))

it("a partition of which a fetch comes from another life of the topic writes nothing of it and is stopped", () =>
  simulate(Effect.gen(function*() {
    const { layer, sameLife, topic } = makeTopic()
    const { queue, run, stopped, written } = makePartitionWorld(Effect.provide(sameLife, layer))
    yield* Effect.fork(run)
    yield* Effect.sleep("1 second")
    queue.offer(fetched(0n, 5n))
    yield* Effect.sleep("1 second")
    topic.id = "second"
    queue.offer(fetched(5n, 9n))
    yield* Effect.sleep("1 second")
    assert.deepStrictEqual(written.map(({ expected, next }) => [expected, next]), [[0n, 5n]])
    assert.deepStrictEqual(stopped.map(({ _tag }) => _tag), ["Held"])
  })))

import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { layerMemory as topicsInMemory } from "../../src/layers/memory/MemoryTopics.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { Topics } from "../../src/layers/Topics.js"
import { consume } from "../../src/programs/read/consume.js"

const cluster = layerMemory({ fetchRecords: 20, pollIntervalMs: 100 })

it("partitions that are added while a member reads are read from their beginning", () =>
  simulate(
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const topics = yield* Topics
      yield* topics.create({ topic: "t", partitions: 1, replicationFactor: undefined, settings: [] })
      kafka.append("t", 0, Buffer.from("before the member"))
      const read: Array<string> = []
      const process = (records: ReadonlyArray<{ readonly partition: number; readonly value: Uint8Array | null }>) =>
        Effect.sync(() =>
          records.forEach(({ partition, value }) => read.push(`${partition} ${Buffer.from(value ?? []).toString()}`))
        )
      yield* Effect.fork(consume({
        topic: "t",
        group: "g",
        name: "consumer-thread-0",
        commit: "sync",
        autoCommitIntervalMs: 1000,
        maxPollRecords: 10,
        pollTimeoutMs: 1000,
        isolation: "read_uncommitted",
        reset: "earliest"
      }, process))
      yield* Effect.sleep(5000)
      yield* topics.addPartitions("t", 3)
      // Before the member hears of the partition.
      kafka.append("t", 2, Buffer.from("first of the new one"))
      yield* Effect.sleep(20_000)
      kafka.append("t", 1, Buffer.from("later"))
      yield* Effect.sleep(5000)
      assert.deepStrictEqual(read, ["0 before the member", "2 first of the new one", "1 later"])
      const refused = yield* Effect.flip(topics.addPartitions("t", 2))
      assert.strictEqual(refused._tag, "KafkaRefused")
      assert.lengthOf((yield* topics.describe("t")).partitions, 3)
    }).pipe(Effect.provide(Layer.provideMerge(topicsInMemory, cluster)))
  ))

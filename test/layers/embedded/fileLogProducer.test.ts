import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import { Admin } from "../../../src/layers/Admin.js"
import * as FileLogAdmin from "../../../src/layers/embedded/FileLogAdmin.js"
import * as FileLogProducer from "../../../src/layers/embedded/FileLogProducer.js"
import { gzipCodec } from "../../../src/layers/embedded/gzipCodec.js"
import { Producer } from "../../../src/layers/Producer.js"
import { inTime, joinAll, makeLog, numbered, record, segment, takeValues, topic, utf8 } from "./logFixture.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

describe("file log: producing", () => {
  it.scoped("keys go where the Java client puts them, records without one round robin", () =>
    Effect.gen(function*() {
      const { admin, producer } = yield* makeLog(3)
      const keys = numbered(60, "key").map(utf8)
      yield* producer.send(topic, keys.map((key) => ({ key, value: null })))
      const expected = [0, 1, 2].map((partition) => keys.filter((key) => partitionOfKey(key, 3) === partition).length)
      const ends = Effect.map(admin.logRanges(topic), (ranges) => ranges.map(({ end }) => Number(end)))
      assert.deepStrictEqual(yield* ends, expected)
      yield* producer.send(topic, numbered(9).map(() => ({ key: null, value: null })))
      assert.deepStrictEqual(yield* ends, expected.map((count) => count + 3))
    }))

  // Real time: who finds the lock taken waits on the clock for what others do on the disk.
  it.scopedLive("several producers at once lose nothing, repeat nothing and keep their order", () =>
    Effect.gen(function*() {
      const { admin, consumer, root } = yield* makeLog()
      const mine = numbered(10)
      const send = (name: string) =>
        Effect.flatMap(
          serviceOf(Producer, FileLogProducer.layer({ root, codec: gzipCodec })),
          (producer) =>
            Effect.forEach(mine, (value) =>
              producer.send(topic, [record(`${name}-${value}`), record(`${name}+${value}`)]))
        )
      yield* Effect.forEach(["a", "b", "c"], send, { concurrency: "unbounded" })
      assert.deepStrictEqual((yield* admin.logRanges(topic)).map(({ end, low }) => [low, end]), [[0n, 60n]])
      const { batches, begin } = yield* joinAll(consumer)
      yield* begin(0, 0n)
      const read = yield* takeValues(batches, 60)
      for (const name of ["a", "b", "c"]) {
        assert.deepStrictEqual(
          read.filter((value) => value?.startsWith(name) === true),
          mine.flatMap((value) => [`${name}-${value}`, `${name}+${value}`])
        )
      }
    }))

  it.scoped("wherever a producer was killed in the middle of a write, the next one cuts the torn tail and goes on", () =>
    Effect.gen(function*() {
      const { consumer, producer, root } = yield* makeLog()
      yield* producer.send(topic, [record("a")])
      const { size } = statSync(segment(root))
      yield* producer.send(topic, [record("torn"), record("torn too")])
      const whole = readFileSync(segment(root))
      const { batches, begin } = yield* joinAll(consumer)
      for (const kept of [1, 11, 17, 60, 61, 62, whole.length - size - 1]) {
        writeFileSync(segment(root), whole.subarray(0, size + kept))
        const admin = yield* serviceOf(Admin, FileLogAdmin.layer(root))
        assert.deepStrictEqual((yield* admin.logRanges(topic)).map(({ end }) => end), [1n])
        const fresh = yield* serviceOf(Producer, FileLogProducer.layer({ root }))
        yield* fresh.send(topic, [record(`after ${kept}`)])
        assert.deepStrictEqual((yield* admin.logRanges(topic)).map(({ end }) => end), [2n])
        yield* begin(0, 0n)
        assert.deepStrictEqual(yield* inTime(takeValues(batches, 2)), ["a", `after ${kept}`])
      }
    }))

  it.scoped("refuses a missing topic, a missing partition and a name that leaves the folder", () =>
    Effect.gen(function*() {
      const { admin, producer } = yield* makeLog()
      assert.include((yield* Effect.flip(producer.send("none", [record("a")]))).message, "does not exist")
      assert.include((yield* Effect.flip(producer.send(topic, [record("a", 7)]))).message, "no partition 7")
      for (const name of ["../x", "", "a/b", "..", "a b", "x".repeat(250)]) {
        assert.include((yield* Effect.flip(producer.send(name, [record("a")]))).message, "is no topic name")
        assert.strictEqual((yield* Effect.flip(admin.createTopic({ topic: name, partitions: 1 })))._tag, "KafkaRefused")
      }
    }))
})

describe("file log: topics", () => {
  it.scoped("a topic is made once, with ids that stay; made again after its deletion it is another", () =>
    Effect.gen(function*() {
      const { admin, producer, root } = yield* makeLog(2)
      assert.strictEqual(yield* admin.createTopic({ topic, partitions: 5 }), "exists")
      const first = yield* admin.describeTopic(topic)
      assert.deepStrictEqual(first.partitions, [0, 1])
      assert.deepStrictEqual(yield* admin.describeTopic(topic), first)
      yield* producer.send(topic, [record("a")])
      rmSync(join(root, `${topic}.topic.json`))
      assert.strictEqual((yield* Effect.flip(admin.describeTopic(topic)))._tag, "TopicMissing")
      assert.strictEqual(yield* admin.createTopic({ topic, partitions: 2 }), "created")
      const second = yield* admin.describeTopic(topic)
      assert.strictEqual(second.clusterId, first.clusterId)
      assert.notStrictEqual(second.topicId, first.topicId)
      assert.deepStrictEqual((yield* admin.logRanges(topic)).map(({ end }) => end), [0n, 0n])
      yield* producer.send(topic, [record("b")])
      assert.deepStrictEqual((yield* admin.logRanges(topic)).map(({ end }) => end), [1n, 0n])
    }))

  it.scopedLive("of several that make a topic at once, one makes it", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const create = Effect.flatMap(serviceOf(Admin, FileLogAdmin.layer(root)), (admin) =>
        admin.createTopic({ topic, partitions: 1 }))
      const all = yield* Effect.all([create, create, create], { concurrency: "unbounded" })
      assert.deepStrictEqual(all.toSorted(byText), ["created", "exists", "exists"])
    }))

  it.scoped("a damaged topic file is named", () =>
    Effect.gen(function*() {
      const { admin, root } = yield* makeLog()
      writeFileSync(join(root, `${topic}.topic.json`), "{")
      const error = yield* Effect.flip(admin.describeTopic(topic))
      assert.include(error.message, `${topic}.topic.json is damaged`)
    }))
})

const byText = (a: string, b: string) => a < b ? -1 : 1

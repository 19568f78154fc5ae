import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Exit, Fiber, Mailbox, Option, TestClock } from "effect"
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeBatch } from "../../../src/domain/batchRecords.js"
import { crc32c } from "../../../src/domain/crc32c.js"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer } from "../../../src/layers/Consumer.js"
import * as FileLogAdmin from "../../../src/layers/embedded/FileLogAdmin.js"
import * as FileLogConsumer from "../../../src/layers/embedded/FileLogConsumer.js"
import * as FileLogProducer from "../../../src/layers/embedded/FileLogProducer.js"
import { gzipCodec } from "../../../src/layers/embedded/gzipCodec.js"
import { type OutgoingRecord, Producer } from "../../../src/layers/Producer.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

const topic = "dataset1"
const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes)
const record = (value: string, partition = 0): OutgoingRecord => ({ partition, key: null, value: utf8(value) })
const segment = (root: string, partition = 0) => join(root, `${topic}-${partition}`, "00000000000000000000.log")
/** One batch per value: what a producer makes of as many sends, without waiting for the disk each time. */
const writeSegment = (root: string, all: ReadonlyArray<string>, partition = 0) =>
  writeFileSync(
    segment(root, partition),
    Buffer.concat(all.map((value, index) =>
      encodeBatch([{ offset: BigInt(index), timestampMs: 0, key: null, value: utf8(value), headers: [] }])
    ))
  )
const numbered = (count: number, prefix = "v") => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** A log with one topic in a folder of its own. */
const makeLog = (partitions = 1) =>
  Effect.gen(function*() {
    const root = yield* temporaryFolder
    const admin = yield* serviceOf(Admin, FileLogAdmin.layer(root))
    const producer = yield* serviceOf(Producer, FileLogProducer.layer({ root }))
    const consumer = yield* consumerOf(root)
    yield* admin.createTopic({ topic, partitions })
    return { root, admin, producer, consumer }
  })

const consumerOf = (root: string, fetchMaxBytesPerPartition = 1_048_576) =>
  serviceOf(Consumer, FileLogConsumer.layer({ root, pollIntervalMs: 100, fetchMaxBytesPerPartition }))

/** Joins and collects what is delivered; `answer` decides for each batch. */
const joinAll = (
  consumer: Context.Tag.Service<typeof Consumer>,
  answer: (batch: FetchedBatch) => "fetch" | "pause" = () => "fetch"
) =>
  Effect.gen(function*() {
    const batches = yield* Mailbox.make<FetchedBatch>()
    const membership = yield* consumer.join({
      topic,
      group: "group-dataset1",
      onBatch: (batch) => {
        batches.unsafeOffer(batch)
        return answer(batch)
      }
    })
    const begin = (partition: number, offset: bigint) =>
      Effect.zipRight(membership.seek(partition, offset), membership.resume(partition))
    return { membership, batches, begin }
  })

const values = (batch: FetchedBatch) => batch.records.map(({ value }) => text(value))
/** Takes batches until so many records have come. */
const takeValues = (batches: Mailbox.Mailbox<FetchedBatch>, count: number) =>
  Effect.gen(function*() {
    const all: Array<string | null> = []
    while (all.length < count) all.push(...values(yield* batches.take))
    return all
  })
const waiting = (batches: Mailbox.Mailbox<FetchedBatch>) =>
  Effect.map(batches.size, (size) => Option.getOrElse(size, () => -1))

/** Lets real file operations that are under way finish, and time pass for the fiber that waits at the log's end. */
const settle = Effect.forEach(
  numbered(10),
  () => Effect.zipRight(TestClock.adjust("100 millis"), Effect.promise(() => new Promise(setImmediate))),
  { discard: true }
)

describe("file log: reading", () => {
  it.scoped("delivers what was produced, in order, from the offset that was sought", () =>
    Effect.gen(function*() {
      const { consumer, producer } = yield* makeLog()
      yield* producer.send(topic, [
        { partition: 0, key: utf8("k"), value: utf8("a"), timestampMs: 1234, headers: [["h", utf8("x")]] },
        { partition: 0, key: utf8("k"), value: null, timestampMs: 1235 }
      ])
      yield* producer.send(topic, [record("c"), record("d")])
      const { batches, begin, membership } = yield* joinAll(consumer)
      assert.deepInclude(yield* membership.events.take, { _tag: "Assigned", generation: 1, partitions: [0] })
      yield* begin(0, 1n)
      const batch = yield* batches.take
      assert.deepStrictEqual(values(batch), [null, "c", "d"])
      assert.deepStrictEqual(batch.records.map(({ offset }) => offset), [1n, 2n, 3n])
      assert.strictEqual(batch.records[0]?.timestampMs, 1235)
      assert.deepInclude(batch, { topic, partition: 0, generation: 1, fetchedOffset: 1n, nextOffset: 4n, bytes: 3 })
      // Again from the start.
      yield* membership.seek(0, 0n)
      yield* TestClock.adjust("100 millis")
      const again = yield* batches.take
      assert.deepStrictEqual(values(again), ["a", null, "c", "d"])
      assert.deepStrictEqual(again.records[0]?.headers.map(([name, value]) => [name, text(value)]), [["h", "x"]])
      assert.deepInclude(again, { fetchedOffset: 0n, nextOffset: 4n, bytes: 7 })
    }))

  it.scoped("delivers nothing before seek and resume, and nothing while paused", () =>
    Effect.gen(function*() {
      const { consumer, producer } = yield* makeLog()
      yield* producer.send(topic, [record("a")])
      const { batches, membership } = yield* joinAll(consumer, () => "pause")
      yield* membership.resume(0)
      yield* settle
      assert.strictEqual(yield* waiting(batches), 0)
      yield* membership.seek(0, 0n)
      assert.deepStrictEqual(values(yield* batches.take), ["a"])
      yield* producer.send(topic, [record("b")])
      yield* settle
      assert.strictEqual(yield* waiting(batches), 0)
      yield* membership.resume(0)
      assert.deepStrictEqual(values(yield* batches.take), ["b"])
      yield* membership.pause(0)
      yield* producer.send(topic, [record("c")])
      yield* settle
      assert.strictEqual(yield* waiting(batches), 0)
    }))

  it.scoped("at the end it waits for the poll interval and then reads on", () =>
    Effect.gen(function*() {
      const { consumer, producer } = yield* makeLog()
      const { batches, begin } = yield* joinAll(consumer)
      yield* begin(0, 0n)
      yield* settle
      for (const value of ["a", "b"]) {
        yield* producer.send(topic, [record(value)])
        const next = yield* Effect.fork(batches.take)
        yield* settle
        assert.deepStrictEqual(values(yield* Fiber.join(next)), [value])
      }
    }))

  it.scoped("a fetch is about as long as it may be, and a longer batch comes whole; batches form a chain", () =>
    Effect.gen(function*() {
      const { root } = yield* makeLog()
      const all = [...numbered(20, "short"), "long".repeat(1000), ...numbered(20, "more")]
      writeSegment(root, all)
      const consumer = yield* consumerOf(root, 300)
      const { batches, begin } = yield* joinAll(consumer)
      yield* begin(0, 0n)
      let expected = 0n
      const read: Array<string | null> = []
      while (read.length < all.length) {
        const batch = yield* batches.take
        assert.strictEqual(batch.fetchedOffset, expected)
        assert.isAtMost(batch.records.length, 4)
        expected = batch.nextOffset
        read.push(...values(batch))
      }
      assert.deepStrictEqual(read, all)
    }))

  it.scoped("partitions do not wait for one another, and timers run while they are read", () =>
    Effect.gen(function*() {
      const { root } = yield* makeLog(3)
      for (const partition of [0, 1, 2]) writeSegment(root, numbered(300), partition)
      const consumer = yield* consumerOf(root, 200)
      const { batches, begin } = yield* joinAll(consumer, ({ partition }) => partition === 1 ? "pause" : "fetch")
      let turns = 0
      const timer = setInterval(() => turns++, 0)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(timer)))
      yield* Effect.forEach([0, 1, 2], (partition) => begin(partition, 0n))
      const counts = [0, 0, 0]
      while (counts[0] !== 300 || counts[2] !== 300) {
        const batch = yield* batches.take
        counts[batch.partition] = (counts[batch.partition] ?? 0) + batch.records.length
      }
      assert.isAbove(counts[1] ?? 0, 0)
      assert.isBelow(counts[1] ?? 300, 300)
      assert.isAbove(turns, 5)
    }))

  it.scoped("control batches move the position and are never records", () =>
    Effect.gen(function*() {
      const { consumer, producer, root } = yield* makeLog()
      yield* producer.send(topic, [record("a")])
      const data = readFileSync(segment(root))
      const marker = Buffer.from(data)
      marker.writeInt16BE(0x30, 21) // transactional and control
      marker.writeBigInt64BE(1n, 0)
      marker.writeUInt32BE(crc32c(marker, 21), 17)
      appendFileSync(segment(root), marker)
      const { batches, begin } = yield* joinAll(consumer, () => "pause")
      yield* begin(0, 1n)
      assert.deepInclude(yield* batches.take, { fetchedOffset: 1n, nextOffset: 2n, records: [], bytes: 0 })
    }))

  it.scoped("a damaged batch stops its partition; what stands before it is delivered", () =>
    Effect.gen(function*() {
      const { consumer, producer, root } = yield* makeLog(2)
      yield* producer.send(topic, [record("a")])
      const { size } = statSync(segment(root))
      yield* producer.send(topic, [record("damaged")])
      yield* producer.send(topic, [record("c"), record("other", 1)])
      const bytes = readFileSync(segment(root))
      bytes[size + 70] = (bytes[size + 70] ?? 0) ^ 1
      writeFileSync(segment(root), bytes)
      const { batches, begin } = yield* joinAll(consumer)
      yield* begin(0, 0n)
      assert.deepStrictEqual(values(yield* batches.take), ["a"])
      yield* settle
      assert.strictEqual(yield* waiting(batches), 0)
      yield* begin(1, 0n)
      assert.deepStrictEqual(values(yield* batches.take), ["other"])
      // Nobody may append behind the damage, and nobody may cut it: acknowledged records follow.
      const fresh = yield* serviceOf(Producer, FileLogProducer.layer({ root }))
      const error = yield* Effect.flip(fresh.send(topic, [record("d")]))
      assert.include(error.message, `corrupt at byte ${size}`)
      // Once repaired it goes on.
      bytes[size + 70] = (bytes[size + 70] ?? 0) ^ 1
      writeFileSync(segment(root), bytes)
      const next = yield* Effect.fork(takeValues(batches, 2))
      yield* settle
      assert.deepStrictEqual(yield* Fiber.join(next), ["damaged", "c"])
    }))
})

// A consumer's handle outlives the topic: what was read before cannot be told from another life of it.
it.scoped("a log that becomes shorter stops its reader; it starts over only where it is told to", () =>
  Effect.gen(function*() {
    const { consumer, producer, root } = yield* makeLog()
    yield* producer.send(topic, [record("a"), record("b")])
    const { batches, begin } = yield* joinAll(consumer)
    yield* begin(0, 0n)
    assert.deepStrictEqual(values(yield* batches.take), ["a", "b"])
    writeSegment(root, ["c"])
    yield* settle
    assert.strictEqual(yield* waiting(batches), 0)
    yield* begin(0, 0n)
    const next = yield* Effect.fork(batches.take)
    yield* settle
    assert.deepStrictEqual(values(yield* Fiber.join(next)), ["c"])
  }))

describe("file log: one consuming process", () => {
  it.scoped("refuses a second consumer on the folder, names the holder, and lets producers be", () =>
    Effect.gen(function*() {
      const { consumer, producer, root } = yield* makeLog()
      const other = yield* consumerOf(root)
      // Several memberships of one process share the lock.
      yield* joinAll(consumer)
      const held = Effect.scoped(joinAll(consumer))
      yield* held
      const error = yield* Effect.flip(Effect.scoped(joinAll(other)))
      assert(error._tag === "KafkaRefused")
      assert.strictEqual(error.what, `another consumer (pid ${process.pid}) reads the embedded log ${root}`)
      yield* producer.send(topic, [record("a")])
    }))

  it.scoped("leaves the folder when the last membership's scope closes", () =>
    Effect.gen(function*() {
      const { consumer, root } = yield* makeLog()
      const other = yield* consumerOf(root)
      yield* Effect.scoped(joinAll(consumer))
      yield* joinAll(other)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.scoped(joinAll(consumer)))))
    }))

  it.scoped("confirms at once and remembers commits of its partitions, for lag tools", () =>
    Effect.gen(function*() {
      const { admin, consumer } = yield* makeLog()
      assert.strictEqual((yield* admin.committedOffsets("group-dataset1", topic)).size, 0)
      const { membership } = yield* joinAll(consumer)
      yield* membership.confirmed
      yield* membership.commit([{ partition: 0, offset: 5n }, { partition: 9, offset: 1n }, {
        partition: 0,
        offset: -1n
      }])
      assert.deepStrictEqual([...(yield* admin.committedOffsets("group-dataset1", topic))], [[0, 5n]])
    }))

  it.scoped("a topic that does not exist is refused", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const error = yield* Effect.flip(Effect.flatMap(consumerOf(root), joinAll))
      assert.include(error.message, "topic dataset1 does not exist")
    }))
})

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
        const read = yield* Effect.fork(takeValues(batches, 2))
        yield* settle
        assert.deepStrictEqual(yield* Fiber.join(read), ["a", `after ${kept}`])
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

import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope, TestClock } from "effect"
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { crc32c } from "../../../src/domain/crc32c.js"
import * as FileLogProducer from "../../../src/layers/embedded/FileLogProducer.js"
import { Producer } from "../../../src/layers/Producer.js"
import {
  consumerOf,
  inTime,
  joinAll,
  makeLog,
  numbered,
  record,
  segment,
  settle,
  takeValues,
  text,
  topic,
  utf8,
  values,
  waiting,
  writeSegment
} from "./logFixture.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

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
        assert.deepStrictEqual(values(yield* inTime(batches.take)), [value])
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
      assert.deepStrictEqual(yield* inTime(takeValues(batches, 2)), ["damaged", "c"])
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
    assert.deepStrictEqual(values(yield* inTime(batches.take)), ["c"])
  }))

describe("file log: one consuming process", () => {
  it.scoped("refuses a second consumer on the folder, names the holder, and lets producers be", () =>
    Effect.gen(function*() {
      const { consumer, producer, root } = yield* makeLog()
      const other = yield* consumerOf(root)
      // Several memberships of one process share the lock.
      yield* joinAll(consumer)
      yield* Effect.scoped(consumer.join({ topic, group: "another", onBatch: () => "pause" }))
      const error = yield* Effect.flip(Effect.scoped(joinAll(other)))
      assert(error._tag === "KafkaRefused")
      assert.strictEqual(error.what, `another consumer (pid ${process.pid}) reads the embedded log ${root}`)
      yield* producer.send(topic, [record("a")])
    }))

  it.scoped("refuses a second member of a group on a topic, which would read everything again, until the first has left", () =>
    Effect.gen(function*() {
      const { consumer } = yield* makeLog()
      const first = yield* Scope.make()
      yield* Scope.extend(joinAll(consumer), first)
      assert.match((yield* Effect.flip(joinAll(consumer))).message, /already reads/)
      yield* Scope.close(first, Exit.void)
      yield* joinAll(consumer)
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
      yield* membership.commit([{ partition: 0, offset: 5n }])
      const failed = yield* Effect.flip(membership.commit([{ partition: 0, offset: 6n }, { partition: 9, offset: 1n }]))
      assert.strictEqual(failed.kind, "fenced")
      assert.deepStrictEqual([...(yield* admin.committedOffsets("group-dataset1", topic))], [[0, 5n]])
    }))

  it.scoped("a commit keeps what was committed for other partitions, also by an earlier process", () =>
    Effect.gen(function*() {
      const { admin, root } = yield* makeLog(2)
      for (const [partition, offset] of [[0, 5n], [1, 7n]] as const) {
        const consumer = yield* consumerOf(root)
        yield* Effect.scoped(
          Effect.flatMap(joinAll(consumer), ({ membership }) => membership.commit([{ partition, offset }]))
        )
      }
      assert.deepStrictEqual([...(yield* admin.committedOffsets("group-dataset1", topic))], [[0, 5n], [1, 7n]])
    }))

  it.scoped("a topic that does not exist is refused", () =>
    Effect.gen(function*() {
      const root = yield* temporaryFolder
      const error = yield* Effect.flip(Effect.flatMap(consumerOf(root), joinAll))
      assert.include(error.message, "topic dataset1 does not exist")
    }))
})

import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { describe } from "vitest"
import { encodeBatch } from "../../../src/domain/batchRecords.js"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import { readBatchHeader } from "../../../src/domain/recordBatch.js"
import * as KafkaProducer from "../../../src/layers/kafka/KafkaProducer.js"
import { makeLanes } from "../../../src/layers/kafka/lanes.js"
import { batchBytesMax, choosePartition, intoBatches } from "../../../src/layers/kafka/partitioning.js"
import { encodeIdentity } from "../../../src/layers/kafka/producerIdentity.js"
import { decodeProduce, encodeProduce } from "../../../src/layers/kafka/produceRequest.js"
import type { OutgoingRecord } from "../../../src/layers/Producer.js"

const record = (value: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  key: null,
  value: Buffer.from(value),
  ...more
})

/** Bytes in hexadecimal, spaces between the fields. */
const plain = (spaced: string) => spaced.replaceAll(" ", "")

describe("the partition of a record", () => {
  const layout = { count: 4, withLeader: [0, 1, 3] }
  const choose = (records: ReadonlyArray<OutgoingRecord>, from = layout) => {
    const turn = { next: 0 }
    return records.map((each) => choosePartition(each, from, turn))
  }

  it("is the one that it names, else that of its key, led or not", () => {
    const key = Buffer.from("customer-17")
    assert.deepStrictEqual(choose([record("a", { partition: 2, key })]), [2])
    assert.deepStrictEqual(choose([record("a", { key })]), [partitionOfKey(key, 4)])
  })

  it("is the next one that has a leader, without a key; the next one of all where none has", () => {
    const five = Array.from({ length: 5 }, () => record("a"))
    assert.deepStrictEqual(choose(five), [0, 1, 3, 0, 1])
    assert.deepStrictEqual(choose(five, { count: 4, withLeader: [] }), [0, 1, 2, 3, 0])
  })
})

describe("batches", () => {
  it("keep the order of each partition, and are cut where they would become too large", () => {
    const large = "x".repeat(batchBytesMax / 2 - 80)
    const records = [record(large), record("small"), record(large), record("last")]
    const [only] = intoBatches(records, () => 7, 0)
    assert.strictEqual(only?.partition, 7)
    const lengths = only?.batches.map((batch) => batch.map(({ offset, value }) => [offset, value?.length]))
    assert.deepStrictEqual(lengths, [[[0n, large.length], [1n, 5]], [[0n, large.length], [1n, 4]]])
  })

  it("take a record alone that is larger than a batch", () => {
    const [only] = intoBatches([record("a"), record("x".repeat(batchBytesMax * 2)), record("b")], () => 0, 0)
    assert.deepStrictEqual(only?.batches.map(({ length }) => length), [1, 1, 1])
  })

  it("carry the time of the record, or of now", () => {
    const [only] = intoBatches([record("a", { timestampMs: 5 }), record("b")], () => 0, 9)
    assert.deepStrictEqual(only?.batches[0]?.map(({ timestampMs }) => timestampMs), [5, 9])
  })
})

describe("on the wire", () => {
  it("a batch has the stamp of its producer", () => {
    const stamp = { producerId: 12_345_678_901n, producerEpoch: 7, baseSequence: 99, transactional: true }
    const batch = encodeBatch([{ offset: 0n, timestampMs: 1, key: null, value: null, headers: [] }], undefined, stamp)
    const header = readBatchHeader(batch, 0, 0)
    assert.deepInclude(header._tag === "Right" ? header.right : {}, { ...stamp, control: false })
  })

  it("a Produce request is as the protocol says, version 7", () => {
    const request = { topic: "tö", partition: 3, batch: Buffer.of(1, 2, 3), acks: -1, timeoutMs: 15_000 } as const
    const rest = plain("ffff 00003a98 00000001 000374c3b6 00000001 00000003 00000003010203")
    assert.strictEqual(encodeProduce({ ...request, transactionalId: undefined }).toString("hex"), `ffff${rest}`)
    assert.strictEqual(encodeProduce({ ...request, transactionalId: "id" }).toString("hex"), `00026964${rest}`)
  })

  it("its answer tells error and offset", () => {
    const answer = plain("00000001 000374c3b6 00000001 00000003 002d 00000000000000ff")
    assert.deepStrictEqual(decodeProduce(Buffer.from(answer, "hex")), { errorCode: 45, baseOffset: 255n })
  })

  it("an InitProducerId request names the current epoch from version 3 on", () => {
    const current = { producerId: 5n, producerEpoch: 2 }
    const transaction = { transactionalId: "id", timeoutMs: 60_000, current }
    assert.strictEqual(encodeIdentity(2, undefined).toString("hex"), plain("00 00 00000000 00"))
    assert.strictEqual(encodeIdentity(4, undefined).toString("hex"), plain(`00 00 00000000 ${"f".repeat(20)} 00`))
    const named = plain("00 03 6964 0000ea60 0000000000000005 0002 00")
    assert.strictEqual(encodeIdentity(3, transaction).toString("hex"), named)
  })
})

describe("lanes", () => {
  it.effect("run one after the other what enters the same one, in the order of entry, and side by side what does not", () =>
    Effect.scoped(Effect.gen(function*() {
      const { enter } = yield* makeLanes
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const note = (text: string) => Effect.sync(() => void log.push(text))
      const held = yield* enter("a", Effect.zipRight(Deferred.await(gate), note("a1")))
      const failed = yield* enter("a", Effect.zipRight(note("a2"), Effect.fail("refused")))
      const last = yield* enter("a", note("a3"))
      yield* yield* enter("b", note("b1"))
      yield* Deferred.succeed(gate, undefined)
      yield* held
      assert.strictEqual(yield* Effect.flip(failed), "refused")
      yield* last
      assert.deepStrictEqual(log, ["b1", "a1", "a2", "a3"])
    })))

  it.effect("who stops waiting stops neither the work nor those behind", () =>
    Effect.scoped(Effect.gen(function*() {
      const { enter } = yield* makeLanes
      const log: Array<number> = []
      const gate = yield* Deferred.make<void>()
      const first = yield* enter("a", Effect.zipRight(Deferred.await(gate), Effect.sync(() => void log.push(1))))
      const second = yield* enter("a", Effect.sync(() => void log.push(2)))
      const waiting = yield* Effect.fork(first)
      yield* Fiber.interrupt(waiting)
      assert.isEmpty(log)
      yield* Deferred.succeed(gate, undefined)
      yield* second
      assert.deepStrictEqual(log, [1, 2])
    })))

  it.effect("closing ends what runs and what waits", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { enter } = yield* Scope.extend(makeLanes, scope)
      const log: Array<number> = []
      const running = yield* enter("a", Effect.never)
      const waiting = yield* enter("a", Effect.sync(() => void log.push(1)))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(running)))
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(waiting)))
      assert.isEmpty(log)
    }))
})

it.effect("idempotence without acks=all is refused before anything is connected", () =>
  Effect.gen(function*() {
    const options = { brokers: ["127.0.0.1:1"], clientId: "test", compression: "none", acks: 1 } as const
    const error = yield* Effect.flip(Effect.scoped(Layer.build(KafkaProducer.layer(options))))
    assert.strictEqual(
      error.message,
      "an idempotent producer needs acks=all, not acks=1; ask for acks=all, or turn idempotence off"
    )
    yield* Effect.scoped(Layer.build(KafkaProducer.layer({ ...options, idempotent: false })))
  }))

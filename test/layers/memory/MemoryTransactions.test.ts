import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { startProcess } from "../../../src/layers/memory/MemoryProcess.js"
import { Transactions } from "../../../src/layers/Transactions.js"
import { bytes, inKafka, startReader } from "./reader.js"

const values = (...texts: ReadonlyArray<string>) => texts.map((text) => ({ key: null, value: bytes(text) }))
const open = (transactionalId = "tx", timeoutMs = 60_000) =>
  Effect.flatMap(Transactions, (transactions) => transactions.open({ transactionalId, timeoutMs }))
const withTopic = Effect.tap(MemoryKafka, (kafka) => kafka.createTopic("t", 1))
const range = Effect.flatMap(Admin, (admin) => admin.logRanges("t"))
const soon = Effect.sleep(100)

describe("transactions in memory", () => {
  it("what is open is read at once at read_uncommitted, and at read_committed only when it is committed", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic
      const committed = yield* startReader()
      const uncommitted = yield* startReader({ group: "other", isolation: "read_uncommitted" })
      const producer = yield* open()
      yield* producer.send("t", values("a"))
      yield* producer.send("t", values("b"))
      yield* soon
      assert.deepStrictEqual(uncommitted.read, ["0@0 a", "0@1 b"])
      assert.deepStrictEqual(committed.read, [])
      assert.deepStrictEqual(yield* range, [{ partition: 0, low: 0n, lastStable: 0n, end: 2n }])
      yield* producer.commit
      yield* soon
      assert.deepStrictEqual(committed.read, ["0@0 a", "0@1 b"])
      assert.deepStrictEqual(
        yield* range,
        [{ partition: 0, low: 0n, lastStable: 3n, end: 3n }],
        "the marker has an offset"
      )
    })))

  it("what is aborted is never read at read_committed, and neither hides what others have committed for ever", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic
      const [first, second] = [yield* open("first"), yield* open("second")]
      yield* first.send("t", values("a"))
      yield* second.send("t", values("b"))
      yield* second.commit
      const committed = yield* startReader()
      yield* soon
      assert.deepStrictEqual(committed.read, [], "the first transaction holds back the last stable offset")
      yield* first.abort
      yield* soon
      assert.deepStrictEqual(committed.read, ["0@1 b"])
      assert.deepStrictEqual(
        kafka.log("t", 0).items.map((item) =>
          item.kind === "hidden" ? item.kind : `${item.kind} ${item.transaction?.producerId}`
        ),
        ["record 1000", "record 1001", "COMMIT 1001", "ABORT 1000"]
      )
    })))

  it("consumed offsets are committed with the records, or not at all", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic
      const admin = yield* Admin
      const producer = yield* open()
      const take = (offset: bigint) =>
        Effect.zipRight(producer.send("t", values("a")), producer.sendOffsets("g", "t", [{ partition: 0, offset }]))
      yield* take(5n)
      assert.deepStrictEqual(yield* admin.committedOffsets("g", "t"), new Map())
      yield* producer.abort
      assert.deepStrictEqual(yield* admin.committedOffsets("g", "t"), new Map())
      yield* take(5n)
      yield* producer.commit
      assert.deepStrictEqual(yield* admin.committedOffsets("g", "t"), new Map([[0, 5n]]))
    })))

  it("opening the id again fences the older producer and aborts what it left, after kill -9: COMMIT, ABORT, COMMIT", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic
      const zombie = yield* open()
      yield* zombie.send("t", values("a"))
      yield* zombie.commit
      const killed = yield* startProcess(Effect.scoped(Effect.gen(function*() {
        const producer = yield* open()
        yield* producer.send("t", values("b"))
        return yield* Effect.never
      })))
      yield* soon
      yield* killed.kill
      const producer = yield* open()
      assert.deepStrictEqual((yield* range)[0]?.lastStable, 4n, "aborted when it is open again")
      yield* producer.send("t", values("b"))
      for (
        const call of [zombie.send("t", values("c")), zombie.sendOffsets("g", "t", []), zombie.commit, zombie.abort]
      ) {
        assert.strictEqual((yield* Effect.flip(call))._tag, "ProducerFenced")
      }
      yield* producer.commit
      const { items } = kafka.log("t", 0)
      assert.deepStrictEqual(items.map(({ kind }) => kind), ["record", "COMMIT", "record", "ABORT", "record", "COMMIT"])
      const epochs = items.map((item) => item.kind === "hidden" ? undefined : item.transaction?.producerEpoch)
      assert.deepStrictEqual(epochs, [0, 0, 1, 1, 2, 2])
    })))

  it("the coordinator aborts what is open for too long, and fences who left it", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic
      const producer = yield* open("tx", 30_000)
      yield* producer.send("t", values("a"))
      yield* Effect.sleep(29_000)
      yield* producer.commit
      yield* producer.send("t", values("b"))
      yield* Effect.sleep(29_000)
      assert.strictEqual((yield* range)[0]?.lastStable, 2n, "each transaction has its own time")
      yield* Effect.sleep(2000)
      assert.strictEqual((yield* range)[0]?.lastStable, 4n)
      assert.strictEqual((yield* Effect.flip(producer.commit))._tag, "ProducerFenced")
    })))

  it("closing the scope aborts what is open; a time-out above the broker's maximum is refused", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic
      yield* Effect.scoped(Effect.flatMap(open(), (producer) => producer.send("t", values("a"))))
      assert.deepStrictEqual(kafka.log("t", 0).items.map(({ kind }) => kind), ["record", "ABORT"])
      assert.strictEqual((yield* Effect.flip(open("tx", 900_001)))._tag, "KafkaRefused")
    })))
})

import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import { answerLost, delayed, fates, requestLost } from "../../../src/layers/memory/Fate.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { type OutgoingRecord, Producer } from "../../../src/layers/Producer.js"
import { bytes, inKafka, textOf } from "./reader.js"

const record = (text: string, key: string | null = null): OutgoingRecord => ({
  key: key === null ? null : bytes(key),
  value: bytes(text)
})

/** The values of each partition. */
const stored = Effect.map(
  MemoryKafka,
  (kafka) => kafka.topics.get("t")?.logs.map((log) => log.records().map(({ value }) => textOf(value)).join()) ?? []
)

const withTopic = (partitions: number) => Effect.tap(MemoryKafka, (kafka) => kafka.createTopic("t", partitions))

describe("the producer in memory", () => {
  it("puts a key where the Java client would, a record without one on the next partition, and a given one there", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(3)
      const { send } = yield* Producer
      const keyed = partitionOfKey(bytes("alice"), 3)
      assert.deepStrictEqual(yield* send("t", [record("k1", "alice"), record("k2", "alice")]), [
        { partition: keyed, baseOffset: 0n, count: 2 }
      ])
      yield* send("t", ["a", "b", "c", "d"].map((text) => record(text)))
      yield* send("t", [{ ...record("given"), partition: 2 }])
      const expected = ["a,d", "b", "c,given"].map((text, partition) => partition === keyed ? `k1,k2,${text}` : text)
      assert.deepStrictEqual(yield* stored, expected)
    })))

  it("stamps records with the time of the clock unless they bring their own", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic(1)
      const { send } = yield* Producer
      yield* Effect.sleep("2 hours")
      yield* send("t", [record("now"), { ...record("own"), timestampMs: 5 }])
      assert.deepStrictEqual(kafka.log("t", 0).records().map(({ timestampMs }) => timestampMs), [7_200_000, 5])
    })))

  it("refuses a topic and a partition that are not there", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(2)
      const { send } = yield* Producer
      const missing = yield* Effect.flip(send("nowhere", [record("a")]))
      const beyond = yield* Effect.flip(send("t", [record("a"), { ...record("b"), partition: 2 }]))
      assert.deepStrictEqual([missing._tag, beyond._tag], ["KafkaRefused", "KafkaRefused"])
      assert.deepStrictEqual(yield* stored, ["", ""])
    })))

  it("a lost answer looks like a lost request: who sends again has the record twice", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic(1)
      const { send } = yield* Producer
      kafka.sendFate = fates(requestLost(500), answerLost(500))
      const sending = yield* Effect.exit(Effect.retry(send("t", [record("a")]), { times: 10 }))
      assert.isTrue(sending._tag === "Success")
      assert.deepStrictEqual(yield* stored, ["a,a"])
      assert.strictEqual(yield* Clock.currentTimeMillis, 1000)
    })))

  it("keeps the order of sends that overlap, also when the first takes longer", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic(1)
      const { send } = yield* Producer
      kafka.sendFate = fates(delayed(900), delayed(10))
      const first = yield* Effect.fork(send("t", [record("first")]))
      yield* Effect.sleep(1)
      yield* send("t", [record("second")])
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* stored, ["first,second"])
    })))
})

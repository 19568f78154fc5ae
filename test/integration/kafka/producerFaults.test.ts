import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import type * as Net from "node:net"
import { afterAll, beforeAll, vi } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import * as KafkaProducer from "../../../src/layers/kafka/KafkaProducer.js"
import * as KafkaTransactions from "../../../src/layers/kafka/KafkaTransactions.js"
import { Producer } from "../../../src/layers/Producer.js"
import { Transactions } from "../../../src/layers/Transactions.js"
import { describeWith } from "../../servers/index.js"
import { api, type CuttingProxy, type Fault, startDetour } from "./cuttingProxy.js"
import { freshTopic, keyed, layersOf, optionsOf, readAll, textOf, uniqueName } from "./support.js"

const values = (from: number, count: number) => Array.from({ length: count }, (_, index) => `v${from + index}`)
const faults: ReadonlyArray<Fault> = ["cut-after", "cut-before"]
/** One request in five fails, in one of the two ways in turn. */
const oneInFive = (request: number): Fault => request % 5 === 4 ? faults[((request - 4) / 5) % 2] ?? "none" : "none"

const first = (fault: Fault) => (request: number): Fault => request === 0 ? fault : "none"

vi.mock("node:net", async (original) => {
  const { detoured } = await import("./detour.js")
  return detoured(await original<typeof Net>())
})

describeWith(["kafka"], "a broker behind connections that are cut", (servers) => {
  let proxy: CuttingProxy
  beforeAll(async () => {
    proxy = await startDetour(servers.kafka)
  })
  afterAll(() => proxy.close())

  /** What goes wrong is decided in the test; the readers and the administrator go the same way. */
  const layers = (options: Partial<KafkaProducer.KafkaProducerOptions> = {}) =>
    Layer.unwrapEffect(Effect.sync(() => {
      proxy.decide(() => "none")
      const sending = { ...optionsOf(servers.kafka), compression: "none", retryBackoffMs: 5, ...options } as const
      return Layer.mergeAll(layersOf(servers.kafka), KafkaProducer.layer(sending), KafkaTransactions.layer(sending))
    }))

  it.live("nothing is lost, repeated or put in another order while sends overlap", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const sends = 100
      const { send } = yield* Producer
      proxy.decide(oneInFive)
      const fibers = yield* Effect.forEach(
        Array.from({ length: sends }),
        (_, index) => Effect.fork(send(topic, keyed(index * 3, 3)))
      )
      const answers = yield* Effect.forEach(fibers, Fiber.join)
      const requests = proxy.requests()
      proxy.decide(() => "none")
      const [range] = yield* (yield* Admin).logRanges(topic)
      assert.strictEqual(range?.end, BigInt(sends * 3))
      const { records } = yield* readAll(topic, BigInt(sends * 3))
      assert.deepStrictEqual(records.map(textOf), values(0, sends * 3))
      assert.deepStrictEqual(
        answers.flat().map(({ baseOffset }) => baseOffset),
        Array.from({ length: sends }, (_, index) => BigInt(index * 3))
      )
      // The test has cut what it was to cut: of five requests one, and each send has come through.
      assert.isAtLeast(requests, sends + sends / 5)
    }).pipe(Effect.provide(layers())))

  it.live("a producer that is not idempotent keeps the order; what it sends again may be there twice", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      proxy.decide((request) => request === 1 ? "cut-after" : "none")
      const fibers = yield* Effect.forEach([0, 1, 2], (index) => Effect.fork(send(topic, keyed(index, 1))))
      yield* Effect.forEach(fibers, Fiber.join)
      const { records } = yield* readAll(topic, 4n)
      assert.deepStrictEqual(records.map(textOf), ["v0", "v1", "v1", "v2"])
    }).pipe(Effect.provide(layers({ idempotent: false, acks: 1 }))))

  it.live("when the retries are used up the error is returned, with its cause", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      proxy.decide(() => "cut-before")
      const error = yield* Effect.flip(send(topic, keyed(0, 1)))
      assert.strictEqual(error._tag, "KafkaUnavailable")
      assert.instanceOf(error.cause, Error)
      assert.strictEqual(proxy.requests(), 3)
    }).pipe(Effect.provide(layers({ retries: 2 }))))

  it.live("the next batch is not taken for one whose answer was lost and that was given up", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      yield* send(topic, keyed(0, 1))
      proxy.decide(first("cut-after"))
      yield* Effect.flip(send(topic, keyed(1, 1)))
      assert.deepStrictEqual(yield* send(topic, keyed(2, 1)), [{ partition: 0, baseOffset: 2n, count: 1 }])
      const { records } = yield* readAll(topic, 3n)
      assert.deepStrictEqual(records.map(textOf), ["v0", "v1", "v2"])
    }).pipe(Effect.provide(layers({ retries: 0 }))))

  it.live("a connection that goes dead without a word is given up; the batch goes over a new one, once", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const { send } = yield* Producer
      yield* send(topic, keyed(0, 1))
      proxy.decide(first("swallow-answer"))
      yield* send(topic, keyed(1, 1))
      yield* send(topic, keyed(2, 1))
      const { records } = yield* readAll(topic, 3n)
      assert.deepStrictEqual(records.map(textOf), ["v0", "v1", "v2"])
    }).pipe(Effect.provide(layers({ requestTimeoutMs: 4000 }))))

  it.live("a transaction has each of its records once, although connections are cut", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const transactions = yield* Transactions
      const producer = yield* transactions.open({ transactionalId: uniqueName("tx"), timeoutMs: 60_000 })
      proxy.decide(oneInFive)
      yield* Effect.forEach(Array.from({ length: 30 }), (_, index) => producer.send(topic, keyed(index, 1)))
      yield* producer.commit
      proxy.decide(() => "none")
      const { records } = yield* readAll(topic, 31n)
      assert.deepStrictEqual(records.map(textOf), values(0, 30))
    })).pipe(Effect.provide(layers())))

  it.live("after a send whose fate is unknown an abort hides it, and the producer goes on", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const transactions = yield* Transactions
      const producer = yield* transactions.open({ transactionalId: uniqueName("tx"), timeoutMs: 60_000 })
      yield* producer.send(topic, keyed(0, 1))
      proxy.decide(first("cut-after"))
      yield* Effect.flip(producer.send(topic, keyed(1, 1)))
      yield* producer.abort
      yield* producer.send(topic, keyed(2, 1))
      yield* producer.commit
      const { records } = yield* readAll(topic, 5n)
      assert.deepStrictEqual(records.map(textOf), ["v2"])
    })).pipe(Effect.provide(layers({ retries: 0 }))))

  it.live("a transaction whose beginning got lost can be aborted, and the producer goes on", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const transactions = yield* Transactions
      const producer = yield* transactions.open({ transactionalId: uniqueName("tx"), timeoutMs: 60_000 })
      proxy.decide(first("cut-before"), api.addPartitionsToTxn)
      yield* Effect.flip(producer.send(topic, keyed(0, 1)))
      yield* producer.abort
      assert.deepStrictEqual(yield* producer.send(topic, keyed(1, 1)), [{ partition: 0, baseOffset: 0n, count: 1 }])
      yield* producer.commit
    })).pipe(Effect.provide(layers({ retries: 0 }))))

  it.live("a commit whose answer is lost is asked for again, and is one commit", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const transactions = yield* Transactions
      const producer = yield* transactions.open({ transactionalId: uniqueName("tx"), timeoutMs: 60_000 })
      yield* producer.send(topic, keyed(0, 1))
      proxy.decide(first("cut-after"), api.endTxn)
      yield* producer.commit
      yield* producer.send(topic, keyed(1, 1))
      yield* producer.commit
      const { records } = yield* readAll(topic, 4n)
      assert.deepStrictEqual(records.map(textOf), ["v0", "v1"])
    })).pipe(Effect.provide(layers())))

  it.live("a commit that is not known leaves nothing to be done but to open the id again, which settles it", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const transactions = yield* Transactions
      const transactionalId = uniqueName("tx")
      const producer = yield* transactions.open({ transactionalId, timeoutMs: 60_000 })
      yield* producer.send(topic, keyed(0, 1))
      proxy.decide(first("cut-after"), api.endTxn)
      assert.strictEqual((yield* Effect.flip(producer.commit))._tag, "KafkaUnavailable")
      for (const next of [producer.abort, producer.commit, producer.send(topic, keyed(1, 1))]) {
        assert.match((yield* Effect.flip(Effect.asVoid(next))).message, /open the transactional id again/)
      }
      yield* transactions.open({ transactionalId, timeoutMs: 60_000 })
      const { records } = yield* readAll(topic, 2n)
      assert.deepStrictEqual(records.map(textOf), ["v0"])
    })).pipe(Effect.provide(layers({ retries: 0 }))))
})

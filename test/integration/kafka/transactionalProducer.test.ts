import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Schedule, Scope } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import * as KafkaTransactions from "../../../src/layers/kafka/KafkaTransactions.js"
import { type TransactionError, Transactions } from "../../../src/layers/Transactions.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, keyed, layersOf, member, optionsOf, textOf, uniqueName } from "./support.js"

const values = (from: number, count: number) => Array.from({ length: count }, (_, index) => `v${from + index}`)

/** What a reader sees of partition 0 up to `end`. */
const seen = (topic: string, end: bigint, isolation: "read_committed" | "read_uncommitted" = "read_committed") =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* member(topic, uniqueName("group"), () => "fetch", { isolation })
    yield* reader.assigned
    yield* reader.readFrom(0, 0n)
    return (yield* reader.takeUntil(end)).flatMap(({ records }) => records.map(textOf))
  }))

/** Until the log of partition 0 is that long and nothing in it is open: markers are written a little after the end. */
const settled = (topic: string, end: bigint) =>
  Effect.flatMap(Admin, (admin) => admin.logRanges(topic)).pipe(Effect.repeat({
    until: ([range]) => range?.lastStable === end && range.end === end,
    schedule: Schedule.spaced("20 millis")
  }))

const open = (transactionalId: string, timeoutMs = 60_000) =>
  Effect.flatMap(Transactions, (transactions) => transactions.open({ transactionalId, timeoutMs }))

/** As a process that is killed: what it has open is never ended by itself. */
const abandoned = (transactionalId: string) =>
  Effect.flatMap(Scope.make(), (scope) => Scope.extend(open(transactionalId), scope))

const tagOf = <A>(effect: Effect.Effect<A, TransactionError>) => Effect.map(Effect.flip(effect), ({ _tag }) => _tag)

describeWith(["kafka"], "transactions of our own", (servers) => {
  const live = Layer.merge(
    layersOf(servers.kafka),
    KafkaTransactions.layer({ ...optionsOf(servers.kafka), compression: "none" })
  )

  it.live("records are seen at once uncommitted, after the commit committed, and never committed after an abort", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* open(uniqueName("tx"))
      assert.deepStrictEqual(yield* producer.send(topic, keyed(0, 2)), [{ partition: 0, baseOffset: 0n, count: 2 }])
      assert.deepStrictEqual(yield* producer.send(topic, keyed(2, 2)), [{ partition: 0, baseOffset: 2n, count: 2 }])
      assert.deepStrictEqual(yield* seen(topic, 4n, "read_uncommitted"), values(0, 4))
      yield* producer.commit
      yield* producer.send(topic, keyed(4, 1))
      yield* producer.abort
      assert.deepStrictEqual(yield* producer.send(topic, keyed(5, 1)), [{ partition: 0, baseOffset: 7n, count: 1 }])
      yield* producer.commit
      yield* settled(topic, 9n)
      assert.deepStrictEqual(yield* seen(topic, 9n), [...values(0, 4), "v5"])
      assert.deepStrictEqual(yield* seen(topic, 9n, "read_uncommitted"), values(0, 6))
      // Neither has anything to end.
      yield* producer.commit
      yield* producer.abort
      const [range] = yield* (yield* Admin).logRanges(topic)
      assert.strictEqual(range?.end, 9n)
    })).pipe(Effect.provide(live)))

  it.live("the group's offsets are committed with the transaction, and not at all by one that is aborted", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      const group = uniqueName("group")
      const { committedOffsets } = yield* Admin
      const producer = yield* open(uniqueName("tx"))
      yield* producer.sendOffsets(group, topic, [{ partition: 0, offset: 7n }, { partition: 1, offset: 3n }])
      yield* producer.commit
      // The coordinator tells a commit when it is decided; the group hears of it a moment later.
      const committed: Effect.Effect<ReadonlyMap<number, bigint>, unknown> = Effect.flatMap(
        committedOffsets(group, topic),
        (offsets) => offsets.size === 0 ? Effect.delay(committed, "20 millis") : Effect.succeed(offsets)
      )
      assert.deepStrictEqual(yield* committed, new Map([[0, 7n], [1, 3n]]))
      yield* producer.send(topic, keyed(0, 1))
      yield* producer.sendOffsets(group, topic, [{ partition: 0, offset: 8n }])
      yield* producer.abort
      yield* settled(topic, 2n)
      assert.deepStrictEqual(yield* committedOffsets(group, topic), new Map([[0, 7n], [1, 3n]]))
    })).pipe(Effect.provide(live)))

  it.live("the second producer of an id aborts what the first has open; the first can do nothing more", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const id = uniqueName("tx")
      const zombie = yield* open(id)
      yield* zombie.send(topic, keyed(0, 2))
      const successor = yield* open(id)
      yield* settled(topic, 3n)
      assert.strictEqual(yield* tagOf(zombie.send(topic, keyed(0, 1))), "ProducerFenced")
      assert.strictEqual(yield* tagOf(zombie.commit), "KafkaRefused")
      assert.strictEqual(yield* tagOf(zombie.abort), "ProducerFenced")
      yield* successor.send(topic, keyed(2, 2))
      yield* successor.commit
      yield* settled(topic, 6n)
      assert.deepStrictEqual(yield* seen(topic, 6n), values(2, 2))
    })).pipe(Effect.provide(live)))

  it.live("a zombie that has sent all cannot commit any more", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const id = uniqueName("tx")
      const zombie = yield* open(id)
      yield* zombie.send(topic, keyed(0, 2))
      yield* open(id)
      assert.strictEqual(yield* tagOf(zombie.commit), "ProducerFenced")
      yield* settled(topic, 3n)
      assert.deepStrictEqual(yield* seen(topic, 3n), [])
    })).pipe(Effect.provide(live)))

  it.live("what a killed process left open is aborted when its id is opened again", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const group = uniqueName("group")
      const id = uniqueName("tx")
      const killed = yield* abandoned(id)
      yield* killed.send(topic, keyed(0, 3))
      yield* killed.sendOffsets(group, topic, [{ partition: 0, offset: 3n }])
      const again = yield* open(id)
      yield* again.send(topic, keyed(0, 3))
      yield* again.commit
      yield* settled(topic, 8n)
      assert.deepStrictEqual(yield* seen(topic, 8n), values(0, 3))
      assert.deepStrictEqual(yield* (yield* Admin).committedOffsets(group, topic), new Map())
    })).pipe(Effect.provide(live)))

  it.live("closing the scope aborts what is open", () =>
    Effect.gen(function*() {
      const topic = yield* freshTopic()
      const scope = yield* Scope.make()
      const producer = yield* Scope.extend(open(uniqueName("tx")), scope)
      yield* producer.send(topic, keyed(0, 1))
      yield* Scope.close(scope, Exit.void)
      yield* settled(topic, 2n)
      assert.deepStrictEqual(yield* seen(topic, 2n), [])
    }).pipe(Effect.provide(live)))

  it.live("a time-out above the broker's is refused, and the message names the setting", () =>
    Effect.scoped(Effect.gen(function*() {
      const error = yield* Effect.flip(open(uniqueName("tx"), 24 * 3_600_000))
      assert.strictEqual(error._tag, "KafkaRefused")
      assert.match(error.message, /transaction\.max\.timeout\.ms/)
    })).pipe(Effect.provide(live)))

  it.live("after a send that failed an abort makes the producer usable again", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producer = yield* open(uniqueName("tx"))
      yield* producer.send(topic, keyed(0, 1))
      const tooLarge = producer.send(topic, [{ partition: 0, key: null, value: Buffer.alloc(2_000_000) }])
      assert.strictEqual(yield* tagOf(tooLarge), "KafkaRefused")
      assert.strictEqual(yield* tagOf(producer.commit), "KafkaRefused")
      yield* producer.abort
      yield* producer.send(topic, keyed(1, 1))
      yield* producer.commit
      yield* settled(topic, 4n)
      assert.deepStrictEqual(yield* seen(topic, 4n), ["v1"])
    })).pipe(Effect.provide(live)))
})

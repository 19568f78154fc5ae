import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Kafka, logLevel, Partitioners, type Producer as KafkaJsProducer, type Transaction } from "kafkajs"
import { Admin } from "../../../src/layers/Admin.js"
import { describeWith } from "../../servers/index.js"
import { freshTopic, layersOf, member, textOf, uniqueName } from "./support.js"

/** Transactional producers, by name; closed with the scope. */
const makeProducers = (address: string, topic: string, names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const kafka = new Kafka({ brokers: address.split(","), clientId: "transactions", logLevel: logLevel.NOTHING })
    const open = (name: string) =>
      Effect.acquireRelease(
        Effect.promise(async () => {
          const producer = kafka.producer({
            transactionalId: uniqueName(name),
            idempotent: true,
            maxInFlightRequests: 1,
            createPartitioner: Partitioners.DefaultPartitioner
          })
          await producer.connect()
          return producer
        }),
        (producer) => Effect.promise(() => producer.disconnect())
      )
    const producers = new Map<string, KafkaJsProducer>()
    const transactions = new Map<string, Transaction>()
    for (const name of names) producers.set(name, yield* open(name))
    const of = (name: string) =>
      Effect.promise(async () => {
        const transaction = transactions.get(name) ?? await producers.get(name)?.transaction()
        if (transaction === undefined) throw new Error(`no producer ${name}`)
        transactions.set(name, transaction)
        return transaction
      })
    const send = (name: string, value: string, key: Buffer | null = null) =>
      Effect.flatMap(of(name), (transaction) =>
        Effect.promise(() => transaction.send({ topic, messages: [{ partition: 0, key, value }] })))
    const end = (name: string, how: "commit" | "abort") =>
      Effect.flatMap(of(name), (transaction) => {
        transactions.delete(name)
        return Effect.promise(() =>
          transaction[how]()
        )
      })
    return { send, commit: (name: string) => end(name, "commit"), abort: (name: string) => end(name, "abort") }
  })

/** Until the log is as long as it becomes: markers are written a little later than their transaction is ended. */
const settled = (topic: string, lastStable: bigint, end: bigint) =>
  Effect.flatMap(Admin, (admin) => admin.logRanges(topic)).pipe(Effect.repeat({
    until: ([range]) => range?.lastStable === lastStable && range.end === end,
    schedule: Schedule.spaced("20 millis")
  }))

describeWith(["kafka"], "a topic with transactions", (servers) => {
  const live = layersOf(servers.kafka)

  it.live(
    "aborted records are hidden that kafkajs lets through: interleaved, entered in the middle, with a marker's key",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic()
        const producers = yield* makeProducers(servers.kafka, topic, ["a", "b"])
        yield* producers.send("a", "aborted")
        yield* producers.send("b", "aborted", Buffer.alloc(4))
        yield* producers.send("a", "aborted", Buffer.alloc(4))
        yield* producers.send("b", "aborted")
        // The later one ends first, so that the broker lists it first.
        yield* producers.abort("b")
        yield* producers.send("a", "aborted")
        yield* producers.abort("a")
        yield* producers.send("a", "seen 1", Buffer.alloc(4))
        yield* producers.send("b", "seen 2")
        yield* producers.commit("b")
        yield* producers.send("a", "seen 3")
        yield* producers.commit("a")
        yield* settled(topic, 12n, 12n)
        const reader = yield* member(topic, uniqueName("group"))
        yield* reader.assigned
        const readFrom = (start: bigint) =>
          Effect.map(Effect.zipRight(reader.readFrom(0, start), reader.takeUntil(12n)), (batches) => {
            assert.strictEqual(batches[0]?.fetchedOffset, start)
            return batches.flatMap(({ records }) => records.map((record) => [record.offset, textOf(record)] as const))
          })
        // Where the markers are is not always the same.
        const seen = yield* readFrom(0n)
        assert.deepStrictEqual(seen.map(([, text]) => text), ["seen 1", "seen 2", "seen 3"])
        // Every start, so that each fetch begins inside none, one and two of the aborted transactions.
        for (let start = 1n; start < 12n; start++) {
          assert.deepStrictEqual(yield* readFrom(start), seen.filter(([offset]) => offset >= start))
        }
      })).pipe(Effect.provide(live))
  )

  it.live("control records and aborted records alone move the position, in batches without records", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producers = yield* makeProducers(servers.kafka, topic, ["a"])
      const reader = yield* member(topic, uniqueName("group"))
      yield* reader.assigned
      yield* reader.readFrom(0, 0n)
      yield* producers.send("a", "seen")
      yield* producers.commit("a")
      assert.lengthOf((yield* reader.takeUntil(2n)).flatMap(({ records }) => records), 1)
      yield* producers.send("a", "aborted")
      yield* producers.abort("a")
      const tail = yield* reader.takeUntil(4n)
      assert.isEmpty(tail.flatMap(({ records }) => records))
      assert.strictEqual(tail[0]?.fetchedOffset, 2n)
    })).pipe(Effect.provide(live)))

  it.live("nothing is read beyond a transaction that is open, until it ends", () =>
    Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic()
      const producers = yield* makeProducers(servers.kafka, topic, ["open", "done"])
      yield* producers.send("done", "first")
      yield* producers.send("open", "second")
      yield* producers.send("done", "third")
      yield* producers.commit("done")
      yield* settled(topic, 1n, 4n)
      const reader = yield* member(topic, uniqueName("group"))
      yield* reader.assigned
      yield* reader.readFrom(0, 0n)
      const before = yield* reader.takeUntil(1n)
      assert.deepStrictEqual(before.flatMap(({ records }) => records).map(textOf), ["first"])
      assert.strictEqual(before.at(-1)?.nextOffset, 1n)
      const uncommitted = yield* member(topic, uniqueName("group"), () => "fetch", { isolation: "read_uncommitted" })
      yield* uncommitted.assigned
      yield* uncommitted.readFrom(0, 0n)
      const all = yield* uncommitted.takeUntil(4n)
      assert.deepStrictEqual(all.flatMap(({ records }) => records).map(textOf), ["first", "second", "third"])
      yield* producers.commit("open")
      const after = yield* reader.takeUntil(5n)
      assert.deepStrictEqual(after.flatMap(({ records }) => records).map(textOf), ["second", "third"])
    })).pipe(Effect.provide(live)))
})

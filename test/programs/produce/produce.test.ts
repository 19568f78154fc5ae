import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Either, Exit, Fiber, Layer, Option, type Scope, Stream } from "effect"
import { partitionOfKey } from "../../../src/domain/murmur2.js"
import { readPrefix } from "../../../src/domain/WireFormat.js"
import { compile } from "../../../src/layers/avro/AvroCodec.js"
import { KafkaUnavailable } from "../../../src/layers/Consumer.js"
import { layerMemory, MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"
import { Producer } from "../../../src/layers/Producer.js"
import { type CommandError, ExitCode } from "../../../src/programs/exitCodes.js"
import { fileSystem, makeRegistry, partitionsOf, produced, recordsOf } from "./support.js"

const kafka = layerMemory({ fetchRecords: 10, pollIntervalMs: 100 })
const registry = makeRegistry()
const files = {
  "lines.txt": "a\t1\r\nb\t2\nno key\n\ttwo\ttabs",
  "user.avsc": `{"type":"record","name":"User","fields":[{"name":"id","type":"long"},{"name":"name","type":"string"}]}`
}
const world = Layer.mergeAll(kafka, registry.layer, fileSystem(files))
type World = Layer.Layer.Success<typeof world>

const run = <A, E>(effect: Effect.Effect<A, E, World | Scope.Scope>): A => simulate(Effect.provide(effect, world))

const summaryOf = (out: ReadonlyArray<string>) => JSON.parse(out.at(-1) ?? "")
const failureOf = (exit: Exit.Exit<ExitCode, CommandError>) =>
  Option.getOrUndefined(Option.flatMap(Exit.causeOption(exit), Cause.failureOption))
const texts = (records: ReadonlyArray<{ readonly key: Uint8Array | null; readonly value: Uint8Array | null }>) =>
  records.map(({ key, value }) => [key === null ? null : String(Buffer.from(key)), value && String(Buffer.from(value))])
/** Without the frame: the registry of this test gives a new id each time. */
const payloadsOf = (topic: string) =>
  Effect.map(recordsOf(topic), (all) => all.map(({ key, value }) => [key, value?.subarray(5)]))

describe("the data sets", () => {
  it("without a topic, the three are made, in topics of their own", () =>
    run(Effect.gen(function*() {
      const { exit, out } = yield* produced({ options: { count: 100 } })
      assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
      for (const topic of ["dataset1", "dataset2", "dataset3"]) assert.lengthOf(yield* recordsOf(topic), 100)
      const summary = summaryOf(out)
      assert.deepInclude(summary, { records: 300, errors: 0 })
      assert.deepInclude(summary.topics[0], { topic: "dataset1", partitions: 3, records: 100, errors: 0 })
      const [first] = yield* partitionsOf("dataset1")
      assert.deepStrictEqual(summary.topics[0].byPartition[0], {
        partition: 0,
        records: first?.length,
        firstOffset: 0,
        lastOffset: (first?.length ?? 0) - 1
      })
    })))

  it("every record is in Confluent's format and decodes with the schema that was registered for it", () =>
    run(Effect.gen(function*() {
      yield* produced({ options: { count: 50 } })
      for (const topic of ["dataset1", "dataset2", "dataset3"]) {
        for (const { key, value } of yield* recordsOf(topic)) {
          const { name, start } = yield* readPrefix(value)
          const id = name.kind === "id" ? name.id : 0
          const [subject, schema] = registry.registered[id - 1] ?? ["", ""]
          assert.strictEqual(subject, `${topic}-value`)
          assert.isTrue(Either.isRight((yield* compile(schema)).decode(value ?? new Uint8Array(), start)))
          assert.isAbove(key?.length ?? 0, 0)
        }
      }
    })))

  it("the same seed gives the same records in the same order, and --from goes on where an earlier call ended", () =>
    run(Effect.gen(function*() {
      yield* produced({ options: { topics: ["dataset1"], count: 100 } })
      yield* produced({ options: { topics: ["dataset1-b", "other", "other-2", "dataset1-c"], count: 60 } })
      yield* produced({ options: { topics: ["dataset1-b"], count: 40, from: 60 } })
      assert.deepStrictEqual(yield* payloadsOf("dataset1-b"), yield* payloadsOf("dataset1"))
    })))

  it("the configuration's topics are filled where none are named, and existing ones keep their partitions", () =>
    run(Effect.gen(function*() {
      const cluster = yield* MemoryKafka
      cluster.createTopic("mine", 5)
      const { out } = yield* produced({ options: { count: 10 }, topics: ["mine"] })
      assert.deepInclude(summaryOf(out).topics[0], { topic: "mine", partitions: 5, records: 10 })
    })))

  it("--rate spreads the records over time, all topics together", () =>
    run(Effect.gen(function*() {
      const options = { rate: 100, count: 500, topics: ["dataset1", "dataset2"] }
      const running = yield* Effect.fork(produced({ options }))
      yield* Effect.sleep("1 second")
      const after = { one: (yield* recordsOf("dataset1")).length, two: (yield* recordsOf("dataset2")).length }
      assert.isTrue(after.one >= 40 && after.one <= 60 && after.two >= 40 && after.two <= 60, JSON.stringify(after))
      const { out } = yield* Fiber.join(running)
      assert.deepInclude(summaryOf(out), { records: 1000, seconds: 9.9 })
    })))
})

describe("lines, numbers and schemas", () => {
  it("of stdin become records, however the bytes are cut: key<TAB>value, no key without a tab, CR LF as LF", () =>
    run(Effect.gen(function*() {
      const input = Stream.make("a\t1\r", "\nb\t", "2\nno key\n\ttwo\ttabs")
      yield* produced({ options: { topic: "t", partitions: 1 }, input })
      const expected = [["a", "1"], ["b", "2"], [null, "no key"], ["", "two\ttabs"]]
      assert.deepStrictEqual(texts(yield* recordsOf("t")), expected)
      yield* produced({ options: { topic: "from-file", partitions: 1, file: "lines.txt" } })
      assert.deepStrictEqual(texts(yield* recordsOf("from-file")), expected)
    })))

  it("--format json takes key, value, headers, timestamp and partition; null is a tombstone", () =>
    run(Effect.gen(function*() {
      const input = Stream.make(
        `{"key":"k","value":{"a":[1,true]},"partition":2,"timestamp":5,"headers":{"h":"1"}}\n{"value":null,"partition":2}`
      )
      yield* produced({ options: { topic: "t", format: "json", headers: ["all=x"] }, input })
      const [, , records = []] = yield* partitionsOf("t")
      assert.deepStrictEqual(texts(records), [["k", `{"a":[1,true]}`], [null, null]])
      assert.strictEqual(records[0]?.timestampMs, 5)
      const headers = records.map((record) => record.headers.map(([name, value]) => [name, String(value)]))
      assert.deepStrictEqual(headers, [[["all", "x"], ["h", "1"]], [["all", "x"]]])
    })))

  const refusedLines = [
    [`{"value":1,"valeu":2}`, /valeu/],
    [`{"value":12345678901234567890}`, /lose digits/],
    [`{"value":`, /JSON/],
    [`{"value":1,"partition":3}`, undefined]
  ] as const
  for (const [line, why] of refusedLines) {
    it(`the line ${line} stops it where it stands, what was before it is sent`, () =>
      run(Effect.gen(function*() {
        const input = Stream.make(`{"value":"good"}\n${line}\n{"value":"late"}\n`)
        const { exit, out } = yield* produced({ options: { topic: "t", format: "json" }, input })
        const error = failureOf(exit)
        assert.strictEqual(error?.where, "stdin, line 2")
        if (why === undefined) assert.strictEqual(error?.what, "topic t has no partition 3")
        else assert.match(error?.why ?? "", why)
        assert.deepStrictEqual(texts(yield* recordsOf("t")), [[null, "good"]])
        assert.strictEqual(summaryOf(out).records, 1)
      })))
  }

  it("--interval counts: one number each, round robin, the first at once", () =>
    run(Effect.gen(function*() {
      const running = yield* Effect.fork(produced({ options: { topic: "t", intervalMs: 10_000, to: 10 } }))
      yield* Effect.sleep(29_990)
      assert.deepStrictEqual((yield* partitionsOf("t")).map(texts), [[[null, "1"]], [[null, "2"]], [[null, "3"]]])
      yield* Fiber.join(running)
      assert.deepStrictEqual((yield* partitionsOf("t")).map(texts).map((all) => all.map(([, value]) => value)), [
        ["1", "4", "7", "10"],
        ["2", "5", "8"],
        ["3", "6", "9"]
      ])
    })))

  it("--schema makes valid values of any schema, the same for the same seed", () =>
    run(Effect.gen(function*() {
      for (const topic of ["t", "again"]) yield* produced({ options: { topic, schema: "user.avsc", count: 20 } })
      yield* produced({ options: { topic: "other", schema: "user.avsc", count: 20, seed: 8 } })
      const codec = yield* compile(files["user.avsc"])
      const values = (yield* recordsOf("t")).map(({ value }) => codec.decode(value ?? new Uint8Array(), 5))
      assert.isTrue(values.every(Either.isRight))
      assert.strictEqual(new Set(values.map((value) => String(Either.getOrThrow(value)))).size > 0, true)
      assert.deepStrictEqual(yield* payloadsOf("again"), yield* payloadsOf("t"))
      assert.notDeepEqual(yield* payloadsOf("other"), yield* payloadsOf("t"))
    })))

  it("the partition is the key's as the Java client chooses it, in turn without one, or the one that is named", () =>
    run(Effect.gen(function*() {
      const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
      const input = Stream.make(keys.map((key) => `${key}\tv\n`).join(""))
      yield* produced({ options: { topic: "by-key", partitions: 4 }, input })
      for (const [partition, records] of (yield* partitionsOf("by-key")).entries()) {
        assert.isNotEmpty(records)
        for (const { key } of records) assert.strictEqual(partitionOfKey(key ?? new Uint8Array(), 4), partition)
      }
      yield* produced({ options: { topic: "turn", partitions: 4, partitioner: "round-robin" }, input })
      assert.deepStrictEqual((yield* partitionsOf("turn")).map((records) => records.length), [13, 13, 12, 12])
      yield* produced({ options: { topic: "one", partitions: 4, partition: 2 }, input })
      assert.deepStrictEqual((yield* partitionsOf("one")).map((records) => records.length), [0, 0, 50, 0])
      const { exit } = yield* produced({ options: { topic: "one", partition: 4 }, input })
      assert.deepInclude(failureOf(exit), { what: "topic one has no partition 4", cure: "choose one from 0 to 3" })
    })))
})

/** The memory producer, but for what `answer` does with the number of the send. */
const producerThat = (
  answer: (send: number, values: ReadonlyArray<string>) => Effect.Effect<void, KafkaUnavailable>
) =>
  Layer.effect(
    Producer,
    Effect.map(Producer, (producer) => {
      let sends = 0
      return Producer.of({
        send: (topic, records) =>
          Effect.zipRight(
            Effect.suspend(() => answer(++sends, records.map(({ value }) => String(value)))),
            producer.send(topic, records)
          )
      })
    })
  )
const away = new KafkaUnavailable({ what: "localhost:9092", cause: "x" })
const numbers = { topic: "t", partitions: 1, to: 100 }

describe("modes", () => {
  it("async: the first batch that fails ends it; nothing follows the gap, and what had arrived is told", () =>
    run(
      Effect.gen(function*() {
        const { exit, out } = yield* produced({ options: numbers, properties: ["batch.size=200"] })
        const error = failureOf(exit)
        assert.deepInclude(error, { exit: ExitCode.unreachable, what: "cannot reach Kafka: localhost:9092" })
        assert.match(error?.where ?? "", /^t-0, \d+ records$/)
        const values = (yield* recordsOf("t")).map(({ value }) => Number(String(value)))
        assert.deepStrictEqual(values, Array.from({ length: values.length }, (_, index) => index + 1))
        assert.isBelow(values.length, 100)
        const { errors, records } = summaryOf(out)
        assert.deepStrictEqual([records, records + errors], [values.length, 100])
      }).pipe(Effect.provide(producerThat((send) => send === 3 ? Effect.delay(away, 20) : Effect.void)))
    ))

  it("fire-and-forget: failures are counted, and the rest arrives", () =>
    run(
      Effect.gen(function*() {
        const { exit, out } = yield* produced({
          options: { ...numbers, mode: "fire-and-forget" },
          properties: ["batch.size=200"]
        })
        assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
        const { errors, records } = summaryOf(out)
        assert.isAbove(errors, 0)
        assert.strictEqual(records + errors, 100)
        assert.lengthOf(yield* recordsOf("t"), records)
      }).pipe(Effect.provide(producerThat((send) => send % 3 === 0 ? away : Effect.void)))
    ))

  it("sync: each record is acknowledged before the next is sent, and nothing follows one that failed", () => {
    const seen: Array<ReadonlyArray<string>> = []
    const producer = producerThat((send, values) => {
      seen.push(values)
      return send === 4 ? Effect.delay(away, 20) : Effect.sleep(20)
    })
    return run(
      Effect.gen(function*() {
        const { exit, out } = yield* produced({ options: { ...numbers, mode: "sync", print: true } })
        assert.deepStrictEqual(seen, [["1"], ["2"], ["3"], ["4"]])
        assert.strictEqual(failureOf(exit)?.exit, ExitCode.unreachable)
        assert.deepStrictEqual(
          out.slice(0, -1),
          [0, 1, 2].map((offset) => `{"topic":"t","partition":0,"offset":${offset}}`)
        )
        assert.deepInclude(summaryOf(out).latencyMs, { p50: 20, p99: 20, max: 20 })
      }).pipe(Effect.provide(producer))
    )
  })

  it("--print tells each record's place in the order of the answers, and leaves stdout to that", () =>
    run(
      Effect.gen(function*() {
        const options = { ...numbers, partitions: 2, to: 4, print: true }
        const { err, out } = yield* produced({ options, output: "table" })
        assert.deepStrictEqual(out, ["t-1@0\nt-1@1", "t-0@0\nt-0@1"])
        assert.match(err.join("\n"), /^4 records sent, .* 0 errors\.$/m)
      }).pipe(Effect.provide(producerThat((send) => Effect.sleep(send === 1 ? 50 : 10))))
    ))

  it("stopped by a signal, what was accepted is sent, then the summary", () =>
    run(Effect.gen(function*() {
      const input = Stream.concat(Stream.make("a\nb\nc\n"), Stream.never)
      const running = yield* Effect.fork(
        produced({ options: { topic: "t" }, properties: ["linger.ms=3600000"], input, signalMs: 60_000 })
      )
      yield* Effect.sleep(59_999)
      assert.lengthOf(yield* recordsOf("t"), 0)
      const { exit, out } = yield* Fiber.join(running)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.lengthOf(yield* recordsOf("t"), 3)
      assert.deepInclude(summaryOf(out), { records: 3, errors: 0 })
    })))

  it("stopped while Kafka does not answer, it gives up after the shutdown's time and says how many were not sent", () =>
    run(
      Effect.gen(function*() {
        const input = Stream.concat(Stream.make("a\nb\nc\n"), Stream.never)
        const options = { topic: "t", partitions: 2 }
        const { exit, out } = yield* produced({ options, properties: ["batch.size=0"], input, signalMs: 60_000 })
        assert.strictEqual(yield* Clock.currentTimeMillis, 61_000)
        assert.deepInclude(failureOf(exit), { code: "TRB-2501", exit: ExitCode.tryAgain })
        // Two were on their way, one waited behind them.
        assert.deepInclude(summaryOf(out), { records: 0, errors: 3 })
      }).pipe(Effect.provide(producerThat(() => Effect.never)))
    ))
})

describe("transactions", () => {
  it("are of the size that is asked for, some of them aborted by the seed; the summary counts both", () =>
    run(Effect.gen(function*() {
      const { out } = yield* produced({
        options: { ...numbers, partitions: 2, transactionSize: 10, abortRate: 0.3 },
        properties: ["transactional.id=p"]
      })
      const { transactions } = summaryOf(out)
      assert.deepStrictEqual([transactions.committed + transactions.aborted, transactions.aborted > 0], [10, true])
      const all = yield* recordsOf("t")
      const visible = (yield* recordsOf("t", "read_committed")).map(({ value }) => Number(String(value)))
      assert.lengthOf(all, 100)
      assert.lengthOf(visible, transactions.committedRecords)
      // Whole transactions: 1 to 10, 11 to 20, …
      assert.strictEqual(new Set(visible.map((value) => Math.ceil(value / 10))).size, transactions.committed)
    })))

  it("the last one may be smaller, and nothing is aborted unless asked for", () =>
    run(Effect.gen(function*() {
      const { out } = yield* produced({
        options: { ...numbers, to: 25, transactionSize: 10 },
        properties: ["transactional.id=p"]
      })
      assert.deepInclude(summaryOf(out).transactions, { committed: 3, committedRecords: 25, aborted: 0 })
      assert.lengthOf(yield* recordsOf("t", "read_committed"), 25)
    })))

  it("a producer that takes the transactional id ends the one before, and what that left open is not seen", () =>
    run(Effect.gen(function*() {
      const options = { ...numbers, transactionSize: 10 }
      const properties = ["transactional.id=p"]
      const first = yield* Effect.fork(produced({ options: { ...options, intervalMs: 1_000 }, properties }))
      yield* Effect.sleep(14_500)
      yield* produced({ options: { ...options, to: 5 }, properties })
      const { exit } = yield* Fiber.join(first)
      assert.deepInclude(failureOf(exit), { code: "TRB-2005", exit: ExitCode.tryAgain })
      const visible = (yield* recordsOf("t", "read_committed")).map(({ value }) => Number(String(value)))
      assert.deepStrictEqual(visible, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5])
    })))
})

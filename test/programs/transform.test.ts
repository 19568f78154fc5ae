import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Exit, Layer, Logger } from "effect"
import { answerLost, fates, requestLost } from "../../src/layers/memory/Fate.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import type { TransformOptions } from "../../src/programs/transform/settings.js"
import { transformCommand } from "../../src/programs/transform/transform.js"
import {
  cluster,
  differences,
  feed,
  group,
  startTransform,
  transformOptions,
  valuesOf
} from "../simulation/transformWorld.js"
import { logged } from "../support/logged.js"
import { testConfig } from "../support/pipeline.js"

type Services = Effect.Effect.Context<ReturnType<typeof startTransform>> | MemoryKafka

const run = <A, E>(partitions: number, body: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, Services>): A =>
  simulate<A, E>(
    Effect.provide(
      logged((lines) =>
        Effect.zipRight(Effect.map(MemoryKafka, (kafka) => kafka.createTopic("in", partitions)), body(lines))
      ),
      cluster
    )
  )

const transform = (options: Partial<TransformOptions>) =>
  transformCommand(testConfig(), { ...transformOptions, ...options })

/** `COMMIT` and `ABORT` markers of a log, in order. */
const markers = (topic: string, partition: number) =>
  Effect.map(
    MemoryKafka,
    (kafka) =>
      kafka.log(topic, partition).items.flatMap(({ kind }) => kind === "COMMIT" || kind === "ABORT" ? [kind] : [])
  )

const committedOf = (partition: number) =>
  Effect.map(MemoryKafka, (kafka) => kafka.committed.get(`${group}/in-${partition}`))

describe("transform", () => {
  it("shows records at once to readers of uncommitted ones, and to the others after the commit interval", () =>
    run(1, (lines) =>
      Effect.gen(function*() {
        yield* startTransform({ commitIntervalMs: 120_000, transactionTimeoutMs: 600_000 })
        yield* Effect.sleep(3000)
        yield* feed(0, 5)
        yield* Effect.sleep(1000)
        assert.lengthOf(yield* valuesOf("out", 0, "read_uncommitted"), 5)
        assert.isEmpty(yield* valuesOf("out", 0))
        yield* Effect.sleep(118_000)
        assert.isEmpty(yield* valuesOf("out", 0))
        yield* Effect.sleep(2000)
        assert.deepStrictEqual(yield* differences, [])
        assert.match(
          lines.filter((line) => line.includes("committed transaction")).at(-1) ?? "",
          /committed transaction in-0 from=0 to=5 records-in=5 records-out=5 dead-letters=0 open-ms=120000 commit-ms=0$/
        )
      })))

  it("commits after --commit-records input records, no later", () =>
    run(1, () =>
      Effect.gen(function*() {
        yield* feed(0, 25)
        yield* startTransform({ commitRecords: 10, commitIntervalMs: 10_000 })
        yield* Effect.sleep(5000)
        assert.lengthOf(yield* valuesOf("out", 0), 20)
        assert.strictEqual(yield* committedOf(0), 20n)
        yield* Effect.sleep(10_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.deepStrictEqual(yield* markers("out", 0), ["COMMIT", "COMMIT", "COMMIT"])
      })))

  it("commits what is open when it is stopped", () =>
    run(2, () =>
      Effect.gen(function*() {
        yield* feed(0, 10)
        const instance = yield* startTransform()
        yield* Effect.sleep(1000)
        yield* instance.stop
        assert.deepStrictEqual(yield* differences, [])
      })))

  it("commits nothing when it is stopped while a send fails: the log may hold more than it knows of", () =>
    run(1, () =>
      Effect.gen(function*() {
        const kafka = yield* MemoryKafka
        yield* feed(0, 10)
        const instance = yield* startTransform()
        yield* Effect.sleep(1000)
        kafka.sendFate = fates(answerLost(3000))
        yield* feed(10, 5)
        yield* Effect.sleep(500)
        yield* instance.stop
        assert.lengthOf(yield* valuesOf("out", 0, "read_uncommitted"), 15)
        assert.isEmpty(yield* valuesOf("out", 0))
        yield* startTransform()
        yield* Effect.sleep(5000)
        assert.deepStrictEqual(yield* differences, [])
      })))

  it("commits what is open when the group rebalances: nothing is aborted and done again", () =>
    run(4, () =>
      Effect.gen(function*() {
        yield* startTransform({ commitIntervalMs: 30_000 })
        yield* Effect.sleep(3000)
        yield* feed(0, 10)
        yield* Effect.sleep(1000)
        yield* startTransform({ commitIntervalMs: 30_000 })
        yield* Effect.sleep(3000)
        assert.deepStrictEqual(yield* differences, [])
        for (const partition of [0, 1, 2, 3]) assert.deepStrictEqual(yield* markers("out", partition), ["COMMIT"])
      })))

  it("after kill -9 aborts the open transaction, and processes its input again: twice in the log, once for readers", () =>
    run(1, () =>
      Effect.gen(function*() {
        yield* feed(0, 2)
        const first = yield* startTransform({ commitIntervalMs: 20_000 })
        yield* Effect.sleep(25_000)
        yield* feed(2, 4)
        yield* Effect.sleep(5000)
        yield* first.kill
        yield* startTransform({ commitIntervalMs: 20_000 })
        yield* Effect.sleep(60_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.deepStrictEqual(yield* markers("out", 0), ["COMMIT", "ABORT", "COMMIT"])
        assert.lengthOf(yield* valuesOf("out", 0, "read_uncommitted"), 10)
      })))

  it("moves the offset over stretches without records, too", () =>
    run(1, () =>
      Effect.gen(function*() {
        yield* feed(0, 3)
        const kafka = yield* MemoryKafka
        for (let i = 0; i < 50; i++) kafka.appendInvisible("in", 0)
        yield* startTransform()
        yield* Effect.sleep(10_000)
        assert.deepStrictEqual(yield* differences, [])
      })))

  it("--from latest holds from the first start on, not from the first record on", () =>
    run(1, () =>
      Effect.gen(function*() {
        yield* feed(0, 3)
        const first = yield* startTransform({ from: "latest" })
        yield* Effect.sleep(3000)
        yield* first.kill
        yield* feed(3, 2)
        yield* startTransform({ from: "latest" })
        yield* Effect.sleep(20_000)
        assert.deepStrictEqual(yield* valuesOf("out", 0), ["EVENT(0,3)", "EVENT(0,4)"])
      })))

  it("--from none starts nothing, and says what to choose", () =>
    run(1, (lines) =>
      Effect.gen(function*() {
        yield* feed(0, 3)
        yield* startTransform({ from: "none" })
        yield* Effect.sleep(5000)
        assert.isUndefined(yield* committedOf(0))
        assert.lengthOf(
          lines.filter((line) => line.includes("partition in-0 is stopped: group transform-in-out has")),
          1
        )
      })))

  it("stops a partition whose records are gone, with the command that accepts the loss, and only that one", () =>
    run(2, (lines) =>
      Effect.gen(function*() {
        yield* feed(0, 10)
        const first = yield* startTransform()
        yield* Effect.sleep(5000)
        yield* first.stop
        yield* feed(10, 10)
        const kafka = yield* MemoryKafka
        kafka.trim("in", 0, 15n)
        yield* startTransform()
        yield* Effect.sleep(10_000)
        assert.deepStrictEqual([yield* committedOf(0), yield* committedOf(1)], [10n, 20n])
        const [stopped = ""] = lines.filter((line) => line.includes("partition in-0 is stopped: records are gone"))
        assert.include(stopped, "--topic in:0 --reset-offsets --to-offset 15 --execute")
      })))

  it("waits through an outage with few lines, and goes on", () =>
    run(1, (lines) =>
      Effect.gen(function*() {
        const kafka = yield* MemoryKafka
        yield* startTransform()
        yield* Effect.sleep(3000)
        kafka.sendFate = () => requestLost(10_000)
        yield* feed(0, 10)
        yield* Effect.sleep("10 minutes")
        kafka.sendFate = () => ({ doneAfterMs: 0, toldAfterMs: 0, answered: true })
        yield* Effect.sleep(60_000)
        assert.deepStrictEqual(yield* differences, [])
        assert.isBelow(lines.filter((line) => line.includes(" WARN ")).length, 25)
      })))
})

describe("transform and records that cannot be mapped", () => {
  const withPoison = Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    yield* feed(0, 5)
    kafka.append("in", 0, Buffer.from("poison"))
    yield* feed(5, 5)
  })

  it("--poison stop: everything before it is committed, it is named with the cure, and other partitions go on", () =>
    run(2, (lines) =>
      Effect.gen(function*() {
        yield* withPoison
        yield* startTransform()
        yield* Effect.sleep(10_000)
        assert.deepStrictEqual([yield* committedOf(0), yield* committedOf(1)], [5n, 10n])
        assert.lengthOf(yield* valuesOf("out", 0), 5)
        assert.lengthOf(yield* valuesOf("out", 1), 10)
        const [stopped = ""] = lines.filter((line) => line.includes(" ERROR "))
        assert.include(stopped, "record in-0@5 cannot be mapped: the value is not of the form a,b; correct the mapping")
        const kafka = yield* MemoryKafka
        assert.strictEqual(kafka.log("out", 0).lastStable, kafka.log("out", 0).end, "no transaction stays open")
      })))

  it("--poison skip: it is a dead letter, visible with the rest of its transaction", () =>
    run(2, () =>
      Effect.gen(function*() {
        yield* withPoison
        yield* startTransform({ poison: "skip" })
        yield* Effect.sleep(1000)
        assert.lengthOf(yield* valuesOf("out-dead-letters", 0, "read_uncommitted"), 1)
        assert.isEmpty(yield* valuesOf("out-dead-letters", 0))
        yield* Effect.sleep(10_000)
        assert.deepStrictEqual(yield* valuesOf("out-dead-letters", 0), ["poison"])
        assert.deepStrictEqual(yield* valuesOf("out", 0), Array.makeBy(10, (i) => `EVENT(0,${i})`))
        assert.deepStrictEqual([yield* committedOf(0), yield* committedOf(1)], [11n, 10n])
      })))

  it("--until-end ends with 65 and the reasons when all that is left is stopped", () =>
    run(2, () =>
      Effect.gen(function*() {
        yield* withPoison
        const error = yield* Effect.flip(transform({ untilEnd: true }))
        assert.deepStrictEqual([error.code, error.exit], ["TRB-2603", ExitCode.undecodable])
        assert.deepStrictEqual(error.details, [
          "in-0: record in-0@5 cannot be mapped: the value is not of the form a,b"
        ])
        assert.strictEqual(yield* committedOf(1), 10n)
      })))
})

describe("transform --until-end", () => {
  it("ends when the ends of the input are committed, long before the interval", () =>
    run(3, () =>
      Effect.gen(function*() {
        yield* feed(0, 100, true)
        const exit = yield* Effect.exit(transform({ untilEnd: true, commitIntervalMs: 50_000 }))
        assert.deepStrictEqual(exit, Exit.succeed(ExitCode.done))
        assert.deepStrictEqual(yield* differences, [])
      }).pipe(Effect.timeout("10 seconds"))))

  it("ends on an empty topic, and on one whose records are all gone", () =>
    run(2, () =>
      Effect.gen(function*() {
        const kafka = yield* MemoryKafka
        yield* feed(0, 5)
        kafka.trim("in", 1, 5n)
        assert.strictEqual(yield* transform({ untilEnd: true }), ExitCode.done)
        assert.deepStrictEqual([yield* committedOf(0), yield* committedOf(1)], [5n, 5n])
      })))
})

const refused = (options: Partial<TransformOptions>) =>
  simulate(
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      kafka.createTopic("in", 1)
      const error = yield* Effect.flip(transform(options))
      assert.isFalse(kafka.topics.has("out"))
      assert.isEmpty(kafka.members)
      return error
    }).pipe(
      Effect.provide(Layer.merge(
        layerMemory({ fetchRecords: 10, pollIntervalMs: 100, transactionTimeoutMsMax: 900_000 }),
        Logger.remove(Logger.defaultLogger)
      ))
    )
  )

describe("transform refuses before anything is done", () => {
  it("a time-out that does not exceed the interval", () => {
    const error = refused({ commitIntervalMs: 120_000, transactionTimeoutMs: 120_000 })
    assert.deepStrictEqual([error.code, error.exit], ["TRB-2602", ExitCode.usage])
    assert.include(error.why, "the broker would abort each transaction before it is committed")
  })

  it("a time-out above the broker's maximum", () => {
    const error = refused({ transactionTimeoutMs: 900_001 })
    assert.include(error.what, "above the broker's maximum")
    assert.include(error.cure, "900000")
  })

  for (
    const [what, options] of [
      ["an output that is the input", { output: "in" }],
      ["dead letters in the output", { poison: "skip", deadLetterTopic: "out" }],
      ["dead letters in the input", { poison: "skip", deadLetterTopic: "in" }],
      ["a dead-letter topic that nothing would reach", { deadLetterTopic: "dead" }]
    ] satisfies ReadonlyArray<readonly [string, Partial<TransformOptions>]>
  ) {
    it(what, () => assert.strictEqual(refused(options).code, "TRB-2602"))
  }
})

import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { Consumer, KafkaRefused } from "../../src/layers/Consumer.js"
import { MemoryDatabaseState } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { CommandError, ExitCode } from "../../src/programs/exitCodes.js"
import { runCommand } from "../../src/programs/run.js"
import { logged } from "../support/logged.js"
import { payment, testConfig, testLayer } from "../support/pipeline.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"

/** A cluster that lets nobody join, for this reason. */
const refusing = (refused: KafkaRefused) =>
  Layer.provideMerge(Layer.succeed(Consumer, { join: () => Effect.fail(refused) }), testLayer)

const start = (untilEnd: boolean) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    kafka.createTopic("orders", 1)
    kafka.createTopic("payments", 1)
    kafka.append("orders", 0, new Uint8Array())
    return yield* Effect.fork(runCommand(testConfig({ "kafka.topics": "orders,payments" }), { untilEnd }))
  })

for (const untilEnd of [false, true]) {
  it(`what another process holds ends the command with 75, once and with the reason${untilEnd ? " (--until-end)" : ""}`, () =>
    simulate(logged((lines) =>
      Effect.gen(function*() {
        const running = yield* start(untilEnd)
        const error = yield* Effect.flip(Fiber.join(running))
        assert.strictEqual(error.exit, ExitCode.tryAgain)
        assert.strictEqual(error.what, "another consumer (pid 7) reads the log")
        assert.isEmpty(lines.filter((line) => / (?:WARN|ERROR) /.test(line)))
      }).pipe(Effect.provide(refusing(
        new KafkaRefused({ what: "another consumer (pid 7) reads the log", cure: "stop it first", kind: "locked" })
      )))
    )))
}

it("any other refusal is tried again, told at its beginning and then each 30 s at most", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const running = yield* start(false)
      yield* Effect.sleep("10 minutes")
      const told = lines.filter((line) => line.includes("topic orders is stopped: not authorised; grant it"))
      assert.isAtMost(told.length, 21)
      assert.isAtLeast(told.length, 5)
      yield* Fiber.interrupt(running)
    }).pipe(Effect.provide(refusing(new KafkaRefused({ what: "not authorised", cure: "grant it" }))))
  )))

it("until the end: what cannot go on without a person ends it as failed, once the rest is written", () =>
  simulate(logged(() =>
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      kafka.createTopic("orders", 2)
      kafka.append("orders", 0, new TextEncoder().encode("not avro"))
      for (let i = 0; i < 300; i++) kafka.append("orders", 1, payment(i))
      const exit = yield* Effect.flip(runCommand(testConfig({ errors: "stop" }), { untilEnd: true }))
      assert.deepStrictEqual([exit.code, exit.exit], ["TRB-2408", ExitCode.failed])
      assert.lengthOf(exit.details ?? [], 1)
      assert.match(exit.details?.[0] ?? "", /^orders-0: record orders-0@0: cannot be decoded.*errors=dead-letter/u)
      const { rows } = yield* MemoryDatabaseState
      assert.deepStrictEqual([rows.length, rows.every(({ partition }) => partition === 1)], [300, true])
    }).pipe(Effect.provide(testLayer))
  )))

// Two groups, of which one may not join; the other has the record of its topic.
const twoGroups = (untilEnd: boolean) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    kafka.createTopic("orders", 1)
    kafka.createTopic("payments", 1)
    for (const topic of ["orders", "payments"]) kafka.append(topic, 0, payment(1))
    const inner = yield* Consumer
    const locked = new KafkaRefused({ what: "another consumer reads payments", cure: "stop it", kind: "locked" })
    const config = testConfig({ "kafka.topics": "orders,payments" })
    const jobs = ["orders", "payments"].map((topic, index) => ({ config, topic, member: `consumer-thread-${index}` }))
    return yield* runCommand(config, { untilEnd, groups: { jobs, input: Stream.empty } }).pipe(
      Effect.provideService(Consumer, {
        join: (options) => options.topic === "payments" ? Effect.fail(locked) : inner.join(options)
      })
    )
  })

const said = "1 of 2 groups failed: group group-payments on payments"

it("a group that is refused does not end the others, and the end says so with 1 (--until-end)", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(twoGroups(true))
      assert.deepStrictEqual([error.exit, error.what], [ExitCode.failed, said])
      assert.lengthOf(lines.filter((line) => line.includes("consumer-thread-1 is stopped: another consumer")), 1)
      const { rows } = yield* MemoryDatabaseState
      assert.deepStrictEqual(rows.map(({ table }) => table), ["orders"])
    }).pipe(Effect.provide(testLayer))
  )))

it("a group that is refused does not end the others, and the end says so with 1 (after a signal)", () =>
  simulate(logged(() =>
    Effect.gen(function*() {
      const running = yield* Effect.fork(twoGroups(false))
      yield* Effect.sleep("1 minute")
      assert.isNull(running.unsafePoll())
      const exit = yield* Fiber.interrupt(running)
      const defects = Exit.isFailure(exit) ? [...Cause.defects(exit.cause)] : []
      assert.deepStrictEqual(defects.map((defect) => defect instanceof CommandError && defect.what), [said])
    }).pipe(Effect.provide(testLayer))
  )))

it("a partition without a stored offset does not begin anew where any table of its record types holds rows of it", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      const database = yield* MemoryDatabaseState
      kafka.createTopic("orders", 2)
      for (const partition of [0, 1]) kafka.append("orders", partition, payment(1))
      const row = { sourceId: 1, partition: 0, offset: 7n, text: "", owner: "", atMs: 0 }
      database.rows.push({ ...row, table: "orders_Other" })
      const config = testConfig({ "table.name.format": "${topic}_${record}" })
      const running = yield* Effect.fork(runCommand(config, { untilEnd: false }))
      yield* Effect.sleep("1 minute")
      yield* Fiber.interrupt(running)
      assert.lengthOf(lines.filter((line) => line.includes("but table orders_Other holds rows of it")), 1)
      assert.deepStrictEqual(database.rows.map(({ partition, table }) => [table, partition]), [
        ["orders_Other", 0],
        ["orders_Payment", 1]
      ])
    }).pipe(Effect.provide(testLayer))
  )))

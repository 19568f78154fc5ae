import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { Consumer, KafkaRefused } from "../../src/layers/Consumer.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { runCommand } from "../../src/programs/run.js"
import { logged } from "../support/logged.js"
import { testConfig, testLayer } from "../support/pipeline.js"
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

import { assert, describe, it } from "@effect/vitest"
import { Cause, Console, Effect, Layer, TestClock } from "effect"
import type { Config } from "../../src/domain/Config.js"
import { layer } from "../../src/programs/logging.js"
import { captured } from "./captured.js"

const time = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

const logged = (format: Config["logFormat"], effect: Effect.Effect<void>, level: Config["logLevel"] = "info") =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    yield* TestClock.setTime(time)
    yield* effect.pipe(Effect.provide(layer({ format, level })), Effect.withConsole(console))
    assert.deepStrictEqual(out, [], "stdout is for data")
    return err
  })

const backpressure = Effect.logWarning("Backpressure activated and message processing stopped...").pipe(
  Effect.annotateLogs({ queued: 300, partition: 0, topic: "dataset1" }),
  Effect.annotateLogs({ thread: "dataset1-0", logger: "tributary.Partition" })
)

describe("text", () => {
  it.effect("is time, thread, level, logger and message, then the fields, topic first", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* logged("text", backpressure), [
        "2026-01-02T03:04:05.006Z [dataset1-0] WARN tributary.Partition - " +
        "Backpressure activated and message processing stopped... [topic=dataset1 partition=0 queued=300]"
      ])
    }))

  it.effect("names main and tributary.Main where nothing else is said, and has no empty brackets", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* logged("text", Effect.logInfo("kafka consumer application start...")), [
        "2026-01-02T03:04:05.006Z [main] INFO tributary.Main - kafka consumer application start..."
      ])
    }))

  it.effect("stays one line, whatever the message and the cause hold", () =>
    Effect.gen(function*() {
      const inner = new Error("connect ECONNREFUSED\n    127.0.0.1:3306")
      const cause = Cause.parallel(Cause.fail(new Error("no answer", { cause: inner })), Cause.die(new TypeError("x")))
      assert.deepStrictEqual(yield* logged("text", Effect.logError("first\nsecond", cause)), [
        "2026-01-02T03:04:05.006Z [main] ERROR tributary.Main - first | second: " +
        "Error: no answer <- Error: connect ECONNREFUSED | 127.0.0.1:3306 & TypeError: x"
      ])
    }))

  it.effect("shows a stack trace with level debug, and only then", () =>
    Effect.gen(function*() {
      const fail = Effect.logError("failed", Cause.die(new Error("here")))
      assert.match((yield* logged("text", fail, "debug")).join("\n"), /\n {4}at /)
      assert.notMatch((yield* logged("text", fail)).join("\n"), /\n/)
    }))
})

describe("every format", () => {
  it.effect.each(["text", "json", "logfmt"] as const)(
    "%s: grep WARN finds a warning and nothing else",
    (format) =>
      Effect.gen(function*() {
        const lines = yield* logged(format, Effect.zipRight(Effect.logInfo("fine"), backpressure))
        assert.deepStrictEqual(lines.map((line) => line.includes("WARN")), [false, true])
      })
  )

  it.effect.each(["text", "json", "logfmt"] as const)(
    "%s: the level in the configuration is the least written",
    (format) =>
      Effect.gen(function*() {
        assert.lengthOf(yield* logged(format, backpressure, "error"), 0)
        assert.lengthOf(yield* logged(format, Effect.logDebug("x"), "debug"), 1)
      })
  )
})

it.effect("json holds every field beside the fixed ones, offsets exact", () =>
  Effect.gen(function*() {
    const event = Effect.logInfo("done").pipe(Effect.annotateLogs({ offset: 9223372036854775807n }))
    assert.deepStrictEqual((yield* logged("json", event)).map((line) => JSON.parse(line)), [{
      time: "2026-01-02T03:04:05.006Z",
      level: "INFO",
      thread: "main",
      logger: "tributary.Main",
      message: "done",
      offset: "9223372036854775807"
    }])
  }))

it.effect("logfmt quotes what needs it", () =>
  Effect.gen(function*() {
    const event = Effect.logInfo("two words").pipe(Effect.annotateLogs({ sql: "a = \"b\"", topic: "t" }))
    assert.deepStrictEqual(yield* logged("logfmt", event), [
      "time=2026-01-02T03:04:05.006Z level=INFO thread=main logger=tributary.Main message=\"two words\" topic=t " +
      "sql=\"a = \\\"b\\\"\""
    ])
  }))

it.effect("the logger that writes to stdout is gone", () =>
  Effect.gen(function*() {
    const { console, out } = captured()
    yield* Effect.all([Console.log("data"), Effect.logError("no data")]).pipe(
      Effect.provide(Layer.mergeAll(layer({ format: "text", level: "info" }))),
      Effect.withConsole(console)
    )
    assert.deepStrictEqual(out, ["data"])
  }))

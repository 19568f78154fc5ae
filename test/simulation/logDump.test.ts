import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { layerMemory as rawLog } from "../../src/layers/memory/MemoryRawLog.js"
import { layerMemory as topics } from "../../src/layers/memory/MemoryTopics.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { ExitCode } from "../../src/programs/exitCodes.js"
import { dumpTopicsCommand } from "../../src/programs/logDump/logDump.js"
import { captured } from "../programs/captured.js"
import { cluster, feed, startTransform } from "./transformWorld.js"

const options = {
  files: [],
  logs: [{ topic: "out", partition: 0 }],
  from: 0n,
  to: undefined,
  batchesOnly: false,
  controlOnly: false,
  output: "table"
} as const

it("the log of a transformation that was killed in a transaction shows COMMIT, ABORT, COMMIT", () =>
  simulate<void, unknown>(
    Effect.gen(function*() {
      const kafka = yield* MemoryKafka
      kafka.createTopic("in", 1)
      const first = yield* startTransform()
      yield* Effect.sleep(1000)
      yield* feed(0, 2)
      yield* Effect.sleep(5000)
      yield* feed(2, 4)
      yield* Effect.sleep(1000)
      yield* first.kill
      yield* startTransform()
      yield* Effect.sleep(30_000)
      const { console, out } = captured()
      const code = yield* dumpTopicsCommand(options).pipe(Effect.withConsole(console))
      assert.strictEqual(code, ExitCode.done)
      const seen = Array.from(
        out.join("\n").matchAll(/endTxnMarker: (\w+)|payload: (\S+)/g),
        ([, marker, payload]) => marker ?? payload
      )
      const four = [2, 3, 4, 5].map((n) => `EVENT(0,${n})`)
      assert.deepStrictEqual(seen, ["EVENT(0,0)", "EVENT(0,1)", "COMMIT", ...four, "ABORT", ...four, "COMMIT"])
    }).pipe(
      Effect.provide([
        Layer.provideMerge(Layer.merge(rawLog, topics), cluster),
        Logger.remove(Logger.defaultLogger)
      ])
    )
  ))

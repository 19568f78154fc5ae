import { assert, it } from "@effect/vitest"
import { Effect, Logger, TestClock } from "effect"
import { makeOutageLog } from "../../../src/layers/embedded/outageLog.js"

it.effect("an outage is a line at its beginning, one each 30 s and one at its end; the next begins anew", () => {
  const lines: Array<string> = []
  const recording = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel.label} ${String(message)}`))
  )
  return Effect.gen(function*() {
    const log = makeOutageLog("the file")
    yield* log.over
    for (let look = 0; look < 650; look++) {
      yield* log.failed("EIO")
      yield* TestClock.adjust(100)
    }
    yield* log.over
    yield* log.over
    yield* log.failed("EIO")
    assert.deepStrictEqual(lines, [
      "WARN the file: EIO; trying again until it works",
      "WARN the file: EIO; trying again until it works (for 30000 ms now)",
      "WARN the file: EIO; trying again until it works (for 60000 ms now)",
      "INFO the file: works again after 65000 ms",
      "WARN the file: EIO; trying again until it works"
    ])
  }).pipe(Effect.provide(recording))
})

import { Error as PlatformErrors, Terminal } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Console, Effect, Exit, Fiber, Layer } from "effect"
import { CommandError } from "../../src/programs/exitCodes.js"
import { layer } from "../../src/programs/standardOutput.js"

const failing = (code: string) =>
  Layer.mock(Terminal.Terminal, {
    display: () =>
      new PlatformErrors.BadArgument({
        module: "Terminal",
        method: "display",
        cause: Object.assign(new Error(), { code })
      })
  })
const says = (text: string, terminal: Layer.Layer<Terminal.Terminal>) =>
  Effect.provide(Console.log(text), Layer.provide(layer, terminal))

describe("standard output", () => {
  it.effect("takes a line", () =>
    Effect.gen(function*() {
      const shown: Array<string> = []
      const terminal = Layer.mock(Terminal.Terminal, { display: (text) => Effect.sync(() => void shown.push(text)) })
      yield* says("one", terminal)
      assert.deepStrictEqual(shown, ["one\n"])
    }))

  it.effect("ends the command when it is full: nothing that follows counts as written", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(says("one", failing("ENOSPC")))
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
      assert.instanceOf(error, CommandError)
      assert.strictEqual(error.why, "ENOSPC")
    }))

  it.effect("lets nothing follow when its reader is gone", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(says("one", failing("EPIPE")))
      yield* Effect.yieldNow()
      assert.isNull(fiber.unsafePoll())
      yield* Fiber.interrupt(fiber)
    }))
})

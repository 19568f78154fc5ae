import type { PlatformError } from "@effect/platform/Error"
import * as Terminal from "@effect/platform/Terminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { CommandError, ExitCode } from "./exitCodes.js"

/**
 * `Console.log` returns when the system has taken the text: whoever prints records may commit their offsets then. Node's
 * own swallows what a write fails with, a full disk too. Here that ends the command, as a defect because only the command
 * as a whole can tell of it. A reader that has closed the pipe ends the process (src/main.ts): nothing follows.
 */
export const layer: Layer.Layer<never, never, Terminal.Terminal> = Layer.unwrapEffect(
  Effect.gen(function*() {
    const terminal = yield* Terminal.Terminal
    const given = yield* Console.consoleWith(Effect.succeed)
    const log = (...parts: ReadonlyArray<unknown>) =>
      Effect.catchAll(
        terminal.display(`${parts.join(" ")}\n`),
        (error) => reasonOf(error) === "EPIPE" ? Effect.never : Effect.die(cannotWrite(reasonOf(error)))
      )
    return Console.setConsole({ ...given, log })
  })
)

const reasonOf = (error: PlatformError): string => {
  const { cause } = error
  return Predicate.hasProperty(cause, "code") ? String(cause.code) : error.message
}

const cannotWrite = (reason: string) =>
  new CommandError({
    code: "TRB-7001",
    exit: ExitCode.io,
    what: "standard output cannot be written",
    why: reason,
    cure: "make room where it goes, or send it elsewhere"
  })

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Terminal from "@effect/platform/Terminal"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Globals } from "./argv.js"
import { parseArguments } from "./cli.js"
import type { Invocation } from "./commands/ask.js"
import { execute, type Handlers, type Surroundings } from "./execute.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { compactCause } from "./logging.js"
import { printError } from "./report.js"

export type ProgramServices = FileSystem.FileSystem | Path.Path | Terminal.Terminal

/**
 * The whole program, from the arguments to the exit code. Never fails: what went wrong has been said on stderr, once.
 * Interrupted (by a signal), it ends after the command's own finalizers and answers their outcome.
 */
export const program = (
  surroundings: Surroundings,
  handlers: Handlers
): Effect.Effect<ExitCode, never, ProgramServices> =>
  // All of it, so that an interruption does not take the exit code away again; only the command itself feels it.
  Effect.uninterruptible(
    Effect.gen(function*() {
      const parsed = yield* Effect.either(parseArguments(surroundings.argv, surroundings.version))
      if (Either.isLeft(parsed)) {
        yield* printError(wantsJson(surroundings.argv) ? "json" : "table", parsed.left)
        return parsed.left.exit
      }
      const { globals, invocation } = parsed.right
      const exit = yield* Effect.exit(Effect.interruptible(execute(surroundings, handlers, globals, invocation)))
      return yield* Exit.match(exit, {
        onSuccess: Effect.succeed,
        onFailure: (cause) => settle(globals, invocation, cause)
      })
    })
  )

/** Arguments that could not be parsed may still say in which form they want to hear it. */
const wantsJson = (argv: ReadonlyArray<string>): boolean =>
  argv.some((argument, index) =>
    argument === "--output=json" || (argument === "json" && /^(?:-o|--output)$/.test(argv[index - 1] ?? ""))
  )

/** Commands that a signal ends as they should end. */
const endless: ReadonlySet<Invocation["command"]> = new Set(["run", "read", "transform"])

/**
 * A command's failure as an exit code. A `CommandError` may also come as a defect, from a finalizer that could not
 * end well (a drain that ran into its deadline); it counts even though the command was interrupted.
 */
const settle = (
  { output }: Globals,
  { command }: Invocation,
  cause: Cause.Cause<CommandError>
): Effect.Effect<ExitCode> => {
  const defects = Chunk.toReadonlyArray(Cause.defects(cause))
  const known = Option.getOrUndefined(Cause.failureOption(cause)) ??
    defects.find((defect) => defect instanceof CommandError)
  if (known !== undefined) return Effect.as(printError(output, known), known.exit)
  if (defects.length === 0) return Effect.succeed(endless.has(command) ? ExitCode.done : ExitCode.interrupted)
  return Effect.as(printError(output, bugError(cause)), ExitCode.bug)
}

const bugError = (cause: Cause.Cause<unknown>): CommandError =>
  new CommandError({
    code: "TRB-7000",
    exit: ExitCode.bug,
    what: `this is a bug in tributary: ${compactCause(cause)}`,
    where: /^\s+at (.*)$/m.exec(Cause.pretty(cause))?.[1] ?? "unknown",
    cure: "please report it, with the command line and the lines above; --log-level debug shows more"
  })

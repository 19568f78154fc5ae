import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** A process of this very program, started by the lab. It does not outlive the scope that it was started in. */
export interface Child {
  readonly pid: number
  /** Its exit code; undefined where a signal has ended it. Everything that it has written was handed over before. */
  readonly ended: Effect.Effect<number | undefined>
  /** Sends the signal and waits for the end. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Effect.Effect<number | undefined>
}

export interface ChildOptions {
  readonly command: readonly [string, ...ReadonlyArray<string>]
  /** All of its standard input. */
  readonly input: string
  /** A line of its output, and when it came. A killed process has written what is handed over here, and no more. */
  readonly onLine: (line: string, atMs: number) => void
  /** A line of what it says about itself. */
  readonly onSaid: (line: string, atMs: number) => void
}

export const startChild = (
  { command: [program, ...args], input, onLine, onSaid }: ChildOptions
): Effect.Effect<Child, PlatformError, CommandExecutor.CommandExecutor | Scope.Scope> =>
  Effect.gen(function*() {
    const process = yield* Command.start(Command.make(program, ...args).pipe(Command.feed(input)))
    const reading = yield* Effect.forkScoped(Effect.all([
      eachLine(process.stdout, onLine),
      eachLine(process.stderr, onSaid)
    ], { concurrency: "unbounded" }))
    // Its pipes end with it; none of them can be read any more once it is reaped, if something is wrong with one.
    const ended = Effect.zipRight(Fiber.await(reading), process.exitCode).pipe(
      Effect.option, // a process that was ended by a signal has no code
      Effect.map(Option.getOrUndefined)
    )
    // Sent to a process that has ended meanwhile, a signal fails; `ended` tells what has become of it.
    const send = (signal: "SIGKILL" | "SIGTERM") => Effect.option(process.kill(signal))
    // Before the executor's own finalizer, which says SIGTERM and waits as long as work in progress lasts.
    yield* Effect.addFinalizer(() => send("SIGKILL"))
    return { pid: process.pid, ended, end: (signal) => Effect.zipRight(send(signal), ended) }
  })

const eachLine = (
  stream: Stream.Stream<Uint8Array, PlatformError>,
  use: (line: string, atMs: number) => void
): Effect.Effect<void, PlatformError> =>
  stream.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Effect.map(Clock.currentTimeMillis, (atMs) => use(line, atMs)))
  )

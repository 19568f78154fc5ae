import type * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { ClientConfig, Config } from "../domain/Config.js"
import type { Globals } from "./argv.js"
import { completionScript } from "./cli.js"
import type { Invocation } from "./commands/ask.js"
import type { DemoOptions } from "./demo.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { clientConfigOf, configOf, type Environment, readSources } from "./loadConfig.js"
import { layer as loggingLayer, type LogOptions } from "./logging.js"
import type { ProduceOptions } from "./produce.js"
import { printData } from "./report.js"
import type { VerifyOptions } from "./verify.js"

/** What the process was started with and into. Only src/main.ts asks the process for it. */
export interface Surroundings {
  readonly argv: ReadonlyArray<string>
  readonly environment: Environment
  readonly version: string
  /** The command line that starts this program again, without arguments. */
  readonly self: DemoOptions["self"]
}

type Outcome<R = never> = Effect.Effect<ExitCode, CommandError, R>

/** How results are printed. */
export interface Printing {
  readonly output: Globals["output"]
}

/** The commands that need servers, with the layers that reach them. */
export interface Handlers {
  readonly run: (config: Config, options: { readonly untilEnd: boolean }) => Outcome
  readonly produce: (config: ClientConfig, options: ProduceOptions & Printing) => Outcome
  readonly verify: (config: Config, options: VerifyOptions & Printing) => Outcome
  readonly demo: (options: DemoOptions) => Outcome
}

/** Runs what the arguments ask for, with the configuration read and the log set up. */
export const execute = (
  surroundings: Surroundings,
  handlers: Handlers,
  globals: Globals,
  invocation: Invocation
): Outcome<FileSystem.FileSystem> => {
  const { output } = globals
  const sources = readSources(globals, surroundings.environment)
  switch (invocation.command) {
    case "run": {
      const { untilEnd } = invocation
      return Effect.flatMap(Effect.flatMap(sources, configOf), logged((config) => handlers.run(config, { untilEnd })))
    }
    case "produce": {
      const options = { ...invocation.options, output }
      return Effect.flatMap(
        Effect.flatMap(sources, clientConfigOf),
        logged((config) => handlers.produce(config, options))
      )
    }
    case "verify": {
      const options = { ...invocation.options, output }
      return Effect.flatMap(Effect.flatMap(sources, configOf), logged((config) => handlers.verify(config, options)))
    }
    case "demo":
      return handlers.demo({ ...invocation.options, self: surroundings.self })
    case "config show":
      return Effect.gen(function*() {
        const { configShow } = yield* Effect.promise(() => import("./configShow.js"))
        return yield* configShow(output, yield* sources)
      })
    case "completion":
      return Effect.flatMap(completionScript(invocation.shell), say)
    case "text":
      return say(invocation.text)
    case "version":
      return Effect.as(
        printData(output, {
          table: () => `tributary ${surroundings.version}`,
          json: () => ({ version: surroundings.version })
        }),
        ExitCode.done
      )
  }
}

const logged = <C extends ClientConfig>(command: (config: C) => Outcome) => (config: C): Outcome =>
  Effect.provide(command(config), loggingLayer(logOptions(config)))

const logOptions = (config: ClientConfig): LogOptions => ({ level: config.logLevel, format: config.logFormat })

const say = (text: string): Outcome => Effect.as(Console.log(text), ExitCode.done)

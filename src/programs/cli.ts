import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Terminal from "@effect/platform/Terminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { nearest } from "../domain/nearest.js"
import { commandNames, type Globals, nameCommand, takeGlobals, usageError } from "./argv.js"
import { rootCommand } from "./commands.js"
import type { Invocation } from "./commands/ask.js"
import type { CommandError } from "./exitCodes.js"

export interface ParsedArguments {
  readonly globals: Globals
  readonly invocation: Invocation
}

type CliServices = FileSystem.FileSystem | Path.Path | Terminal.Terminal

/**
 * Understands the arguments; runs nothing. @effect/cli runs a command's handler inside its own error handling, which
 * prints errors twice and knows no exit codes, so that handlers here only say what was asked for.
 */
export const parseArguments = (
  argv: ReadonlyArray<string>,
  version: string
): Effect.Effect<ParsedArguments, CommandError, CliServices> =>
  Effect.gen(function*() {
    const { globals, rest } = yield* takeGlobals(argv)
    const named = yield* nameCommand(rest)
    let asked: Invocation | undefined
    const printed: Array<string> = []
    const standard = yield* Console.consoleWith(Effect.succeed)
    const listening: Console.Console = {
      ...standard,
      log: (...parts) => Effect.sync(() => void printed.push(parts.join(" "))),
      error: () => Effect.void
    }
    const root = rootCommand((invocation) =>
      Effect.sync(() => {
        asked = invocation
      })
    )
    yield* Command.run(root, { name: "tributary", version, footer: HelpDoc.p(globalHelp) })(["", "", ...named]).pipe(
      Effect.withConsole(listening),
      Effect.provide(CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false })),
      Effect.catchIf(
        ValidationError.isValidationError,
        (error) => misused(describe(error), commandOf(named))
      )
    )
    return { globals, invocation: asked ?? { command: "text" as const, text: tidyHelp(printed.join("\n"), named) } }
  })

/** Lines that a shell reads to complete our commands and options. */
export const completionScript = (shell: "bash" | "zsh" | "fish"): Effect.Effect<string> => {
  const root = rootCommand(() => Effect.void)
  const lines = shell === "bash"
    ? Command.getBashCompletions(root, "tributary")
    : shell === "zsh"
    ? Command.getZshCompletions(root, "tributary")
    : Command.getFishCompletions(root, "tributary")
  return Effect.map(lines, (texts) => texts.join("\n"))
}

const withoutColour = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- the escape character is what this is about
  text.replaceAll(/\u001B\[[0-9;]*m/g, "")

const globalHelp = `Everywhere: -c, --config FILE (a property file; several: later ones win) | --set KEY=VALUE | ` +
  `-o, --output table|json | --log-format text|json|logfmt | --log-level debug|info|warn|error. ` +
  `Keys may also stand in the environment: TRIBUTARY_MYSQL_URL for mysql.url. No command: run.`

const describe = (error: ValidationError.ValidationError): string => {
  if (ValidationError.isMultipleValuesDetected(error)) {
    return `one value was expected, not ${error.values.join(" and ")}`
  }
  const text = withoutColour(HelpDoc.toAnsiText(error.error)).trim().replace(/\s+/g, " ")
  return text === "" ? "the arguments were not understood" : text.charAt(0).toLowerCase() + text.slice(1)
}

/** @effect/cli suggests the right spelling of an option only if the option is required, and ours are not. */
const misused = (what: string, command: string): CommandError => {
  const option = /'(--[^']*)'/.exec(what)?.[1]
  const known = HelpDoc.toAnsiText(Command.getHelp(rootCommand(() => Effect.void), CliConfig.defaultConfig))
  const meant = option === undefined
    ? undefined
    : nearest(option, withoutColour(known + globalHelp).match(/--[a-z-]+/g) ?? [])
  const help = `See: tributary ${command}--help`
  // It also calls an option unknown that lacks its value or stands twice.
  if (meant !== undefined && meant === option) return usageError(`${option} is wanted once, with one value`, help)
  return usageError(what, meant === undefined ? help : `did you mean ${meant}? ${help}`)
}

/**
 * @effect/cli colours its text even into a pipe, repeats all options in the list of commands (lines of 200 characters),
 * tells the type of every option, and leaves `tributary` out of a command's usage.
 */
const tidyHelp = (text: string, named: ReadonlyArray<string>): string =>
  withoutColour(text)
    .replace(/^tributary\n\n/, "")
    .replaceAll(
      /^ {2}- (\S+(?: [a-z][a-z-]*)*)(?: (?:[[<]|--).*?)? {2,}(\S.*)\n\n?/gm,
      (_, name: string, description: string) => `  ${`${name} `.padEnd(14)}${description}\n`
    )
    .replaceAll(/\n {2}(?:A user-defined piece of text|A true or false value|This setting is optional)\.\n/g, "")
    .replace(/\$ (?!tributary)/, `$ tributary ${parentOf(named)}`)
    .replace(/\n*(?=Everywhere: )/, "\n\n")
    .trimEnd()

/** Of a subcommand, with a blank behind it. */
const parentOf = ([first = "", second = ""]: ReadonlyArray<string>): string =>
  commandNames[first]?.includes(second) === true ? `${first} ` : ""

const commandOf = ([first = ""]: ReadonlyArray<string>): string => first.startsWith("-") ? "" : `${first} `

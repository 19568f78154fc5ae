import * as Either from "effect/Either"
import { nearest } from "../domain/nearest.js"
import { CommandError, ExitCode } from "./exitCodes.js"

/** What holds for every command. */
export interface Globals {
  readonly files: ReadonlyArray<string>
  /** Configuration keys set on the command line, `--log-format` and `--log-level` among them. */
  readonly overrides: ReadonlyArray<{ readonly name: string; readonly value: string; readonly source: string }>
  readonly output: "table" | "json"
}

/** Commands and their subcommands, as people type them. */
export const commandNames: Readonly<Record<string, ReadonlyArray<string>>> = {
  run: [],
  produce: [],
  read: [],
  plan: [],
  apply: [],
  verify: [],
  dlq: ["list", "show", "replay", "discard", "export"],
  lag: [],
  status: [],
  transform: [],
  topics: ["list", "show", "create", "add-partitions"],
  log: ["dump"],
  demo: [],
  lab: ["list", "run", "report"],
  config: ["show"],
  version: [],
  completion: []
}

export const usageError = (what: string, cure = "See: tributary --help"): CommandError =>
  new CommandError({ code: "TRB-1100", exit: ExitCode.usage, what, cure })

/**
 * Takes the global options out of the arguments, wherever they stand: @effect/cli knows the options of a parent only
 * before the name of its subcommand, and people write `tributary verify -c FILE`.
 */
export const takeGlobals = (
  argv: ReadonlyArray<string>
): Either.Either<{ readonly globals: Globals; readonly rest: ReadonlyArray<string> }, CommandError> => {
  const files: Array<string> = []
  const overrides: Array<Globals["overrides"][number]> = []
  const rest: Array<string> = []
  /** Behind the command's name, wherever they stood. */
  const later: Array<string> = []
  let output: Globals["output"] = "table"
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? ""
    if (argument === "--") {
      later.push(...argv.slice(i))
      break
    }
    const [, long, inline] = /^(--[a-z-]+)=(.*)$/s.exec(argument) ?? []
    const flag = aliases[long ?? argument]
    // As kafka-topics has it; a property file still is `-c FILE`, or stands before.
    const ofTopic = flag === flags.config && argument !== "-c" && rest[0] === "topics" && rest[1] === "create"
    if (ofTopic) {
      rest.push("--config", ...inline === undefined ? [] : [inline])
      continue
    }
    if (flag === undefined) {
      rest.push(argument)
      continue
    }
    const value = inline ?? argv[++i]
    if (value === undefined) return Either.left(usageError(`${argument} wants a value: ${argument} ${flag.wants}`))
    if (flag.name === "--config") files.push(value)
    else if (flag.name === "--output") {
      if (value === "sql" && argv.includes("plan")) {
        later.push("--sql")
        continue
      }
      if (value !== "table" && value !== "json") {
        return Either.left(usageError(`--output ${value}: expected table or json`))
      }
      output = value
    } else if (flag.name === "--set") {
      const [, name, text] = /^\s*([\w.-]+)\s*=(.*)$/s.exec(value) ?? []
      if (name === undefined || text === undefined) {
        // Only what can be a key is repeated: the rest may be a password.
        return Either.left(usageError(`--set ${/^[a-z.]*/i.exec(value)?.[0]}…: expected --set ${flag.wants}`))
      }
      overrides.push({ name, value: text, source: "--set" })
    } else overrides.push({ name: flag.key, value, source: flag.name })
  }
  return Either.right({ globals: { files, overrides, output }, rest: [...rest, ...later] })
}

const flags = {
  config: { name: "--config", wants: "FILE" },
  set: { name: "--set", wants: "KEY=VALUE" },
  output: { name: "--output", wants: "table|json" },
  logFormat: { name: "--log-format", wants: "text|json|logfmt", key: "log.format" },
  logLevel: { name: "--log-level", wants: "debug|info|warn|error", key: "log.level" }
} as const

const aliases: Readonly<Record<string, typeof flags[keyof typeof flags] | undefined>> = {
  "-c": flags.config,
  "--config": flags.config,
  "--set": flags.set,
  "-o": flags.output,
  "--output": flags.output,
  "--log-format": flags.logFormat,
  "--log-level": flags.logLevel
}

/**
 * The arguments with a command's name in front: `run` where there is none. @effect/cli answers an unknown command with
 * the root's help and exit 0, or blames the root, so the name is checked here.
 */
export const nameCommand = (rest: ReadonlyArray<string>): Either.Either<ReadonlyArray<string>, CommandError> => {
  const [first, second] = rest
  if (first === "help") return Either.right(second === undefined ? ["--help"] : [second, "--help"])
  if (first === undefined || first.startsWith("-")) {
    return Either.right(first !== undefined && standalone.has(first) ? rest : ["run", ...rest])
  }
  const subcommands = Object.hasOwn(commandNames, first) ? commandNames[first] : undefined
  if (subcommands === undefined) return Either.left(unknown("command", first, Object.keys(commandNames)))
  if (subcommands.length > 0 && second !== undefined && !second.startsWith("-") && !subcommands.includes(second)) {
    return Either.left(unknown(`subcommand of ${first}`, second, subcommands))
  }
  return Either.right(rest)
}

const standalone: ReadonlySet<string> = new Set(["--help", "-h", "--version"])

const unknown = (kind: string, word: string, known: ReadonlyArray<string>): CommandError => {
  const meant = nearest(word, known)
  return usageError(
    `unknown ${kind}: ${word}`,
    `${meant === undefined ? "" : `did you mean ${meant}? `}There are: ${known.join(", ")}`
  )
}

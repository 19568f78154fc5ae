import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { ClientConfig, Config } from "../domain/Config.js"
import { type ConfigProblem, renderProblem } from "../domain/config/ConfigProblem.js"
import { parseBrokersConfig, parseClientConfig, parseConfig } from "../domain/config/parse.js"
import { type ConfigSources, namedFiles, type PropertiesText, secretFiles } from "../domain/config/settings.js"
import { parseProperties } from "../layers/propertiesFile.js"
import type { Globals } from "./argv.js"
import { CommandError, ExitCode } from "./exitCodes.js"

export type Environment = ConfigSources["environment"]

/** Reads what the sources name: property files, in order, and the files that hold secrets and other values. */
export const readSources = (
  globals: Globals,
  environment: Environment
): Effect.Effect<ConfigSources, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const files = yield* readPropertyFiles("--config", globals.files)
    const secrets = yield* readFiles(secretFiles(environment))
    const sources = { files, environment, secrets, overrides: globals.overrides }
    return { ...sources, contents: yield* readFiles(namedFiles(sources)) }
  })

/** One that cannot be read stays out of the map, and is then reported with the rest. */
const readFiles = (
  paths: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, string>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const read = yield* Effect.forEach(new Set(paths), (path) =>
      Effect.map(
        Effect.option(fs.readFileString(path)),
        Option.match({ onNone: () => [], onSome: (content) => [[path, content] as const] })
      ))
    return new Map(read.flat())
  })

/** Nearly every key of a file that cannot be read would be called missing, so this fails alone, before all other checks. */
export const readPropertyFiles = (
  option: string,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<PropertiesText>, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const [unreadable, files] = yield* Effect.partition(names, (name) =>
      fs.readFileString(name).pipe(
        Effect.map((text) => ({ name, entries: parseProperties(text) })),
        Effect.mapError((error): ConfigProblem => ({
          code: "TRB-1006",
          key: option,
          value: name,
          source: undefined,
          what: Predicate.isTagged(error, "SystemError") && error.reason === "NotFound"
            ? "no such file"
            : "cannot be read",
          expected: "expected a property file"
        }))
      ))
    return unreadable.length > 0 ? yield* configurationError(unreadable) : files
  })

export const configOf = (sources: ConfigSources): Either.Either<Config, CommandError> =>
  Either.mapLeft(parseConfig(sources), configurationError)

export const clientConfigOf = (sources: ConfigSources): Either.Either<ClientConfig, CommandError> =>
  Either.mapLeft(parseClientConfig(sources), configurationError)

export const brokersConfigOf = (sources: ConfigSources): Either.Either<ClientConfig, CommandError> =>
  Either.mapLeft(parseBrokersConfig(sources), configurationError)

export const configurationError = (
  problems: ReadonlyArray<ConfigProblem>,
  cure = "correct what is listed; tributary config show prints every key with its value and where it comes from"
): CommandError =>
  new CommandError({
    code: problems.length === 1 ? problems[0]?.code ?? "TRB-1000" : "TRB-1000",
    exit: ExitCode.configuration,
    what: problems.length === 1
      ? "the configuration has a problem"
      : `the configuration has ${problems.length} problems`,
    details: problems.map(renderProblem),
    cure
  })

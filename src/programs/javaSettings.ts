import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ConfigProblem } from "../domain/config/ConfigProblem.js"
import type { JavaSettings, PropertySources } from "../domain/javaProperties.js"
import type { CommandError } from "./exitCodes.js"
import { configurationError, readPropertyFiles } from "./loadConfig.js"

/** What a command was told in the Java client's words, and in its own where they say the same. */
export interface JavaWords {
  /** Of `--properties FILE`. */
  readonly propertyFiles: ReadonlyArray<string>
  /** Of `--property KEY=VALUE`. */
  readonly properties: ReadonlyArray<string>
  readonly flags: PropertySources["flags"]
}

/** Reads the files and checks everything together; `read` is the producer's or the consumer's function of src/domain. */
export const javaSettings = <A>(
  read: (sources: PropertySources) => Either.Either<JavaSettings<A>, ReadonlyArray<ConfigProblem>>,
  { flags, properties, propertyFiles }: JavaWords
): Effect.Effect<JavaSettings<A>, CommandError, FileSystem.FileSystem> =>
  Effect.flatMap(
    readPropertyFiles("--properties", propertyFiles),
    (files) =>
      Either.mapLeft(read({ files, properties, flags }), (problems) =>
        configurationError(problems, "correct what is listed"))
  )

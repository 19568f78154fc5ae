import * as Either from "effect/Either"
import type { ConsumerSettings } from "../../domain/consumerProperties.js"
import { consumerKeys } from "../../domain/javaKeys.js"
import type { JavaSettings, RecordFormat } from "../../domain/javaProperties.js"
import { usageError } from "../argv.js"
import type { CommandError } from "../exitCodes.js"
import type { JavaWords } from "../javaSettings.js"
import type { CommitStrategy } from "./consume.js"
import type { FormatName } from "./formats.js"
import type { FromText } from "./from.js"
import { From } from "./startPosition.js"
import type { HandOffOptions } from "./process.js"
import type { ReadGroupOptions } from "./readGroup.js"

/** What the arguments of `read` ask for. Undefined: not given. */
export interface ReadOptions {
  readonly topic: string
  readonly commit: CommitStrategy | undefined
  readonly members: number
  readonly from: FromText | undefined
  /** The same as `--from end`. */
  readonly startFromLatest: boolean
  readonly untilEnd: boolean
  readonly max: number | undefined
  readonly pollTimeoutMs: number | undefined
  readonly processDelayMs: number | undefined
  /** `--process async:60s`. */
  readonly asyncWorkMs: number | undefined
  readonly unordered: boolean
  readonly capacity: number | undefined
  readonly noListener: boolean
  readonly metricsEveryMs: number | undefined
  readonly format: FormatName | undefined
  /** The folder that takes a file for each member. */
  readonly file: string | undefined
  readonly rotateBytes: number | undefined
  readonly java: JavaWords
}

/** Of `read` alone; the Java client's default is 5 s. */
export const autoCommitIntervalMs = 60_000
const pollTimeoutMs = 1000
const capacityDefault = 10_000

export interface ReadSettings
  extends Omit<ReadGroupOptions, "from">, Pick<ReadOptions, "from" | "format" | "file" | "rotateBytes">
{
  readonly valueFormat: RecordFormat
}

/** What is to be done, or why what is asked for does not fit together. */
export const readSettings = (
  options: ReadOptions,
  { given, settings }: JavaSettings<ConsumerSettings>
): Either.Either<ReadSettings, CommandError> =>
  Either.gen(function*() {
    const commit = yield* commitOf(options, settings)
    const { file, format, max, members, metricsEveryMs, rotateBytes, topic, untilEnd } = options
    const from = yield* fromOf(options)
    return {
      topic,
      group: settings.groupId,
      commit,
      autoCommitIntervalMs: given.has(consumerKeys.autoCommitIntervalMs.key)
        ? settings.autoCommitIntervalMs
        : autoCommitIntervalMs,
      maxPollRecords: settings.maxPollRecords,
      pollTimeoutMs: options.pollTimeoutMs ?? pollTimeoutMs,
      isolation: settings.isolation,
      // A look at the whole log that ends at its end begins at its beginning: nobody asks for nothing.
      reset: settings.groupId === undefined && untilEnd && !given.has(consumerKeys.autoOffsetReset.key)
        ? "earliest"
        : settings.autoOffsetReset,
      from,
      listener: !options.noListener,
      members,
      untilEnd,
      max,
      processDelayMs: options.processDelayMs ?? 0,
      handOff: yield* handOffOf(options),
      metricsEveryMs,
      format,
      file,
      rotateBytes,
      valueFormat: settings.valueFormat
    }
  })

/** Given, or what the Java client does by its properties; without a group there is nothing to commit for. */
const commitOf = (
  { commit }: ReadOptions,
  { enableAutoCommit, groupId }: ConsumerSettings
): Either.Either<CommitStrategy, CommandError> => {
  if (groupId === undefined && commit !== undefined && commit !== "none") {
    return Either.left(usageError(
      `--commit ${commit} wants a group: offsets are committed for one`,
      "add --group NAME, or leave --commit out"
    ))
  }
  if (commit !== undefined) return Either.right(commit)
  return Either.right(groupId !== undefined && enableAutoCommit ? "auto" : "none")
}

const fromOf = (
  { from, startFromLatest }: ReadOptions
): Either.Either<FromText | undefined, CommandError> => {
  if (!startFromLatest) return Either.right(from)
  return from === undefined
    ? Either.right(From.End())
    : Either.left(usageError("--from and --start-from-latest are two beginnings", "give one of them"))
}

const handOffOf = (options: ReadOptions): Either.Either<HandOffOptions | undefined, CommandError> => {
  const { asyncWorkMs, capacity, file, processDelayMs, unordered } = options
  if (asyncWorkMs === undefined) {
    return unordered || capacity !== undefined
      ? Either.left(
        usageError("--unordered and --capacity belong to --process async:TIME", "add it, or leave them out")
      )
      : Either.right(undefined)
  }
  if (file !== undefined) {
    return Either.left(usageError(
      "--process async does not go with --file: offsets are committed before the work has its result, and a file must " +
        "hold what is committed",
      "use --process-delay, or leave --file out"
    ))
  }
  if (processDelayMs !== undefined) {
    return Either.left(usageError("--process async and --process-delay are two kinds of work", "give one of them"))
  }
  return Either.right({ workMs: asyncWorkMs, capacity: capacity ?? capacityDefault, ordered: !unordered })
}

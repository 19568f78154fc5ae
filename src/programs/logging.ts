import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { Config } from "../domain/Config.js"

export interface LogOptions {
  readonly level: Config["logLevel"]
  readonly format: Config["logFormat"]
}

const levels = {
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warn: LogLevel.Warning,
  error: LogLevel.Error
} as const

/**
 * Replaces Effect's own logger, which writes to stdout, by one that writes lines to stderr: stdout is for data.
 * Annotations `thread` and `logger` take their places in the line, the rest follow the message.
 */
export const layer = (options: LogOptions): Layer.Layer<never> =>
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(lineLogger(options))).pipe(
    // One after the other: layers merged side by side are released in fibers of their own, where taking the logger out
    // again has no effect on this one.
    Layer.provideMerge(Logger.minimumLogLevel(levels[options.level]))
  )

/** One event, one line, in every format. Stack traces are for developers: only with level debug. */
export const lineLogger = ({ format, level }: LogOptions): Logger.Logger<unknown, string> =>
  Logger.make((options) => formats[format](eventOf(options, level === "debug")))

interface LogEvent {
  readonly time: string
  readonly level: string
  readonly thread: string
  readonly logger: string
  readonly message: string
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  readonly cause: string | undefined
}

const eventOf = (options: Logger.Logger.Options<unknown>, withStacks: boolean): LogEvent => {
  const { annotations, cause, date, logLevel, message } = options
  const fields = Array.from(HashMap.toEntries(annotations), ([name, value]) => [name, plain(value)] as const)
  const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  return {
    time: date.toISOString(),
    level: logLevel.label,
    thread: fields.find(([name]) => name === "thread")?.[1] ?? "main",
    logger: fields.find(([name]) => name === "logger")?.[1] ?? "tributary.Main",
    message: parts.map(plain).join(" "),
    fields: fields.filter(([name]) => name !== "thread" && name !== "logger").toSorted(byPlace),
    cause: Cause.isEmpty(cause)
      ? undefined
      : withStacks
      ? Cause.pretty(cause, { renderErrorCause: true })
      : compactCause(cause)
  }
}

/** Annotations come from a hash map; a line is easier to read, and to cut, when their order is always the same. */
const leading = ["group", "partition", "topic"]
const byPlace = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  leading.indexOf(b) - leading.indexOf(a) || (a < b ? -1 : 1)

const plain = (value: unknown): string =>
  value instanceof Error ? describeError(value) : Inspectable.toStringUnknown(value, 0)

/** What failed, by name and message, and why, as far as the errors tell: `SqlError: … <- Error: connect ECONNREFUSED`. */
export const compactCause = (cause: Cause.Cause<unknown>): string => {
  const reasons = [...Chunk.toReadonlyArray(Cause.failures(cause)), ...Chunk.toReadonlyArray(Cause.defects(cause))]
  return reasons.length === 0 ? "interrupted" : reasons.map(plain).join(" & ")
}

const describeError = (error: Error, depth = 0): string => {
  const own = error.message === "" ? error.name : `${error.name}: ${error.message}`
  const inner = error.cause
  // Wrapped errors often repeat the message of what they wrap; five levels say all that helps.
  if (!(inner instanceof Error) || depth === 4 || own.includes(inner.message)) return own
  return `${own} <- ${describeError(inner, depth + 1)}`
}

const oneLine = (text: string): string => text.trim().replace(/\s*[\r\n]+\s*/g, " | ")

const logfmtValue = (text: string): string => /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)

const formats: Record<Config["logFormat"], (event: LogEvent) => string> = {
  text: ({ cause, fields, level, logger, message, thread, time }) => {
    const listed = fields.map(([name, value]) => `${name}=${oneLine(value)}`).join(" ")
    const line = `${time} [${thread}] ${level} ${logger} - ${oneLine(message)}${listed === "" ? "" : ` [${listed}]`}`
    if (cause === undefined) return line
    // Only a stack trace, asked for by level debug, has several lines; they stay as they are.
    return cause.includes("\n    at ") ? `${line}\n${cause}` : `${line}: ${oneLine(cause)}`
  },
  json: ({ fields, ...event }) => JSON.stringify({ ...Object.fromEntries(fields), ...event }),
  logfmt: ({ cause, fields, level, logger, message, thread, time }) =>
    [
      ["time", time],
      ["level", level],
      ["thread", thread],
      ["logger", logger],
      ["message", message],
      ...fields,
      ...(cause === undefined ? [] : [["cause", cause]])
    ].map(([name = "", value = ""]) => `${name.replaceAll(/[\s"=]/g, "_")}=${logfmtValue(value)}`).join(" ")
}

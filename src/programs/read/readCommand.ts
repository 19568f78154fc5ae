import type * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Match from "effect/Match"
import type * as Scope from "effect/Scope"
import type { ClientConfig } from "../../domain/Config.js"
import type { Admin } from "../../layers/Admin.js"
import type { Consumer } from "../../layers/Consumer.js"
import type { RecordTimes } from "../../layers/RecordTimes.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import { makeAvroValues } from "./avroValues.js"
import { lines, plainValues, render, type Values } from "./formats.js"
import { offsetsSince } from "./from.js"
import { openFolder } from "./openFolder.js"
import { type OwnMembers, type ReadError, readGroup } from "./readGroup.js"
import type { PreparedRead } from "./prepare.js"
import type { ReadSettings } from "./settings.js"
import type { Sinks } from "./sink.js"
import { stdoutSinks } from "./stdoutSink.js"

/** Keeps a file locked against other processes until the scope closes. */
export type LockFile = (file: string) => Effect.Effect<void, { readonly message: string }, Scope.Scope>

type Services = Admin | Consumer | FileSystem.FileSystem | RecordTimes | SchemaRegistry

/** Reads a topic as the Java client does, until it is told to stop. */
export const readCommand = (
  { config, settings, warnings }: PreparedRead,
  lock: LockFile
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    for (const warning of warnings) yield* Effect.logWarning(warning)
    const sinks = yield* openSinks(config, settings, lock, settings.members > 1)
    yield* readInto({ settings }, sinks)
    return ExitCode.done
  }).pipe(
    Effect.scoped,
    Effect.onInterrupt(() => Console.error("Bye")),
    Effect.annotateLogs({ logger: "tributary.Read" })
  )

/** Reads with these settings until it is over; the one way of `read` for a topic and for each of several groups. */
export const readInto = (
  { settings }: Pick<PreparedRead, "settings">,
  sinks: Sinks,
  own?: OwnMembers
): Effect.Effect<void, CommandError, Admin | Consumer | RecordTimes> =>
  Effect.gen(function*() {
    const { from, ...known } = settings
    const start = from?._tag === "SinceTime"
      ? yield* Effect.mapError(offsetsSince(settings.topic, settings.isolation, from), commandError)
      : from
    const group = { ...known, ...(start === undefined ? {} : { from: start }) }
    yield* Effect.mapError(readGroup(group, sinks, own), readFailure)
  })

/** `named`: what goes to standard output begins with the name of its member. */
export const openSinks = (
  config: ClientConfig,
  { file, format, group, isolation, rotateBytes, valueFormat }: ReadSettings,
  lock: LockFile,
  named: boolean
): Effect.Effect<Sinks, CommandError, Admin | FileSystem.FileSystem | Scope.Scope | SchemaRegistry> =>
  Effect.gen(function*() {
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const avro = format === "avro" || valueFormat === "avro"
    if (avro && config.registryUrls.length === 0) {
      return yield* new CommandError({
        code: "TRB-1002",
        exit: ExitCode.configuration,
        what: "Avro values cannot be decoded without a schema registry",
        cure: "name it: --set kafka.schema.registry.url=http://HOST:8081"
      })
    }
    const values: Values = avro ? yield* makeAvroValues(backoff) : plainValues
    if (file === undefined) {
      return stdoutSinks(render(values, lines(format ?? (avro ? "avro" : "value"), isolation)), named)
    }
    if (group === undefined) {
      return yield* new CommandError({
        code: "TRB-1100",
        exit: ExitCode.usage,
        what: "--file wants a group: its positions are those of one",
        cure: "add --group NAME"
      })
    }
    return yield* openFolder({ folder: file, group, format, values, isolation, rotateBytes, backoff, lock })
  })

const readFailure = (failure: ReadError): CommandError =>
  Match.value(failure).pipe(
    Match.tag("CommandError", (error) => error),
    Match.tag("NoOffset", (error) =>
      new CommandError({
        code: "TRB-2404",
        exit: ExitCode.configuration,
        what: error.message,
        where: `${error.topic}-${error.partition}`,
        why: "auto.offset.reset=none: it is not to choose a place by itself",
        cure: "begin somewhere with --from, or use --property auto.offset.reset=earliest (or latest)"
      })),
    Match.tag("Unreadable", (error) =>
      new CommandError({
        code: "TRB-2405",
        exit: ExitCode.undecodable,
        what: "the log cannot be read on",
        why: error.reason,
        cure: "where a batch becomes too large, raise --set kafka.max.partition.fetch.bytes=N; otherwise read on "
          + "behind it: --from N; tributary log dump shows the batch"
      })),
    Match.orElse(commandError)
  )

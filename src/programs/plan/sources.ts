import * as FileSystem from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Config, settingsOf } from "../../domain/Config.js"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import type { Difference } from "../../domain/sql/evolution/Evolution.js"
import { planTable } from "../../domain/sql/plan/planTable.js"
import type { TablePlan } from "../../domain/sql/TablePlan.js"
import { nameOf, tableFor } from "../../domain/tableName.js"
import type { EvolutionPolicy, RecordFormat, TopicSettings } from "../../domain/TopicSettings.js"
import { type SchemaNotFound, SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import type { PlanOptions } from "./PlanOptions.js"

/** The table that a topic's records need, and where that is known from. */
export interface TopicPlan {
  readonly topic: string
  readonly table: string
  /** `subject orders-value v4 (id 37)`, `file order.avsc`. */
  readonly source: string
  /** Undefined where no registry has given it one. */
  readonly schemaId: number | undefined
  readonly version: number | undefined
  readonly policy: EvolutionPolicy
  readonly planned: Either.Either<TablePlan, ReadonlyArray<Difference>>
}

interface Source {
  readonly schema: AvroSchema
  readonly source: string
  readonly schemaId: number | undefined
  readonly version: number | undefined
}

/** A topic without the schema that its table is planned by. The other topics have theirs. */
class NotRegistered extends Data.TaggedError("NotRegistered")<{
  readonly subject: string
  readonly missing: SchemaNotFound
  readonly cure: string
}> {}

const parsed = (source: string, text: string, references: ReadonlyArray<string> = []) =>
  Either.mapLeft(parseSchema(text, references), (refused) =>
    new CommandError({
      code: "TRB-2801",
      exit: ExitCode.configuration,
      what: `${source} cannot be used: ${refused.message}`,
      cure: "correct the schema"
    }))

const fromFile = (path: string): Effect.Effect<Source, CommandError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(path), (error) =>
      new CommandError({
        code: "TRB-2802",
        exit: ExitCode.usage,
        what: `schema file ${path} cannot be read`,
        why: error.message,
        cure: "name a file with an Avro schema: --schema FILE.avsc"
      }))
    return {
      schema: yield* parsed(`file ${path}`, text),
      source: `file ${path}`,
      schemaId: undefined,
      version: undefined
    }
  })

const fromRegistry = (
  subject: string,
  version: number | undefined,
  cure: string
): Effect.Effect<Source, CommandError | NotRegistered, SchemaRegistry> =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const found = yield* Effect.mapError(registry.latest(subject, version), (error) =>
      error._tag === "SchemaNotFound" ? new NotRegistered({ subject, missing: error, cure }) : commandError(error))
    const source = `subject ${subject} v${found.version} (id ${found.id})`
    const schema = yield* parsed(source, found.schema, found.references)
    return { schema, source, schemaId: found.id, version: found.version }
  })

/** What is known of a part without asking anybody; undefined: its schemas are in the registry. */
const given = (format: RecordFormat, text: string | undefined, name: string) => {
  if (format === "string" || format === "bytes") return Either.right<AvroSchema | undefined>({ type: format })
  if (format === "avro") return Either.right(undefined)
  return text === undefined
    ? Either.left(
      new CommandError({
        code: "TRB-2803",
        exit: ExitCode.configuration,
        what: `${name}.format is json, and no schema says what its fields are`,
        cure: `name a file with an Avro schema in ${name}.schema`
      })
    )
    : parsed(`${name}.schema`, text)
}

const valueOf = (topic: string, settings: TopicSettings, options: PlanOptions) =>
  Effect.gen(function*() {
    if (options.schemaFile !== undefined) return yield* fromFile(options.schemaFile)
    const schema = yield* given(settings.valueFormat, settings.valueSchema, "value")
    if (schema !== undefined) {
      return { schema, source: `value.format=${settings.valueFormat}`, schemaId: undefined, version: undefined }
    }
    const cure = `name the subject that its producers use: --topic ${topic} --subject S; or a file: --schema FILE.avsc`
    const latest = yield* fromRegistry(options.subject ?? `${topic}-value`, options.version, cure)
    return settings.valueReaderSchema === undefined
      ? latest
      : { ...latest, schema: yield* parsed("value.reader.schema", settings.valueReaderSchema) }
  })

const keyOf = (topic: string, settings: TopicSettings) =>
  Effect.gen(function*() {
    if (settings.keyMode !== "record_key") return {}
    const schema = yield* given(settings.keyFormat, settings.keySchema, "key")
    const subject = `${topic}-key`
    const cure = `register the schema of the topic's keys as ${subject}, or say by key.format what else they are`
    return { keySchema: schema ?? (yield* fromRegistry(subject, undefined, cure)).schema }
  })

/** The configuration's policy, and what the command line allows beyond it. */
const policyOf = ({ evolution }: TopicSettings, options: PlanOptions): EvolutionPolicy => ({
  mode: options.allowWiden ? "widen" : evolution.mode,
  allowCopy: options.allowCopy || evolution.allowCopy
})

const unplanned = (
  settings: TopicSettings,
  options: PlanOptions,
  topic: string,
  { cure, missing, subject }: NotRegistered
): TopicPlan => ({
  topic,
  table: nameOf(settings, topic),
  source: `subject ${subject}`,
  schemaId: undefined,
  version: undefined,
  policy: policyOf(settings, options),
  planned: Either.left([{ what: missing.message, cure }])
})

/** What a topic's newest schemas, or the ones asked for, make of its table. */
export const topicPlan = (
  config: Pick<Config, "tables">,
  options: PlanOptions,
  topic: string
): Effect.Effect<TopicPlan, CommandError, SchemaRegistry | FileSystem.FileSystem> => {
  const settings = settingsOf(config, topic)
  const isAsked = options.subject !== undefined || options.version !== undefined
  return Effect.gen(function*() {
    const { schema, ...source } = yield* valueOf(topic, settings, options)
    const table = tableFor(settings, topic, schema.type === "record" ? schema.name : undefined)
    const key = yield* keyOf(topic, settings)
    const planned = Either.mapLeft(
      planTable({ topic, table, schema, schemaId: source.schemaId ?? 0, settings, ...key }),
      (problems) => problems.map(({ cure, message }): Difference => ({ what: message, cure }))
    )
    return { topic, table, ...source, policy: policyOf(settings, options), planned }
  }).pipe(Effect.catchTag("NotRegistered", (error) =>
    // Whoever names a subject is told by the exit code that there is none.
    isAsked ? Effect.fail(commandError(error.missing)) : Effect.succeed(unplanned(settings, options, topic, error))))
}

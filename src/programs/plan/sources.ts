import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Config, settingsOf } from "../../domain/Config.js"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import { planTable } from "../../domain/sql/plan/planTable.js"
import type { SetupProblem } from "../../domain/sql/plan/SetupProblem.js"
import type { TablePlan } from "../../domain/sql/TablePlan.js"
import { tableFor } from "../../domain/tableName.js"
import type { EvolutionPolicy, RecordFormat, TopicSettings } from "../../domain/TopicSettings.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import type { PlanOptions } from "./PlanOptions.js"

/** The table that a topic's records need, and where that is known from. */
export interface TopicPlan {
  readonly topic: string
  readonly table: string
  /** `subject orders-value v4 (id 37)`, `file order.avsc`. */
  readonly source: string
  readonly schemaId: number
  readonly version: number | undefined
  readonly policy: EvolutionPolicy
  readonly planned: Either.Either<TablePlan, ReadonlyArray<SetupProblem>>
}

interface Source {
  readonly schema: AvroSchema
  readonly source: string
  readonly schemaId: number
  readonly version: number | undefined
}

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
    return { schema: yield* parsed(`file ${path}`, text), source: `file ${path}`, schemaId: 0, version: undefined }
  })

const fromRegistry = (
  subject: string,
  version: number | undefined
): Effect.Effect<Source, CommandError, SchemaRegistry> =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const found = yield* Effect.mapError(registry.latest(subject, version), commandError)
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
      return { schema, source: `value.format=${settings.valueFormat}`, schemaId: 0, version: undefined }
    }
    const latest = yield* fromRegistry(options.subject ?? `${topic}-value`, options.version)
    return settings.valueReaderSchema === undefined
      ? latest
      : { ...latest, schema: yield* parsed("value.reader.schema", settings.valueReaderSchema) }
  })

const keyOf = (topic: string, settings: TopicSettings) =>
  Effect.gen(function*() {
    if (settings.keyMode !== "record_key") return {}
    const schema = yield* given(settings.keyFormat, settings.keySchema, "key")
    return { keySchema: schema ?? (yield* fromRegistry(`${topic}-key`, undefined)).schema }
  })

/** The configuration's policy, and what the command line allows beyond it. */
const policyOf = ({ evolution }: TopicSettings, options: PlanOptions): EvolutionPolicy => ({
  mode: options.allowWiden ? "widen" : evolution.mode,
  allowCopy: options.allowCopy || evolution.allowCopy
})

/** What a topic's newest schemas, or the ones asked for, make of its table. */
export const topicPlan = (
  config: Pick<Config, "tables">,
  options: PlanOptions,
  topic: string
): Effect.Effect<TopicPlan, CommandError, SchemaRegistry | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const settings = settingsOf(config, topic)
    const { schema, ...source } = yield* valueOf(topic, settings, options)
    const table = tableFor(settings, topic, schema.type === "record" ? schema.name : undefined)
    const key = yield* keyOf(topic, settings)
    const planned = planTable({ topic, table, schema, schemaId: source.schemaId, settings, ...key })
    return { topic, table, ...source, policy: policyOf(settings, options), planned }
  })

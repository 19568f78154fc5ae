import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import type { TopicSettings } from "../../domain/TopicSettings.js"
import { readFrame, type SchemaName, schemaNameOf, schemaNameText } from "../../domain/WireFormat.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { type Backoff, throughOutage } from "../outage.js"
import { bytesCodec, jsonCodec, stringCodec } from "./givenCodec.js"
import type { PartCodec, PartDecoder, PartFrame, SchemaProblem } from "./PartDecoder.js"
import { type CodecError, registryCodec, Unusable } from "./registryCodec.js"

/** A registry that answers 404 may only be behind its own leader: an id counts as unknown after this many seconds. */
const patienceSeconds = 30
/** While an id is known to be unknown, the registry has had its time: bytes that are no Avro name a new one each. */
const patienceSecondsThen = 3
/** How long a record's problem with its schema is the next record's, without asking again, or without waiting again. */
const problemMs = 30_000
/** Compiled schemas, and problems, that one decoder keeps; the oldest goes first. */
const kept = 1_000

export interface PartDecoderOptions {
  readonly part: "key" | "value"
  readonly topic: string
  readonly settings: TopicSettings
  readonly backoff: Backoff
}

/** The decoder of a topic's keys or values, in the format that its settings name. */
export const makePartDecoder = (options: PartDecoderOptions): Effect.Effect<PartDecoder, never, SchemaRegistry> => {
  const { part, settings: { recordMaxBytes, ...settings } } = options
  const [format, schema] = part === "key"
    ? [settings.keyFormat, settings.keySchema]
    : [settings.valueFormat, settings.valueSchema]
  return Effect.map(SchemaRegistry, (registry) => {
    const decoder = format === "avro"
      ? registryDecoder(registry, options)
      : givenDecoder(options, format === "string" ? stringCodec : format === "bytes" ? bytesCodec : schema)
    const tooLarge: Either.Either<never, string> = Either.left(
      `it is larger than record.max.bytes (${recordMaxBytes} bytes)`
    )
    return {
      ...decoder,
      frame: (record, bytes) => bytes.length > recordMaxBytes ? tooLarge : decoder.frame(record, bytes)
    }
  })
}

/** Of a format in which every record has the same schema: the codec itself, or the schema of JSON. */
const givenDecoder = ({ part, topic }: PartDecoderOptions, given: PartCodec | string | undefined): PartDecoder => {
  const unusable = (why: string) =>
    new Unusable({
      kind: "setup",
      what: `${part}.schema of topic ${topic}: ${why}`,
      cure: `name a file with the Avro schema of the JSON in ${part}.schema`
    })
  const codec: Either.Either<PartCodec, Unusable> = typeof given === "string"
    ? Either.mapLeft(jsonCodec(given), (refused) => unusable(refused.message))
    : Either.fromNullable(given, () => unusable("it is not set"))
  const known = Either.getOrUndefined(codec)
  const frame: Either.Either<PartFrame, string> = Either.right({ schemaKey: known?.schemaKey ?? "json", start: 0 })
  return { frame: () => frame, codec: () => known, load: () => codec }
}

/** A map that forgets what it was told first. */
const remember = <V>(map: Map<string, V>, key: string, value: V): void => {
  const oldest = map.size >= kept ? map.keys().next() : undefined
  if (oldest?.done === false) map.delete(oldest.value)
  map.set(key, value)
}

/** Avro whose schemas the records name. */
const registryDecoder = (
  registry: typeof SchemaRegistry.Service,
  { backoff, part, settings, topic }: PartDecoderOptions
): PartDecoder => {
  const codecs = new Map<string, PartCodec>()
  const problems = new Map<
    string,
    { readonly problem: Unusable; readonly untilMs: number; readonly isUnknown: boolean }
  >()
  const idFormat = part === "key" ? settings.keyWireFormat : settings.valueWireFormat
  const reader: Either.Either<AvroSchema | undefined, Unusable> =
    part === "value" && settings.valueReaderSchema !== undefined
      ? readerSchema(settings.valueReaderSchema, topic)
      : Either.right(undefined)
  const inTurn = Effect.unsafeMakeSemaphore(1)
  let unknownUntilMs = 0

  const ask = (name: SchemaName, schemaKey: string, isKnownUnknown: boolean) =>
    Effect.gen(function*() {
      const now = yield* elapsedMillis
      const seconds = isKnownUnknown ? 0 : now < unknownUntilMs ? patienceSecondsThen : patienceSeconds
      const patient = Effect.retry(registryCodec(registry, name, { inTurn, reader: yield* reader }), {
        while: (error) => error._tag === "SchemaNotFound",
        schedule: Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(seconds))
      })
      return yield* throughOutage(`schema ${schemaKey} of topic ${topic}`, backoff, patient, ["RegistryUnavailable"])
    })

  const remembered = (schemaKey: string) => (error: Exclude<CodecError, { readonly _tag: "RegistryUnavailable" }>) =>
    Effect.gen(function*() {
      const problem = problemOf(error)
      const now = yield* elapsedMillis
      const isUnknown = error._tag === "SchemaNotFound"
      const isKnown = now < (problems.get(schemaKey)?.untilMs ?? 0)
      if (problem.kind === "record") remember(problems, schemaKey, { problem, untilMs: now + problemMs, isUnknown })
      // Not renewed by an id that comes again and again: others would never have their patience back.
      if (isUnknown && !isKnown) unknownUntilMs = now + problemMs
      return yield* problem
    })

  const load = (schemaKey: string): Effect.Effect<PartCodec, SchemaProblem> =>
    Effect.gen(function*() {
      const name = schemaNameOf(schemaKey)
      const known = codecs.get(schemaKey)
      if (known !== undefined) return known
      if (name === undefined) return yield* Effect.dieMessage(`${schemaKey} is no key that frame gives`)
      const before = problems.get(schemaKey)
      const isKnown = before !== undefined && (yield* elapsedMillis) < before.untilMs
      if (isKnown && !before.isUnknown) return yield* before.problem
      // An id that was unknown is asked for once more, without waiting: ids are given in turn, and this may be the one
      // that a producer has just been given. The registry's own memory keeps that from being a request per batch.
      const made = yield* Effect.catchAll(ask(name, schemaKey, isKnown), remembered(schemaKey))
      remember(codecs, schemaKey, made)
      return made
    })

  const frame: PartDecoder["frame"] = ({ headers }, bytes) =>
    Either.mapBoth(readFrame(part, headers, bytes, idFormat), {
      onLeft: ({ reason }) => reason,
      onRight: ({ name, start }) => ({ schemaKey: schemaNameText(name), start })
    })

  return { frame, codec: (schemaKey) => codecs.get(schemaKey), load }
}

const readerSchema = (text: string, topic: string): Either.Either<AvroSchema, Unusable> =>
  Either.mapLeft(parseSchema(text), (refused) =>
    new Unusable({
      kind: "setup",
      what: `value.reader.schema of topic ${topic}: ${refused.message}`,
      cure: "correct the schema in that file"
    }))

const problemOf = (error: Exclude<CodecError, { readonly _tag: "RegistryUnavailable" }>): Unusable => {
  switch (error._tag) {
    case "SchemaProblem":
      return error
    case "SchemaNotFound":
      return new Unusable({
        kind: "record",
        what: error.message,
        cure: "check schema.registry.url: the producer may use another registry"
      })
    case "RegistryRefused":
      return new Unusable({
        kind: error.kind === "schema" ? "record" : "setup",
        what: error.message,
        cure: error.cure
      })
  }
}

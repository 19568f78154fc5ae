import * as Cache from "effect/Cache"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { type Config, settingsOf } from "../domain/Config.js"
import type { DeadLetter, RecordError } from "../domain/DeadLetter.js"
import type { KafkaRecord } from "../domain/KafkaRecord.js"
import { makeChangeBatch } from "../domain/sql/changes.js"
import { planTable } from "../domain/sql/columns.js"
import { makeRowEncoder, type RowEncoder } from "../domain/sql/rowEncoder.js"
import type { TopicSettings } from "../domain/TopicSettings.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { makePartDecoder } from "./decode/makePartDecoder.js"
import type { PartCodec, PartDecoder } from "./decode/PartDecoder.js"
import { type Backoff, throughOutage } from "./outage.js"

/** Why records cannot be written, and what to do about it. */
export interface RecordProblem {
  readonly what: string
  readonly cure: string
  /** Where the record alone is to blame: it can become a dead letter. Absent: somebody has to set something right. */
  readonly record?: { readonly schemaId: number | undefined; readonly error: RecordError }
}

/** The longest part of the records that can be written, as statements, and what is wrong with the record behind it. */
export interface Encoded {
  readonly statements: ReadonlyArray<string>
  /** Dead letters among those records; none where the policy is to stop. */
  readonly letters: ReadonlyArray<DeadLetter>
  readonly count: number
  readonly problem: RecordProblem | undefined
}

export interface TopicEncoders {
  /** Waits for schemas that are not known yet, for as long as the registry or the database is out. */
  readonly encode: (
    records: ReadonlyArray<KafkaRecord>,
    sourceId: number,
    partition: number
  ) => Effect.Effect<Encoded>
  /** Looks every schema's table up again: the catalog has changed under us. */
  readonly forget: Effect.Effect<void>
}

/** The schema's table cannot be used: the record that names it stops its partition. */
class TableUnusable extends Data.TaggedError("TableUnusable")<RecordProblem> {}

/** Compiled once per schema id and shared by the topic's partitions: one request, one CREATE TABLE, one encoder. */
export const makeTopicEncoders = (
  config: Config,
  topic: string,
  table: string
): Effect.Effect<TopicEncoders, never, SchemaRegistry | Destination> =>
  Effect.gen(function*() {
    const backoff: Backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const settings = settingsOf(config, topic)
    const values = yield* makePartDecoder({ part: "value", topic, settings, backoff })
    const compiled = new Map<string, RowEncoder>()
    const load = yield* loader(topic, table, settings, values, backoff)
    const cache = yield* Cache.makeWith({
      capacity: 10_000,
      lookup: load,
      // A failure is looked up again: the schema may be registered, or the table changed, in the meantime.
      timeToLive: (exit) => Exit.isSuccess(exit) ? Duration.infinity : Duration.zero
    })
    const encode = (records: ReadonlyArray<KafkaRecord>, sourceId: number, partition: number): Effect.Effect<Encoded> =>
      Effect.gen(function*() {
        while (true) {
          const result = encodeKnown(values, compiled, records, sourceId, partition, config.batchMaxBytes)
          if (result._tag === "Encoded") return result.encoded
          const { before, schemaKey } = result
          const loaded = yield* Effect.either(cache.get(schemaKey))
          if (Either.isLeft(loaded)) return { ...before, problem: loaded.left }
          compiled.set(schemaKey, loaded.right)
        }
      })
    const forget = Effect.zipRight(Effect.sync(() => compiled.clear()), cache.invalidateAll)
    return { encode, forget }
  })

type Step =
  | { readonly _tag: "Encoded"; readonly encoded: Encoded }
  | { readonly _tag: "SchemaMissing"; readonly schemaKey: string; readonly before: Encoded }

/** Plain code per record, no effects. A tombstone makes no row (`tombstones = ignore`); the offset still moves past it. */
const encodeKnown = (
  values: PartDecoder,
  compiled: ReadonlyMap<string, RowEncoder>,
  records: ReadonlyArray<KafkaRecord>,
  sourceId: number,
  partition: number,
  bytesMax: number
): Step => {
  const changes = makeChangeBatch(bytesMax)
  const upTo = (count: number, problem?: RecordProblem): Encoded => ({
    statements: changes.take(),
    letters: [],
    count,
    problem
  })
  for (const [index, record] of records.entries()) {
    if (record.value === null) continue
    const framed = values.frame(record, record.value)
    if (Either.isLeft(framed)) return { _tag: "Encoded", encoded: upTo(index, undecodable(undefined, framed.left)) }
    const { schemaKey, start } = framed.right
    const codec = values.codec(schemaKey)
    const encoder = compiled.get(schemaKey)
    if (codec === undefined || encoder === undefined) return { _tag: "SchemaMissing", schemaKey, before: upTo(index) }
    const value = codec.decode(record.value, start)
    if (Either.isLeft(value)) {
      const reason = `does not fit its schema (${schemaKey}): ${value.left}`
      return { _tag: "Encoded", encoded: upTo(index, undecodable(codec.schemaId, reason)) }
    }
    const change = encoder.write({ record, key: undefined, value: value.right, sourceId, partition })
    if (Either.isLeft(change)) {
      const { column, reason } = change.left
      return { _tag: "Encoded", encoded: upTo(index, unstorable(codec.schemaId, column, reason)) }
    }
    changes.add(change.right)
  }
  return { _tag: "Encoded", encoded: upTo(records.length) }
}

const undecodable = (schemaId: number | undefined, why: string): RecordProblem => ({
  what: `cannot be decoded: ${why}`,
  cure: "check schema.registry.url and the producer's serializer",
  record: { schemaId, error: { class: "undecodable", code: 0, message: why, column: undefined } }
})

const unstorable = (schemaId: number | undefined, column: string, reason: string): RecordProblem => ({
  what: `cannot be stored exactly: field ${column}: ${reason}`,
  cure: "the record itself is wrong: correct its producer",
  record: { schemaId, error: { class: "unstorable", code: 0, message: reason, column } }
})

/** Schema → compiled encoder: map to columns, make the table ready. DDL runs here, never in a batch. */
const loader = (
  topic: string,
  table: string,
  settings: TopicSettings,
  values: PartDecoder,
  backoff: Backoff
): Effect.Effect<(schemaKey: string) => Effect.Effect<RowEncoder, TableUnusable>, never, Destination> =>
  Effect.map(Destination, (destination) => {
    const encoderOf = ({ schema, schemaId, schemaKey }: PartCodec) =>
      Effect.gen(function*() {
        const plan = yield* Effect.mapError(
          planTable({ topic, schemaId: schemaId ?? 0, table, schema, settings }),
          (problems) =>
            new TableUnusable({
              what: problems.map((problem) => problem.message).join(" | "),
              cure: "until then this topic cannot be written to this table"
            })
        )
        const ready = destination.ensureTable(plan, settings.evolution)
        const dialect = yield* destination.dialect
        const shape = yield* ready
        return makeRowEncoder(dialect, plan, shape)
      }).pipe((made) =>
        throughOutage(`schema ${schemaKey} of topic ${topic}`, backoff, made, ["DestinationUnavailable"])
      )
    return (schemaKey) =>
      Effect.gen(function*() {
        const codec = yield* values.load(schemaKey)
        return yield* encoderOf(codec)
      }).pipe(
        Effect.mapError((error): TableUnusable =>
          error._tag === "TableUnusable" ? error : new TableUnusable({ what: error.what, cure: error.cure })
        )
      )
  })

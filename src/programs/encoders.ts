import * as Cache from "effect/Cache"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type { Config } from "../domain/Config.js"
import type { KafkaRecord } from "../domain/KafkaRecord.js"
import { planTable } from "../domain/sql/columns.js"
import { makeRowEncoder, type RowEncoder } from "../domain/sql/rowEncoder.js"
import { makeStatementBuilder } from "../domain/sql/statements.js"
import { readFrame } from "../domain/WireFormat.js"
import { type AvroCodec, compile } from "../layers/avro/AvroCodec.js"
import { Destination, type DestinationError } from "../layers/Destination.js"
import { type RegistryRefused, type SchemaNotFound, SchemaRegistry } from "../layers/SchemaRegistry.js"
import { type Backoff, throughOutage } from "./outage.js"

/** A registry that answers 404 may only be behind its own leader: an id counts as unknown after this long. */
const unknownIdTries = 30

/** Why a record cannot be written, and what to do about it. */
export interface RecordProblem {
  readonly what: string
  readonly cure: string
}

/** The longest part of the records that can be written, as statements, and what is wrong with the record behind it. */
export interface Encoded {
  readonly statements: ReadonlyArray<string>
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

interface SchemaEncoder {
  readonly codec: AvroCodec
  readonly rows: RowEncoder
}

/** The schema itself cannot be used: the record that names it stops its partition. */
class SchemaUnusable extends Data.TaggedError("SchemaUnusable")<RecordProblem> {
  override get message(): string {
    return `${this.what}; ${this.cure}`
  }
}

/** Compiled once per schema id and shared by the topic's partitions: one request, one CREATE TABLE, one encoder. */
export const makeTopicEncoders = (
  config: Config,
  topic: string,
  table: string
): Effect.Effect<TopicEncoders, never, SchemaRegistry | Destination> =>
  Effect.gen(function*() {
    const backoff: Backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const compiled = new Map<number, SchemaEncoder>()
    const load = yield* loader(topic, table, backoff)
    const cache = yield* Cache.makeWith({
      capacity: 10_000,
      lookup: load,
      // A failure is looked up again: the schema may be registered, or the table changed, in the meantime.
      timeToLive: (exit) => Exit.isSuccess(exit) ? Duration.infinity : Duration.zero
    })
    const encode = (records: ReadonlyArray<KafkaRecord>, sourceId: number, partition: number): Effect.Effect<Encoded> =>
      Effect.gen(function*() {
        while (true) {
          const result = encodeKnown(compiled, records, sourceId, partition, config.batchMaxBytes)
          if (result._tag === "Encoded") return result.encoded
          const { before, id } = result
          const loaded = yield* Effect.either(cache.get(id))
          if (Either.isLeft(loaded)) return { ...before, problem: { what: loaded.left.what, cure: loaded.left.cure } }
          compiled.set(id, loaded.right)
        }
      })
    const forget = Effect.zipRight(Effect.sync(() => compiled.clear()), cache.invalidateAll)
    return { encode, forget }
  })

type Step =
  | { readonly _tag: "Encoded"; readonly encoded: Encoded }
  | { readonly _tag: "SchemaMissing"; readonly id: number; readonly before: Encoded }

/** Plain code per record, no effects. A tombstone makes no row (`tombstones = ignore`); the offset still moves past it. */
const encodeKnown = (
  compiled: ReadonlyMap<number, SchemaEncoder>,
  records: ReadonlyArray<KafkaRecord>,
  sourceId: number,
  partition: number,
  bytesMax: number
): Step => {
  const statements = makeStatementBuilder(bytesMax)
  const upTo = (count: number, problem?: RecordProblem): Encoded => ({
    statements: statements.take(),
    count,
    problem
  })
  for (const [index, record] of records.entries()) {
    if (record.value === null) continue
    const framed = readFrame(record.value)
    if (Either.isLeft(framed)) return { _tag: "Encoded", encoded: upTo(index, undecodable(framed.left.reason)) }
    const { schemaId: id, start } = framed.right
    const encoder = compiled.get(id)
    if (encoder === undefined) return { _tag: "SchemaMissing", id, before: upTo(index) }
    const value = encoder.codec.decode(record.value, start)
    if (Either.isLeft(value)) {
      return { _tag: "Encoded", encoded: upTo(index, undecodable(`does not fit its schema (id ${id}): ${value.left}`)) }
    }
    const row = encoder.rows.row(value.right, sourceId, partition, record.offset)
    if (Either.isLeft(row)) {
      const { column, reason } = row.left
      return { _tag: "Encoded", encoded: upTo(index, unstorable(column, reason)) }
    }
    statements.add(encoder.rows.head, row.right)
  }
  return { _tag: "Encoded", encoded: upTo(records.length) }
}

const undecodable = (why: string): RecordProblem => ({
  what: `cannot be decoded: ${why}`,
  cure: "check schema.registry.url and the producer's serializer"
})

const unstorable = (column: string, reason: string): RecordProblem => ({
  what: `cannot be stored exactly: field ${column}: ${reason}`,
  cure: "the record itself is wrong: correct its producer"
})

const unavailable = ["DestinationUnavailable", "RegistryUnavailable"] as const

/** Schema id → compiled encoder: fetch, compile, map to columns, make the table ready. DDL runs here, never in a batch. */
const loader = (
  topic: string,
  table: string,
  backoff: Backoff
): Effect.Effect<(id: number) => Effect.Effect<SchemaEncoder, SchemaUnusable>, never, SchemaRegistry | Destination> =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const destination = yield* Destination
    const load = (id: number) =>
      Effect.gen(function*() {
        const { schema } = yield* registry.byId(id)
        const codec = yield* Effect.mapError(compile(schema), (refused) =>
          new SchemaUnusable({
            what: `schema id ${id} of topic ${topic}: ${refused.message}`,
            cure: "register a valid Avro schema"
          }))
        const plan = yield* Effect.mapError(
          planTable({ topic, schemaId: id, table, schema: codec.schema }),
          (problems) =>
            new SchemaUnusable({
              what: problems.map((problem) => problem.message).join(" | "),
              cure: "until then this topic cannot be written to this table"
            })
        )
        const { keyColumns } = yield* destination.ensureTable(plan)
        return { codec, rows: makeRowEncoder(destination.dialect, plan, keyColumns) }
      })
    return (id) => {
      const patient = Effect.retry(load(id), {
        while: (error) => error._tag === "SchemaNotFound",
        schedule: Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(unknownIdTries))
      })
      return throughOutage(`schema id ${id} of topic ${topic}`, backoff, patient, unavailable).pipe(
        Effect.mapError(unusable)
      )
    }
  })

const unusable = (
  error:
    | SchemaUnusable
    | Exclude<DestinationError, { _tag: "DestinationUnavailable" }>
    | SchemaNotFound
    | RegistryRefused
): SchemaUnusable => {
  switch (error._tag) {
    case "SchemaUnusable":
      return error
    case "DestinationRefused":
      return new SchemaUnusable({ what: error.what, cure: error.cure })
    case "SchemaNotFound":
      return new SchemaUnusable({
        what: error.message,
        cure: "check kafka.schema.registry.url: the producer may use another registry"
      })
    case "RegistryRefused":
      return new SchemaUnusable({ what: error.message, cure: "check the registry's URL and access rules" })
  }
}

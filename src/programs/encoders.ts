import * as Cache from "effect/Cache"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Config, groupOf, settingsOf } from "../domain/Config.js"
import { type DeadLetter, type RecordError, schemaIdMax } from "../domain/DeadLetter.js"
import type { KafkaRecord } from "../domain/KafkaRecord.js"
import { type ChangeBatch, makeChangeBatch } from "../domain/sql/changes.js"
import type { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { makePartDecoder } from "./decode/makePartDecoder.js"
import type { SchemaProblem } from "./decode/PartDecoder.js"
import {
  type Compiled,
  type EncodedRecord,
  encodeRecord,
  missingSchemas,
  refusedKey,
  refusedRecord,
  rowsKey,
  schemaIdOf,
  type Wanted
} from "./encode/recordEncoder.js"
import type { BadRecord, RecordProblem } from "./encode/RecordProblem.js"
import { makeTableEncoders, type TableEncoders, type TableUnusable } from "./encode/tableEncoders.js"
import { othersTurn } from "./othersTurn.js"
import type { Backoff } from "./outage.js"

/** The longest part of the records that can be written, as statements, and what is wrong with the record behind it. */
export interface Encoded {
  readonly statements: ReadonlyArray<string>
  /** Dead letters among those records; none where the policy is to stop. */
  readonly letters: ReadonlyArray<DeadLetter>
  readonly count: number
  /** Records without a value among those records that delete nothing. */
  readonly tombstonesIgnored: number
  readonly problem: RecordProblem | undefined
}

export interface TopicEncoders {
  /** Waits for schemas that are not known yet, for as long as the registry or the database is out. */
  readonly encode: (
    records: ReadonlyArray<KafkaRecord>,
    sourceId: number,
    partition: number
  ) => Effect.Effect<Encoded>
  /** One record by itself, for whoever writes records one by one. Waits as `encode` does. */
  readonly change: (
    record: KafkaRecord,
    sourceId: number,
    partition: number
  ) => Effect.Effect<Exclude<EncodedRecord, { readonly _tag: "Missing" }>>
  /** The letter about a record that the database has refused. */
  readonly letter: (record: KafkaRecord, error: RecordError, sourceId: number, partition: number) => DeadLetter
  /** Looks every schema's table up again: the catalog has changed under us. */
  readonly forget: Effect.Effect<void>
}

/** Schemas asked for at once, so that a batch of records with as many unknown ids does not wait for each in turn. */
const loadsAtOnce = 16

/** Compiled once per schema and shared by the topic's partitions: one request, one CREATE TABLE, one encoder. */
export const makeTopicEncoders = (
  config: Config,
  topic: string
): Effect.Effect<TopicEncoders, never, SchemaRegistry | Destination> =>
  Effect.gen(function*() {
    const backoff: Backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const settings = settingsOf(config, topic)
    const group = groupOf(config, topic)
    const compiled: Compiled = {
      settings,
      values: yield* makePartDecoder({ part: "value", topic, settings, backoff }),
      keys: yield* makePartDecoder({ part: "key", topic, settings, backoff }),
      rows: new Map(),
      deletes: new Map(),
      refused: new Map()
    }
    const tables = yield* makeTableEncoders(topic, settings, backoff)
    const loading = yield* Cache.make({
      capacity: 10_000,
      timeToLive: Duration.infinity,
      lookup: (wanted: Wanted) => compile(compiled, tables, wanted)
    })
    // What is compiled is kept in `compiled`; here only who asks at the same time waits for one answer. Who has asked may
    // be interrupted, because its partition is revoked, and the others with it: then the next one asks.
    const loadOnce = (wanted: Wanted): Effect.Effect<void, TableUnusable | SchemaProblem> =>
      loading.get(wanted).pipe(
        Effect.ensuring(loading.invalidate(wanted)),
        Effect.catchAllCause((cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.zipRight(Effect.yieldNow(), loadOnce(wanted))
            : Effect.failCause(cause)
        )
      )
    // For one batch at most: the decoder knows until when a schema need not be asked for again.
    const forgetRefused = Effect.sync(() => compiled.refused.clear())
    const letterOf = (record: KafkaRecord, { error, schemaId }: BadRecord, sourceId: number, partition: number) => ({
      topic,
      partition,
      group,
      sourceId,
      record,
      schemaId: schemaId !== undefined && schemaId <= schemaIdMax ? schemaId : undefined,
      error
    })
    const encode: TopicEncoders["encode"] = (records, sourceId, partition) =>
      Effect.gen(function*() {
        yield* forgetRefused
        const clock = yield* Effect.clock
        // Whoever else writes the topic may have made the table meanwhile.
        for (const [keyKey, remover] of compiled.deletes) if (remover === undefined) compiled.deletes.delete(keyKey)
        const dialect = yield* Effect.either(tables.dialect)
        if (Either.isLeft(dialect)) return nothing(dialect.left)
        const pass = makePass(makeChangeBatch(dialect.right, config.batchMaxBytes))
        const finish = (problem?: RecordProblem): Encoded => ({
          statements: pass.changes.take(),
          letters: pass.bad.map(([record, bad]) => letterOf(record, bad, sourceId, partition)),
          count: pass.count,
          tombstonesIgnored: pass.tombstonesIgnored,
          problem
        })
        while (true) {
          const turnEndsMs = clock.unsafeCurrentTimeMillis() + turnMs
          const isOver = () => clock.unsafeCurrentTimeMillis() >= turnEndsMs
          const step = encodeOn(compiled, pass, records, sourceId, partition, isOver)
          if (step._tag === "Done") return finish(step.problem)
          if (step._tag === "Turn") {
            yield* othersTurn
            continue
          }
          const wanted = schemasAhead(compiled, records.slice(pass.count), step.wanted)
          // To the end, also where one fails: others may wait for the rest, and would be interrupted with it.
          const loaded = yield* Effect.forEach(wanted, (one) => Effect.either(loadOnce(one)), {
            concurrency: loadsAtOnce
          })
          // The first is what the next record needs. What others need is asked for again when it is their turn.
          const [next] = loaded
          if (next !== undefined && Either.isLeft(next)) return finish({ what: next.left.what, cure: next.left.cure })
        }
      })
    const change: TopicEncoders["change"] = (record, sourceId, partition) =>
      Effect.zipRight(forgetRefused, encodeAlone(compiled, loadOnce, record, sourceId, partition))
    const forget = Effect.sync(() => {
      compiled.rows.clear()
      compiled.deletes.clear()
    })
    const letter: TopicEncoders["letter"] = (record, error, sourceId, partition) =>
      letterOf(record, { error, schemaId: schemaIdOf(compiled, record) }, sourceId, partition)
    return { encode, change, letter, forget }
  })

const nothing = ({ cure, what }: RecordProblem): Encoded => ({
  statements: [],
  letters: [],
  count: 0,
  tombstonesIgnored: 0,
  problem: { what, cure }
})

/** How far a batch has come. */
interface Pass {
  readonly changes: ChangeBatch
  readonly bad: Array<readonly [KafkaRecord, BadRecord]>
  count: number
  tombstonesIgnored: number
}
const makePass = (changes: ChangeBatch): Pass => ({ changes, bad: [], count: 0, tombstonesIgnored: 0 })

/**
 * A record takes microseconds, one that somebody has made to cost as much as it may 50 ms, and a batch holds many. After
 * this time sockets and timers get their turn, between two records.
 */
const turnMs = 10

type Step =
  | { readonly _tag: "Turn" }
  | { readonly _tag: "Done"; readonly problem: RecordProblem | undefined }
  | { readonly _tag: "Missing"; readonly wanted: Wanted }

const letLetters = "let such records become dead letters: errors=dead-letter, then restart"

/** Goes on until the batch ends, something has to be loaded, or its turn is over. Plain code per record, no effects. */
const encodeOn = (
  compiled: Compiled,
  pass: Pass,
  records: ReadonlyArray<KafkaRecord>,
  sourceId: number,
  partition: number,
  isOver: () => boolean
): Step => {
  const stops = compiled.settings.errors.records === "stop"
  for (let record = records[pass.count]; record !== undefined; record = records[pass.count]) {
    const encoded = encodeRecord(compiled, record, sourceId, partition)
    if (encoded._tag === "Missing") return encoded
    if (encoded._tag === "Problem") {
      const { problem } = encoded
      if (problem.record === undefined) return { _tag: "Done", problem }
      if (stops) return { _tag: "Done", problem: { ...problem, cure: `${problem.cure}; or ${letLetters}` } }
      pass.bad.push([record, problem.record])
    }
    if (encoded._tag === "Change") pass.changes.add(encoded.change)
    if (encoded._tag === "Ignored") pass.tombstonesIgnored += 1
    pass.count += 1
    if (isOver() && pass.count < records.length) return { _tag: "Turn" }
  }
  return { _tag: "Done", problem: undefined }
}

const encodeAlone = (
  compiled: Compiled,
  load: (wanted: Wanted) => Effect.Effect<void, TableUnusable | SchemaProblem>,
  record: KafkaRecord,
  sourceId: number,
  partition: number
): ReturnType<TopicEncoders["change"]> =>
  Effect.gen(function*() {
    while (true) {
      const encoded = encodeRecord(compiled, record, sourceId, partition)
      if (encoded._tag !== "Missing") return encoded
      const loaded = yield* Effect.either(load(encoded.wanted))
      if (Either.isRight(loaded)) continue
      const { cure, what } = loaded.left
      return { _tag: "Problem", problem: { what, cure } }
    }
  })

/** What to load next: all schemas that the rest of the batch lacks, or the one encoder that is asked for. */
const schemasAhead = (
  compiled: Compiled,
  records: ReadonlyArray<KafkaRecord>,
  first: Wanted
): ReadonlyArray<Wanted> => {
  if (first._tag !== "Schema") return [first]
  const found = new Map(
    records.flatMap((record) => missingSchemas(compiled, record)).map((wanted) =>
      [refusedKey(wanted.part, wanted.schemaKey), wanted] as const
    )
  )
  return found.size === 0 ? [first] : [...found.values()]
}

/** Makes `encodeRecord` go on. A schema that only its records are to blame for is no failure: they become letters. */
const compile = (
  compiled: Compiled,
  tables: TableEncoders,
  wanted: Wanted
): Effect.Effect<void, TableUnusable | SchemaProblem> => {
  const { deletes, keys, refused, rows, values } = compiled
  switch (wanted._tag) {
    case "Schema":
      return (wanted.part === "key" ? keys : values).load(wanted.schemaKey).pipe(
        Effect.asVoid,
        Effect.catchIf(
          ({ kind }) => kind === "record",
          (problem) =>
            Effect.sync(() => {
              refused.set(refusedKey(wanted.part, wanted.schemaKey), refusedRecord(wanted, problem))
            })
        )
      )
    case "Rows": {
      const value = values.codec(wanted.valueKey)
      const key = wanted.keyKey === "" ? undefined : keys.codec(wanted.keyKey)
      // Forgotten meanwhile: the next step asks for the schema first.
      if (value === undefined || (key === undefined && wanted.keyKey !== "")) return Effect.void
      return Effect.map(tables.rows(value, key), (encoder) => {
        rows.set(rowsKey(wanted.valueKey, wanted.keyKey), encoder)
        // The table is there now, at the latest.
        for (const [keyKey, remover] of deletes) if (remover === undefined) deletes.delete(keyKey)
      })
    }
    case "Deletes": {
      const key = keys.codec(wanted.keyKey)
      if (key === undefined) return Effect.void
      return Effect.map(tables.deletes(key), (encoder) => {
        deletes.set(wanted.keyKey, encoder)
      })
    }
  }
}

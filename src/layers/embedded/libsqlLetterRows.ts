import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import {
  dateTimeOf,
  errorClassOf,
  isoTime,
  type LetterSummary,
  recordHeaders,
  recordTimestamp,
  type StoredLetter
} from "../../domain/StoredLetter.js"
import type { LetterFilter, LetterPage } from "../DeadLetters.js"
import { DestinationRefused } from "../Destination.js"
import type { Session } from "./libsqlConnection.js"
import { text } from "./libsqlDeadLetters.js"
import type { SqliteFailure } from "./libsqlFile.js"
import { rowsOf } from "./libsqlRows.js"

const Summary = Schema.Struct({
  id: Schema.BigIntFromSelf,
  topic: Schema.String,
  partition: Schema.BigIntFromSelf,
  offset: Schema.BigIntFromSelf,
  consumer_group: Schema.String,
  source_id: Schema.BigIntFromSelf,
  schema_id: Schema.NullOr(Schema.BigIntFromSelf),
  error_class: Schema.String,
  error_code: Schema.BigIntFromSelf,
  error_message: Schema.String,
  column_name: Schema.NullOr(Schema.String),
  attempts: Schema.BigIntFromSelf,
  created_at: Schema.String,
  replayed_at: Schema.NullOr(Schema.String)
})
const bytes = Schema.NullOr(Schema.Union(
  Schema.Uint8ArrayFromSelf,
  // What the driver makes of a BLOB.
  Schema.transform(Schema.instanceOf(ArrayBuffer), Schema.Uint8ArrayFromSelf, {
    decode: (buffer) => new Uint8Array(buffer),
    encode: (array) => new Uint8Array(array).buffer
  })
))
const Letter = Schema.Struct({
  ...Summary.fields,
  record_timestamp: Schema.NullOr(Schema.String),
  record_key: bytes,
  record_value: bytes,
  headers: Schema.String
})

const decodeSummaries = rowsOf(Summary)
const decodeLetters = rowsOf(Letter)
const decodeCounts = rowsOf(Schema.Struct({ letters: Schema.BigIntFromSelf, last: Schema.BigIntFromSelf }))

const matching = ({ code, ids, sinceMs, state, topics, untilMs }: LetterFilter): string =>
  [
    "TRUE",
    ...(ids.length === 0 ? [] : [`id IN (${ids.join(", ")})`]),
    ...(topics.length === 0 ? [] : [`topic IN (${topics.map(text).join(", ")})`]),
    ...(code === undefined ? [] : [`error_code = ${code}`]),
    ...(sinceMs === undefined ? [] : [`created_at >= ${text(dateTimeOf(sinceMs))}`]),
    ...(untilMs === undefined ? [] : [`created_at < ${text(dateTimeOf(untilMs))}`]),
    ...(state === "all" ? [] : [`replayed_at IS ${state === "open" ? "NULL" : "NOT NULL"}`])
  ].join(" AND ")

export const countQuery = (filter: LetterFilter): string =>
  `SELECT COUNT(*) AS letters, COALESCE(MAX(id), 0) AS last FROM dead_letters WHERE ${matching(filter)}`

const summaryColumns = Object.keys(Summary.fields).map((name) => `"${name}"`).join(", ")

export const pageQuery = (filter: LetterFilter, { after, limit, upTo }: LetterPage): string =>
  `SELECT ${summaryColumns} FROM dead_letters WHERE ${matching(filter)} AND id > ${after} AND id <= ${upTo}`
  + ` ORDER BY id LIMIT ${limit}`

export const letterQuery = (id: bigint): string => `SELECT * FROM dead_letters WHERE id = ${id}`

/** Whether somebody has prepared this file. */
export const hasLetters = (session: Session): Effect.Effect<boolean, SqliteFailure> =>
  Effect.map(session.rows("SELECT 1 FROM sqlite_schema WHERE name = 'dead_letters'"), (rows) => rows.length > 0)

const summaryOf = (row: typeof Summary.Type): LetterSummary => ({
  id: row.id,
  topic: row.topic,
  partition: Number(row.partition),
  offset: row.offset,
  group: row.consumer_group,
  sourceId: Number(row.source_id),
  schemaId: row.schema_id === null ? undefined : Number(row.schema_id),
  error: {
    class: errorClassOf(row.error_class),
    code: Number(row.error_code),
    message: row.error_message,
    column: row.column_name ?? undefined
  },
  attempts: Number(row.attempts),
  createdAt: isoTime(row.created_at),
  replayedAt: row.replayed_at === null ? undefined : isoTime(row.replayed_at)
})

export const readCount = (rows: ReadonlyArray<unknown>) =>
  Effect.map(decodeCounts(rows), ([row]) => ({ letters: Number(row?.letters ?? 0n), last: row?.last ?? 0n }))

export const readSummaries = (rows: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<LetterSummary>> =>
  Effect.map(decodeSummaries(rows), (found) => found.map(summaryOf))

export const readLetter = (
  rows: ReadonlyArray<unknown>
): Effect.Effect<StoredLetter | undefined, DestinationRefused> =>
  Effect.flatMap(decodeLetters(rows), ([row]) => {
    if (row === undefined) return Effect.succeed(undefined)
    return Either.match(recordHeaders(row.headers), {
      onLeft: (why) =>
        Effect.fail(
          new DestinationRefused({
            what: `dead letter ${row.id}: ${why}`,
            cure: "correct its column headers, or discard it",
            kind: "configuration"
          })
        ),
      onRight: (headers) =>
        Effect.succeed({
          ...summaryOf(row),
          record: {
            offset: row.offset,
            timestampMs: recordTimestamp(row.record_timestamp),
            key: row.record_key,
            value: row.record_value,
            headers
          }
        })
    })
  })

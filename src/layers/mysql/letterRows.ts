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
import { type DestinationError, DestinationRefused } from "../Destination.js"
import { rowsOf, text } from "./session.js"

const either = (tests: ReadonlyArray<string>): ReadonlyArray<string> =>
  tests.length === 0 ? [] : [`(${tests.join(" OR ")})`]

/** What follows WHERE. */
export const matching = ({ code, ids, sinceMs, state, topics, untilMs }: LetterFilter): string =>
  [
    "TRUE",
    ...(ids.length === 0 ? [] : [`id IN (${ids.join(", ")})`]),
    ...either(topics.map((topic) => `topic = ${text(topic)}`)),
    ...(code === undefined ? [] : [`error_code = ${code}`]),
    ...(sinceMs === undefined ? [] : [`created_at >= ${text(dateTimeOf(sinceMs))}`]),
    ...(untilMs === undefined ? [] : [`created_at < ${text(dateTimeOf(untilMs))}`]),
    ...(state === "all" ? [] : [`replayed_at IS ${state === "open" ? "NULL" : "NOT NULL"}`])
  ].join(" AND ")

/** 64-bit numbers and times as text: mysql2 would round the ones and cut the others to milliseconds. */
const summaryColumns = "CAST(id AS CHAR) AS letter, topic, `partition` AS part, CAST(`offset` AS CHAR) AS position,"
  + " consumer_group AS consumerGroup, source_id AS sourceId, schema_id AS schemaId, error_class AS errorClass,"
  + " error_code AS errorCode, error_message AS errorMessage, column_name AS columnName, attempts,"
  + " CAST(created_at AS CHAR) AS createdAt, CAST(replayed_at AS CHAR) AS replayedAt"

const SummaryRow = Schema.Struct({
  letter: Schema.BigInt,
  topic: Schema.String,
  part: Schema.Number,
  position: Schema.BigInt,
  consumerGroup: Schema.String,
  sourceId: Schema.Number,
  schemaId: Schema.NullOr(Schema.Number),
  errorClass: Schema.String,
  errorCode: Schema.Number,
  errorMessage: Schema.String,
  columnName: Schema.NullOr(Schema.String),
  attempts: Schema.Number,
  createdAt: Schema.String,
  replayedAt: Schema.NullOr(Schema.String)
})

const Bytes = Schema.NullOr(Schema.Uint8ArrayFromSelf)
const LetterRow = Schema.Struct({
  ...SummaryRow.fields,
  recordTime: Schema.NullOr(Schema.String),
  recordKey: Bytes,
  recordValue: Bytes,
  headers: Schema.String
})

const decodeSummaries = rowsOf(SummaryRow)
const decodeLetters = rowsOf(LetterRow)
const decodeCounts = rowsOf(Schema.Struct({ letters: Schema.NumberFromString, last: Schema.BigInt }))

export const countQuery = (filter: LetterFilter): string =>
  "SELECT CAST(COUNT(*) AS CHAR) AS letters, CAST(COALESCE(MAX(id), 0) AS CHAR) AS last FROM dead_letters"
  + ` WHERE ${matching(filter)}`

export const pageQuery = (filter: LetterFilter, { after, limit, upTo }: LetterPage): string =>
  `SELECT ${summaryColumns} FROM dead_letters WHERE ${matching(filter)} AND id > ${after} AND id <= ${upTo}`
  + ` ORDER BY id LIMIT ${limit}`

export const letterQuery = (id: bigint): string =>
  `SELECT ${summaryColumns}, CAST(record_timestamp AS CHAR) AS recordTime, record_key AS recordKey,`
  + ` record_value AS recordValue, CAST(headers AS CHAR) AS headers FROM dead_letters WHERE id = ${id}`

const summaryOf = (row: typeof SummaryRow.Type): LetterSummary => ({
  id: row.letter,
  topic: row.topic,
  partition: row.part,
  offset: row.position,
  group: row.consumerGroup,
  sourceId: row.sourceId,
  schemaId: row.schemaId ?? undefined,
  error: {
    class: errorClassOf(row.errorClass),
    code: row.errorCode,
    message: row.errorMessage,
    column: row.columnName ?? undefined
  },
  attempts: row.attempts,
  createdAt: isoTime(row.createdAt),
  replayedAt: row.replayedAt === null ? undefined : isoTime(row.replayedAt)
})

export const readCount = (result: unknown) =>
  Effect.map(decodeCounts(result), ([row]) => row ?? { letters: 0, last: 0n })

export const readSummaries = (result: unknown): Effect.Effect<ReadonlyArray<LetterSummary>> =>
  Effect.map(decodeSummaries(result), (rows) => rows.map(summaryOf))

export const readLetter = (result: unknown): Effect.Effect<StoredLetter | undefined, DestinationError> =>
  Effect.flatMap(decodeLetters(result), ([row]) => {
    if (row === undefined) return Effect.succeed(undefined)
    return Either.match(recordHeaders(row.headers), {
      onLeft: (why) =>
        Effect.fail(
          new DestinationRefused({
            what: `dead letter ${row.letter}: ${why}`,
            cure: "correct its column headers, or discard it",
            kind: "configuration"
          })
        ),
      onRight: (headers) =>
        Effect.succeed({
          ...summaryOf(row),
          record: {
            offset: row.position,
            timestampMs: recordTimestamp(row.recordTime),
            key: row.recordKey,
            value: row.recordValue,
            headers
          }
        })
    })
  })

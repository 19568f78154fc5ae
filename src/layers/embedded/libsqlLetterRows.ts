import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LetterSummary, StoredLetter } from "../../domain/StoredLetter.js"
import type { DestinationRefused } from "../Destination.js"
import { letterOf, summaryOf } from "../letterRow.js"
import type { Session } from "./libsqlConnection.js"
import type { SqliteFailure } from "./libsqlFile.js"
import { rowsOf } from "./libsqlRows.js"

/** The driver hands out every integer as a bigint. */
const Int = Schema.transform(Schema.BigIntFromSelf, Schema.Number, { decode: Number, encode: BigInt })

const SummaryRow = Schema.Struct({
  letter: Schema.BigIntFromSelf,
  topic: Schema.String,
  part: Int,
  position: Schema.BigIntFromSelf,
  consumerGroup: Schema.String,
  sourceId: Int,
  schemaId: Schema.NullOr(Int),
  errorClass: Schema.String,
  errorCode: Int,
  errorMessage: Schema.String,
  columnName: Schema.NullOr(Schema.String),
  attempts: Int,
  createdAt: Schema.String,
  replayedAt: Schema.NullOr(Schema.String)
})

const Bytes = Schema.NullOr(Schema.Union(
  Schema.Uint8ArrayFromSelf,
  // What the driver makes of a BLOB.
  Schema.transform(Schema.instanceOf(ArrayBuffer), Schema.Uint8ArrayFromSelf, {
    decode: (buffer) => new Uint8Array(buffer),
    encode: (array) => new Uint8Array(array).buffer
  })
))
const LetterRow = Schema.Struct({
  ...SummaryRow.fields,
  recordTime: Schema.NullOr(Schema.String),
  recordKey: Bytes,
  recordValue: Bytes,
  headers: Schema.String
})

const decodeSummaries = rowsOf(SummaryRow)
const decodeLetters = rowsOf(LetterRow)
const decodeCounts = rowsOf(Schema.Struct({ letters: Int, last: Schema.BigIntFromSelf }))
const decodeOrigins = rowsOf(Schema.Struct({ source: Int, part: Int, position: Schema.BigIntFromSelf }))

/** Whether somebody has prepared this file. */
export const hasLetters = (session: Session): Effect.Effect<boolean, SqliteFailure> =>
  Effect.map(session.rows("SELECT 1 FROM sqlite_schema WHERE name = 'dead_letters'"), (rows) => rows.length > 0)

export const readCount = (rows: ReadonlyArray<unknown>) =>
  Effect.map(decodeCounts(rows), ([row]) => row ?? { letters: 0, last: 0n })

export const readSummaries = (rows: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<LetterSummary>> =>
  Effect.map(decodeSummaries(rows), (found) => found.map(summaryOf))

export const readLetter = (
  rows: ReadonlyArray<unknown>
): Effect.Effect<StoredLetter | undefined, DestinationRefused> =>
  Effect.flatMap(decodeLetters(rows), ([row]) => letterOf(row))

export const readOrigin = (rows: ReadonlyArray<unknown>) => Effect.map(decodeOrigins(rows), ([row]) => row)

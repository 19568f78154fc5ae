import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { LetterSummary, StoredLetter } from "../../domain/StoredLetter.js"
import type { DestinationError } from "../Destination.js"
import { letterOf, summaryOf } from "../letterRow.js"
import { rowsOf } from "./session.js"

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

export const readCount = (result: unknown) =>
  Effect.map(decodeCounts(result), ([row]) => row ?? { letters: 0, last: 0n })

export const readSummaries = (result: unknown): Effect.Effect<ReadonlyArray<LetterSummary>> =>
  Effect.map(decodeSummaries(result), (rows) => rows.map(summaryOf))

export const readLetter = (result: unknown): Effect.Effect<StoredLetter | undefined, DestinationError> =>
  Effect.flatMap(decodeLetters(result), ([row]) => letterOf(row))

import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import {
  errorClassOf,
  isoTime,
  type LetterSummary,
  recordHeaders,
  recordTimestamp,
  type StoredLetter
} from "../domain/StoredLetter.js"
import { ReplayOutcome } from "./DeadLetters.js"
import { DestinationRefused } from "./Destination.js"

/** A row of `dead_letters` as the statements of `letterSql.ts` name its columns. */
export interface SummaryRow {
  readonly letter: bigint
  readonly topic: string
  readonly part: number
  readonly position: bigint
  readonly consumerGroup: string
  readonly sourceId: number
  readonly schemaId: number | null
  readonly errorClass: string
  readonly errorCode: number
  readonly errorMessage: string
  readonly columnName: string | null
  readonly attempts: number
  readonly createdAt: string
  readonly replayedAt: string | null
}

export interface LetterRow extends SummaryRow {
  readonly recordTime: string | null
  readonly recordKey: Uint8Array | null
  readonly recordValue: Uint8Array | null
  readonly headers: string
}

export const summaryOf = (row: SummaryRow): LetterSummary => ({
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

export const letterOf = (row: LetterRow | undefined): Effect.Effect<StoredLetter | undefined, DestinationRefused> => {
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
}

/** Which record a row of the letter's table is of. */
export interface Origin {
  readonly source: number
  readonly part: number
  readonly position: bigint
}

/** What the row of the record's key means for its replay; undefined: nothing that stands in the way. */
export const standing = (origin: Origin | undefined, letter: LetterSummary): ReplayOutcome | undefined => {
  if (origin === undefined || origin.source !== letter.sourceId || origin.part !== letter.partition) return undefined
  if (origin.position === letter.offset) return ReplayOutcome.AlreadyThere()
  return origin.position > letter.offset ? ReplayOutcome.Overtaken({ offset: origin.position }) : undefined
}

import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { RecordError } from "./DeadLetter.js"
import type { KafkaRecord } from "./KafkaRecord.js"

/** What a list says of a letter: not what its record holds. */
export interface LetterSummary {
  readonly id: bigint
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly group: string
  readonly sourceId: number
  /** Of the value; undefined where none could be read. */
  readonly schemaId: number | undefined
  readonly error: RecordError
  /** How often the record has failed. */
  readonly attempts: number
  /** ISO 8601, UTC, by the database's clock. */
  readonly createdAt: string
  /** Undefined: open. */
  readonly replayedAt: string | undefined
}

/** A row of `dead_letters`. */
export interface StoredLetter extends LetterSummary {
  readonly record: KafkaRecord
}

/** `2026-01-31 12:00:00.000000`, as databases print a DATETIME, to `2026-01-31T12:00:00.000000Z`. */
export const isoTime = (dateTime: string): string => `${dateTime.replace(" ", "T")}Z`

/** Milliseconds since the epoch to `2026-01-31 12:00:00.000`, in UTC. */
export const dateTimeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace("T", " ")

/** The counterpart of `recordTime`: a record without a time has Kafka's word for it, -1. */
export const recordTimestamp = (dateTime: string | null): number =>
  dateTime === null ? -1 : Date.parse(isoTime(dateTime))

const decodeHeaders = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Array(Schema.Struct({ key: Schema.String, value: Schema.NullOr(Schema.String) })))
)

/** The counterpart of `headersJson`; left: somebody else has written that column. */
export const recordHeaders = (json: string): Either.Either<KafkaRecord["headers"], string> =>
  Either.mapBoth(decodeHeaders(json), {
    onLeft: () => "its headers are not what Tributary writes there",
    onRight: (headers) =>
      headers.map(({ key, value }) => [key, value === null ? null : Buffer.from(value, "base64")] as const)
  })

const errorClasses = ["undecodable", "unstorable", "rejected", "tombstone"] as const

/** A class that an older or a newer Tributary has written counts as `rejected`. */
export const errorClassOf = (text: string): RecordError["class"] =>
  errorClasses.find((one) => one === text) ?? "rejected"

import type { KafkaRecord } from "./KafkaRecord.js"

/** Why a record has become a dead letter. Texts never quote the record. */
export interface RecordError {
  /**
   * `undecodable`: not the bytes of its schema; `unstorable`: a value that no column keeps exactly; `rejected`: the
   * database refused the row; `tombstone`: no value where one is needed.
   */
  readonly class: "undecodable" | "unstorable" | "rejected" | "tombstone"
  /** Of the database; 0 where Tributary itself has refused the record. */
  readonly code: number
  readonly message: string
  readonly column: string | undefined
}

/** A record that cannot become a row, as it came from Kafka, with the reason: a row of `dead_letters`. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly sourceId: number
  readonly record: KafkaRecord
  /** Of the value; undefined where none could be read. */
  readonly schemaId: number | undefined
  readonly error: RecordError
}

/**
 * The record's headers as JSON: `[{"key": "trace", "value": "<base64>"}]`, null for a header without a value, as in the
 * column `_headers`. An array, because a key may come twice and the order belongs to the record.
 */
export const headersJson = ({ headers }: KafkaRecord): string =>
  JSON.stringify(headers.map(([key, value]) => ({
    key,
    value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")
  })))

/** Milliseconds of 0001-01-01 and 9999-12-31 23:59:59.999 UTC: beyond, a DATETIME cannot say it. */
const [dateMin, dateMax] = [-62_135_596_800_000, 253_402_300_799_999]

/** `2026-01-31 12:00:00.000` in UTC; undefined where the record has no time (-1) or one that no calendar holds. */
export const recordTime = ({ timestampMs }: KafkaRecord): string | undefined =>
  timestampMs === -1 || timestampMs < dateMin || timestampMs > dateMax
    ? undefined
    : new Date(timestampMs).toISOString().slice(0, 23).replace("T", " ")

/** The first characters of a text, as many as the column takes, without half a character at the end. */
export const shortened = (text: string, charactersMax: number): string =>
  text.slice(0, charactersMax).replace(/[\uD800-\uDBFF]$/, "")

/** Largest schema id that a letter holds. Bytes that only look like an id may say more; no registry gives such ids. */
export const schemaIdMax = 2_147_483_647

/** Characters of an error's message that are kept. */
export const messageMax = 4000
/** Characters of a column's name: MySQL has no longer ones. */
export const columnMax = 64

import {
  columnMax,
  type DeadLetter,
  headersJson,
  messageMax,
  type RecordError,
  recordTime,
  shortened
} from "../domain/DeadLetter.js"
import { hexLiteral } from "../domain/sql/literal/bytes.js"
import { keyColumnNames } from "../domain/sql/TablePlan.js"
import { dateTimeOf } from "../domain/StoredLetter.js"
import type { KeyedRow, LetterFilter, LetterPage } from "./DeadLetters.js"

/** How a database writes what statements about dead letters are made of. */
export interface LetterSpelling {
  readonly text: (value: string) => string
  readonly identifier: (name: string) => string
  /** A 64-bit number or a time so that the driver hands it out whole. */
  readonly exact: (expression: string) => string
}

const bytes = (value: Uint8Array | null): string => value === null ? "NULL" : hexLiteral(value)

/** The statements about `dead_letters` that all databases share. */
export const makeLetterSql = ({ exact, identifier, text }: LetterSpelling) => {
  const orNull = (value: string | undefined): string => value === undefined || value === "" ? "NULL" : text(value)

  const errorColumns = (error: RecordError): ReadonlyArray<readonly [name: string, value: string]> => [
    ["error_class", text(error.class)],
    ["error_code", String(error.code)],
    ["error_message", text(shortened(error.message, messageMax))],
    ["column_name", orNull(error.column === undefined ? undefined : shortened(error.column, columnMax))]
  ]

  /** Says anew why the record has failed. */
  const failedAgain = (error: RecordError): string =>
    `${errorColumns(error).map(([name, value]) => `${name} = ${value}`).join(", ")}, attempts = attempts + 1`

  const matching = ({ code, ids, sinceMs, state, topics, untilMs }: LetterFilter): string =>
    [
      "TRUE",
      ...(ids.length === 0 ? [] : [`id IN (${ids.join(", ")})`]),
      ...(topics.length === 0 ? [] : [`(${topics.map((topic) => `topic = ${text(topic)}`).join(" OR ")})`]),
      ...(code === undefined ? [] : [`error_code = ${code}`]),
      ...(sinceMs === undefined ? [] : [`created_at >= ${text(dateTimeOf(sinceMs))}`]),
      ...(untilMs === undefined ? [] : [`created_at < ${text(dateTimeOf(untilMs))}`]),
      ...(state === "all" ? [] : [`replayed_at IS ${state === "open" ? "NULL" : "NOT NULL"}`])
    ].join(" AND ")

  const summaryColumns = `${exact("id")} AS letter, topic, ${identifier("partition")} AS part,`
    + ` ${exact(identifier("offset"))} AS position, consumer_group AS consumerGroup, source_id AS sourceId,`
    + " schema_id AS schemaId, error_class AS errorClass, error_code AS errorCode, error_message AS errorMessage,"
    + ` column_name AS columnName, attempts, ${exact("created_at")} AS createdAt, ${exact("replayed_at")} AS replayedAt`

  return {
    /**
     * Stores a letter, or says anew why its record failed: after a rewind the letter is there already, and a plain INSERT
     * would block the partition for ever. The values are repeated, because databases have no common word for "the new
     * row" (`excluded`, `AS new`, `VALUES()`) that none of them warns about.
     */
    store: (letter: DeadLetter, onConflict: string): string => {
      const { error, group, partition, record, schemaId, sourceId, topic } = letter
      const all = [
        ["source_id", String(sourceId)],
        ["topic", text(topic)],
        [identifier("partition"), String(partition)],
        [identifier("offset"), String(record.offset)],
        ["consumer_group", text(group)],
        ["record_timestamp", orNull(recordTime(record))],
        ["record_key", bytes(record.key)],
        ["record_value", bytes(record.value)],
        ["headers", text(headersJson(record))],
        ["schema_id", schemaId === undefined ? "NULL" : String(schemaId)],
        ...errorColumns(error)
      ] as const
      return `INSERT INTO dead_letters (${all.map(([name]) => name).join(", ")}) VALUES (${
        all.map(([, value]) => value).join(", ")
      }) ${onConflict} ${failedAgain(error)}, replayed_at = NULL`
    },
    refusal: (id: bigint, error: RecordError): string =>
      `UPDATE dead_letters SET ${failedAgain(error)} WHERE id = ${id} AND replayed_at IS NULL`,
    count: (filter: LetterFilter): string =>
      `SELECT ${exact("COUNT(*)")} AS letters, ${exact("COALESCE(MAX(id), 0)")} AS last FROM dead_letters`
      + ` WHERE ${matching(filter)}`,
    page: (filter: LetterFilter, { after, limit, upTo }: LetterPage): string =>
      `SELECT ${summaryColumns} FROM dead_letters WHERE ${matching(filter)} AND id > ${after} AND id <= ${upTo}`
      + ` ORDER BY id LIMIT ${limit}`,
    letter: (id: bigint): string =>
      `SELECT ${summaryColumns}, ${exact("record_timestamp")} AS recordTime, record_key AS recordKey,`
      + ` record_value AS recordValue, ${exact("headers")} AS headers FROM dead_letters WHERE id = ${id}`,
    discard: (ids: ReadonlyArray<bigint>): string => `DELETE FROM dead_letters WHERE id IN (${ids.join(", ")})`,
    /** Which record has written the row. Names without quotes: SQLite takes a quoted one that it does not know for a text. */
    origin: ({ key, table }: KeyedRow): string => {
      const [source, part, position] = keyColumnNames
      return `SELECT ${source} AS source, ${part} AS part, ${exact(position)} AS position FROM ${
        identifier(table)
      } WHERE ${key.map(([column, literal]) => `${identifier(column)} = ${literal}`).join(" AND ")}`
    }
  }
}

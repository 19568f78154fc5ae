import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  columnMax,
  type DeadLetter,
  headersJson,
  messageMax,
  type RecordError,
  recordTime,
  shortened
} from "../../domain/DeadLetter.js"
import type { LetterOffsetsRequest } from "../Destination.js"
import type { Session } from "./libsqlConnection.js"
import { rowsOf } from "./libsqlRows.js"

export const deadLettersTable = `CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    consumer_group TEXT NOT NULL,
    record_timestamp TEXT,
    record_key BLOB,
    record_value BLOB,
    headers TEXT NOT NULL,
    schema_id INTEGER,
    error_class TEXT NOT NULL,
    error_code INTEGER NOT NULL,
    error_message TEXT NOT NULL,
    column_name TEXT,
    attempts INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    replayed_at TEXT,
    source_id INTEGER NOT NULL,
    UNIQUE (source_id, "partition", "offset")
  ) STRICT`

const hex = (value: Uint8Array): string => Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")
const bytes = (value: Uint8Array | null): string => value === null ? "NULL" : `x'${hex(value)}'`
/** In hexadecimal, because a NUL would end the statement. */
export const text = (value: string): string => `CAST(x'${Buffer.from(value, "utf8").toString("hex")}' AS TEXT)`
const orNull = (value: string | undefined): string => value === undefined || value === "" ? "NULL" : text(value)

/** Stores a letter, or says anew why its record failed: after a rewind the letter is there already. */
export const letterStatement = ({ error, group, partition, record, schemaId, sourceId, topic }: DeadLetter): string =>
  "INSERT INTO dead_letters (source_id, topic, \"partition\", \"offset\", consumer_group, record_timestamp, record_key,"
  + " record_value, headers, schema_id, error_class, error_code, error_message, column_name) VALUES ("
  + [
    sourceId,
    text(topic),
    partition,
    record.offset,
    text(group),
    orNull(recordTime(record)),
    bytes(record.key),
    bytes(record.value),
    text(headersJson(record)),
    schemaId ?? "NULL",
    text(error.class),
    error.code,
    text(shortened(error.message, messageMax)),
    orNull(error.column === undefined ? undefined : shortened(error.column, columnMax))
  ].join(", ")
  + ") ON CONFLICT (source_id, \"partition\", \"offset\") DO UPDATE SET error_class = excluded.error_class,"
  + " error_code = excluded.error_code, error_message = excluded.error_message, column_name = excluded.column_name,"
  + " attempts = attempts + 1, replayed_at = NULL"

/** Says anew why the record of an open letter has failed. */
export const refusal = (id: bigint, error: RecordError): string =>
  `UPDATE dead_letters SET error_class = ${text(error.class)}, error_code = ${error.code},`
  + ` error_message = ${text(shortened(error.message, messageMax))},`
  + ` column_name = ${orNull(error.column === undefined ? undefined : shortened(error.column, columnMax))},`
  + ` attempts = attempts + 1 WHERE id = ${id} AND replayed_at IS NULL`

const decodeOffsets = rowsOf(Schema.Struct({ offset: Schema.BigIntFromSelf }))
const decodeNames = rowsOf(Schema.Struct({ name: Schema.String }))

export const letterOffsets = Effect.fnUntraced(function*(session: Session, request: LetterOffsetsRequest) {
  const tables = yield* session.rows("SELECT name FROM sqlite_schema WHERE name = 'dead_letters'").pipe(
    Effect.flatMap(decodeNames)
  )
  // Nobody has prepared this file yet, so that it holds no letters.
  if (tables.length === 0) return []
  const { from, limit, partition, sourceId, to } = request
  const rows = yield* session.rows(
    "SELECT \"offset\" FROM dead_letters WHERE source_id = ? AND \"partition\" = ? AND \"offset\" >= ? AND \"offset\" < ?"
      + " ORDER BY \"offset\" LIMIT ?",
    [BigInt(sourceId), BigInt(partition), from, to, BigInt(limit)]
  ).pipe(Effect.flatMap(decodeOffsets))
  return rows.map(({ offset }) => offset)
})

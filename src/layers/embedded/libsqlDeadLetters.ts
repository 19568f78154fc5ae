import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DeadLetter } from "../../domain/DeadLetter.js"
import { hexOfText } from "../../domain/sql/literal/bytes.js"
import { sqlite } from "../../domain/sql/sqlite.js"
import type { LetterOffsetsRequest } from "../Destination.js"
import { makeLetterSql } from "../letterSql.js"
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

export const letterSql = makeLetterSql({
  /** In hexadecimal, because a NUL would end the statement. */
  text: (value) => `CAST(x'${hexOfText(value)}' AS TEXT)`,
  identifier: sqlite.identifier,
  exact: (expression) => expression
})

export const letterStatement = (letter: DeadLetter): string =>
  letterSql.store(letter, "ON CONFLICT (source_id, \"partition\", \"offset\") DO UPDATE SET")

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

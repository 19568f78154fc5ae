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
import type { DestinationError, LetterOffsetsRequest } from "../Destination.js"
import { destinationError } from "./errors.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { rowsOf, runFresh, text } from "./session.js"

const bytes = (value: Uint8Array | null): string =>
  value === null
    ? "NULL"
    : `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}'`
const orNull = (value: string | undefined): string => value === undefined || value === "" ? "NULL" : text(value)

/** What a letter says of its record's last failure. */
export const errorColumns = (error: RecordError): ReadonlyArray<readonly [name: string, value: string]> => [
  ["error_class", text(error.class)],
  ["error_code", String(error.code)],
  ["error_message", text(shortened(error.message, messageMax))],
  ["column_name", orNull(error.column === undefined ? undefined : shortened(error.column, columnMax))]
]

/**
 * Stores a letter, or says anew why its record failed: after a rewind the letter is there already, and a plain INSERT
 * would block the partition for ever. The values are repeated, because MySQL and MariaDB have no common word for "the
 * new row" (`AS new`, `VALUES()`) that neither of them warns about.
 */
export const letterStatement = ({ error, group, partition, record, schemaId, sourceId, topic }: DeadLetter): string => {
  const failed = errorColumns(error)
  const all = [
    ["source_id", String(sourceId)],
    ["topic", text(topic)],
    ["`partition`", String(partition)],
    ["`offset`", String(record.offset)],
    ["consumer_group", text(group)],
    ["record_timestamp", orNull(recordTime(record))],
    ["record_key", bytes(record.key)],
    ["record_value", bytes(record.value)],
    ["headers", text(headersJson(record))],
    ["schema_id", schemaId === undefined ? "NULL" : String(schemaId)],
    ...failed
  ] as const
  return `INSERT INTO dead_letters (${all.map(([name]) => name).join(", ")}) VALUES (${
    all.map(([, value]) => value).join(", ")
  }) ON DUPLICATE KEY UPDATE ${
    failed.map(([name, value]) => `${name} = ${value}`).join(", ")
  }, attempts = attempts + 1, replayed_at = NULL`
}

const noSuchTable = 1146
const decodeOffsets = rowsOf(Schema.Struct({ position: Schema.BigInt }))

export const letterOffsets =
  (config: MysqlOptions, lanes: LanePool) =>
  ({ from, limit, partition, sourceId, to }: LetterOffsetsRequest): Effect.Effect<
    ReadonlyArray<bigint>,
    DestinationError
  > =>
    lanes.use((lane) =>
      runFresh(lane, [
        "SELECT CAST(`offset` AS CHAR) AS `position` FROM dead_letters"
        + ` WHERE source_id = ${sourceId} AND \`partition\` = ${partition}`
        + ` AND \`offset\` >= ${from} AND \`offset\` < ${to} ORDER BY dead_letters.\`offset\` LIMIT ${limit}`
      ]).pipe(Effect.flatMap(([result]) => decodeOffsets(result)))
    ).pipe(
      // Nobody has prepared this database yet, so that it holds no letters.
      Effect.catchIf(({ code }) => code === noSuchTable, () => Effect.succeed([])),
      Effect.map((rows) => rows.map(({ position }) => position)),
      Effect.mapError(destinationError(config, "reading the offsets of dead letters"))
    )

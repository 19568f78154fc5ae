import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DeadLetter } from "../../domain/DeadLetter.js"
import { identifier } from "../../domain/sql/mysql/createTable.js"
import type { DestinationError, LetterOffsetsRequest } from "../Destination.js"
import { makeLetterSql } from "../letterSql.js"
import { destinationError, noSuchTable } from "./errors.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { rowsOf, runFresh, text } from "./session.js"

/** 64-bit numbers and times as text: mysql2 would round the ones and cut the others to milliseconds. */
const exact = (expression: string): string => `CAST(${expression} AS CHAR)`
export const letterSql = makeLetterSql({ text, identifier, exact })

export const letterStatement = (letter: DeadLetter): string => letterSql.store(letter, "ON DUPLICATE KEY UPDATE")

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

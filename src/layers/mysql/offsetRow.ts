import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Lane } from "./Lane.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, text } from "./session.js"

export interface OffsetKey {
  readonly topic: string
  readonly partition: number
  readonly group: string
}

/** The row of `kafka_offsets` that is the lock and the truth of a partition. */
export const whereKey = ({ group, partition, topic }: OffsetKey): string =>
  `topic = ${text(topic)} AND \`partition\` = ${partition} AND consumer_group = ${text(group)}`

const OffsetRow = Schema.Struct({
  stored: Schema.BigInt,
  generation: Schema.BigInt,
  owner: Schema.String,
  sourceId: Schema.NonNegativeInt
})
export type OffsetRow = typeof OffsetRow.Type
const decodeRows = rowsOf(OffsetRow)

/** BIGINT as text: mysql2 hands out numbers or strings by size, and a number may already be rounded. */
const columns =
  "CAST(`offset` AS CHAR) AS `stored`, CAST(generation AS CHAR) AS generation, owner, source_id AS sourceId"

/** Waits for the transaction that holds the row, however long the session lets it. */
export const selectForUpdate = (key: OffsetKey): string =>
  `SELECT ${columns} FROM kafka_offsets WHERE ${whereKey(key)} FOR UPDATE`

export const offsetRow = (result: unknown): Effect.Effect<OffsetRow | undefined> =>
  Effect.map(decodeRows(result), ([row]) => row)

const decodeConn = rowsOf(Schema.Struct({ conn: Schema.String }))

/** MariaDB's performance schema is off by default; in MySQL the other one is deprecated. */
const processes = { mysql: "performance_schema", mariadb: "information_schema", sqlite: "" }

/**
 * Ends the connection that last wrote the row, if it is ours and idle: what a dead or frozen owner leaves behind keeps
 * the row locked until the server gives up on it (protocol section 8). `conn` is read dirty, because the transaction
 * that holds the lock has not committed it. A live owner that is hit between two statements is rolled back: it is being
 * replaced anyway. Answers whether a connection was killed.
 */
export const killDeadOwner = (
  lane: Lane,
  key: OffsetKey,
  { dialect, username }: Pick<MysqlConfig, "dialect" | "username">
): Effect.Effect<boolean, MysqlFailure> =>
  Effect.gen(function*() {
    const [, , result] = yield* lane.run(
      "ROLLBACK; SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;"
        + ` SELECT CAST(ID AS CHAR) AS conn FROM ${processes[dialect.name]}.processlist`
        + ` WHERE ID = (SELECT conn FROM kafka_offsets WHERE ${whereKey(key)})`
        + ` AND USER = ${text(username)} AND COMMAND = 'Sleep' AND ID <> CONNECTION_ID()`
    )
    const [row] = yield* decodeConn(result)
    if (row === undefined) return false
    return yield* lane.run(`KILL ${row.conn}`).pipe(
      Effect.as(true),
      // 1094: it has just ended by itself. Refused: wait_timeout bounds the wait.
      Effect.catchIf((failure) => !failure.fatal, () => Effect.succeed(false))
    )
  })

import { Schema } from "effect"
import { rowsOf } from "../../test/e2e/support/database.js"
import { until } from "../../test/e2e/support/until.js"
import { openSession, type World } from "../../test/e2e/support/World.js"
import type { Connection } from "mysql2/promise"

const Count = Schema.Struct({ n: Schema.NumberFromString })
const Source = Schema.Struct({ source: Schema.Number })

const isLocked = (error: unknown) => error instanceof Error && "errno" in error && error.errno === 3572

/** Whether somebody's transaction holds the row of the stored offset. */
const offsetRowLocked = async (sql: Connection, topic: string, partition: number): Promise<boolean> => {
  try {
    await sql.query(
      `SELECT 1 FROM kafka_offsets WHERE topic = '${topic}' AND \`partition\` = ${partition} FOR UPDATE NOWAIT`
    )
    return false
  } catch (error) {
    if (isLocked(error)) return true
    throw error
  }
}

/**
 * Freezes the owner of a partition between its UPDATE of the stored offset and its COMMIT. The gap behind the partition's
 * last row is locked from outside, so that its INSERT has to wait; while it waits the process is stopped; then the gap is
 * let go. The server inserts the row, and the transaction stays open with nobody to end it.
 * @returns whether it came out so; the owner may have been between two transactions' statements otherwise
 */
export const freezeInTransaction = async (
  world: World,
  topic: string,
  partition: number,
  freeze: () => void
): Promise<boolean> => {
  const session = await openSession(world)
  const [row] = await rowsOf(session, Source, `SELECT _source AS source FROM \`${topic}\` LIMIT 1`)
  await session.query("START TRANSACTION")
  await session.query(
    `SELECT 1 FROM \`${topic}\` FORCE INDEX (_source) WHERE _source = ${row?.source} AND _partition = ${partition}
     AND _offset >= (SELECT \`offset\` FROM kafka_offsets WHERE topic = '${topic}' AND \`partition\` = ${partition})
     FOR UPDATE`
  )
  await until("a transaction waits for the gap", async () => {
    const [waiting] = await rowsOf(
      world.sql,
      Count,
      `SELECT COUNT(*) AS n FROM performance_schema.data_lock_waits w
       JOIN performance_schema.threads t ON t.THREAD_ID = w.BLOCKING_THREAD_ID
       WHERE t.PROCESSLIST_ID = ${session.threadId}`
    )
    return (waiting?.n ?? 0) > 0 || undefined
  }, { everyMs: 5 })
  freeze()
  await session.query("ROLLBACK")
  const locked = await offsetRowLocked(session, topic, partition)
  await session.end()
  return locked
}

import { Schema } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import { until } from "../../test/e2e/support/until.js"
import { rowsOf } from "../../test/e2e/support/database.js"
import { account } from "../../test/e2e/support/World.js"
import { type Effect, type Fault, seconds, type Stage } from "./Fault.js"
import type { Site } from "./Site.js"

/** A session of its own: locks belong to sessions, and the server may be killed meanwhile. */
const inSession = async <A>({ world }: Site, body: (session: Connection) => Promise<A>): Promise<A> => {
  const options = { uri: world.addresses.mysql, database: world.database, connectTimeout: 3000 }
  // Another fault may just have killed the server.
  const session = await until("MySQL answers", () => createConnection(options).catch(() => undefined), {
    withinMs: 15_000
  })
  session.on("error", () => {}) // what is asked next says so
  try {
    return await body(session)
  } finally {
    session.destroy()
  }
}

const Id = Schema.Struct({ id: Schema.Number })
const Count = Schema.Struct({ n: Schema.Number })

export const killConnections: Fault = ({ random, site }) =>
  inSession(site, async (session) => {
    const query = `SELECT id FROM performance_schema.processlist WHERE user = '${account.user}'`
    const chosen = (await rowsOf(session, Id, query)).filter(() => random.oneIn(2))
    // One that has ended by itself meanwhile is no longer there to be killed (1094).
    for (const { id } of chosen) await session.query(`KILL ${id}`).catch(() => {})
    return { what: `${chosen.length} connections were killed by KILL`, bites: chosen.length }
  })

const sampleMs = 200

/** Holds locks for the duration, and looks how many wait for them at most. */
const held = async (
  { isStopped, pause, planned, site }: Stage,
  what: string,
  lock: (session: Connection) => Promise<unknown>,
  waiting: string
): Promise<Effect> =>
  inSession(site, async (session) => {
    await lock(session)
    let most = 0
    const untilMs = performance.now() + planned.durationMs
    while (performance.now() < untilMs && !isStopped()) {
      await pause(sampleMs)
      const [count] = await inSession(site, (other) => rowsOf(other, Count, waiting))
      most = Math.max(most, count?.n ?? 0)
    }
    return { what: `${what} for ${seconds(planned.durationMs)}: up to ${most} transactions waited`, bites: most }
  })

/** As a slow server does, or a person in a console: the compare-and-set, acquisitions and look-ups wait. */
export const holdOffsetRows: Fault = (stage) =>
  held(
    stage,
    "rows of kafka_offsets were locked",
    async (session) => {
      await session.query("START TRANSACTION")
      await session.query(
        `SELECT 1 FROM kafka_offsets WHERE \`partition\` % 2 = ${stage.random.integer(0, 1)} FOR UPDATE`
      )
    },
    "SELECT COUNT(*) AS n FROM performance_schema.data_lock_waits"
  )

export const lockTable: Fault = (stage) => {
  const { planned, site: { world } } = stage
  const table = world.topics[planned.target % world.topics.length] ?? ""
  return held(
    stage,
    `table ${table} was locked`,
    (session) => session.query(`LOCK TABLES \`${table}\` WRITE`),
    "SELECT COUNT(*) AS n FROM performance_schema.processlist WHERE state = 'Waiting for table metadata lock'"
  )
}

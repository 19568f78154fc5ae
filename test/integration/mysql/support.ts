import { Effect, Redacted, Schedule } from "effect"
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise"
import { randomBytes } from "node:crypto"
import { mysql } from "../../../src/domain/sql/mysql.js"
import type { TablePlan } from "../../../src/domain/sql/TablePlan.js"
import type { Claim, DestinationError, WriteRequest } from "../../../src/layers/Destination.js"
import { Destination } from "../../../src/layers/Destination.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { defaultTopicSettings } from "../../../src/domain/TopicSettings.js"

/** What ends something is far beyond what a busy machine takes; a test of a deadline sets its own. */
export const configOf = (uri: string, over: Partial<MysqlConfig> = {}): MysqlConfig => {
  const { hostname, password, port, username } = new URL(uri)
  return {
    host: hostname,
    port: Number(port),
    database: "",
    username,
    password: Redacted.make(decodeURIComponent(password)),
    maxPoolSize: 4,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 60_000,
    ddlLockTimeoutMs: 60_000,
    dialect: mysql,
    ...over
  }
}

/** An administrator's connection and an empty database of this run's own, dropped at the end of the scope. */
export const ownDatabase = (uri: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const database = `trb_${randomBytes(6).toString("hex")}`
      const admin = await createConnection({ uri, multipleStatements: true })
      await admin.query(`CREATE DATABASE ${database}; USE ${database}`)
      return { admin, database, config: configOf(uri, { database }) }
    }),
    ({ admin, database }) =>
      Effect.promise(async () => {
        await admin.query(`DROP DATABASE ${database}`)
        await admin.end()
      })
  )

/** First result of a query, rows as plain objects. */
export const query = (connection: Connection, sql: string): Effect.Effect<unknown> =>
  Effect.promise(() => connection.query(sql).then(([rows]) => rows))

export const plan: TablePlan = {
  topic: "orders",
  schemaId: 1,
  table: "orders",
  columns: [{ from: "value", path: ["id"], name: "id", type: { kind: "long" }, nullable: false }],
  key: [],
  metadata: [],
  notes: []
}

const identity = { clusterId: "c", topic: "orders", topicId: "", group: "g", pipeline: "p" }

/** A prepared database with table `orders`, and one partition of it acquired. */
export const acquired = Effect.gen(function*() {
  const destination = yield* Destination
  yield* destination.prepare
  yield* destination.ensureTable(plan, defaultTopicSettings.evolution)
  const sourceId = yield* destination.source(identity)
  return yield* destination.acquire({
    topic: "orders",
    partition: 0,
    group: "g",
    sourceId,
    owner: "first",
    initial: 0n
  })
})

/** One row per offset, and the claim's compare-and-set. */
export const batch = (claim: Claim, expected: bigint, next: bigint): WriteRequest => {
  const rows: Array<string> = []
  for (let at = expected; at < next; at += 1n) rows.push(`(${at}, ${claim.sourceId}, ${claim.partition}, ${at})`)
  return {
    claim,
    expected,
    next,
    letters: [],
    statements: rows.length === 0
      ? []
      : [`INSERT INTO orders (id, _source, _partition, _offset) VALUES ${rows.join(",")}`]
  }
}

/** Offset and number of rows as another connection sees them. */
export const state = (admin: Connection): Effect.Effect<unknown> =>
  query(
    admin,
    "SELECT (SELECT CAST(`offset` AS CHAR) FROM kafka_offsets) AS `offset`, (SELECT COUNT(*) FROM orders) AS `rows`"
  )

/**
 * As the pipeline does: on a machine that stalls a row's lock may take longer than the second that is waited for it, and
 * who holds it be taken for dead. A deadlock (1213) is none of that.
 */
export const patiently = <A, E extends DestinationError, R>(acquiring: Effect.Effect<A, E, R>) =>
  Effect.retry(acquiring, { while: passes, schedule: Schedule.spaced("20 millis") })

const passes = (error: DestinationError) => error._tag === "DestinationUnavailable" && error.code !== 1213

/**
 * Where somebody's lock is to be taken away: a server that stalls may give it up later than a second after its
 * connection was killed. A few times only: left alone, the server would end that one, too.
 */
export const shortly = <A, E extends DestinationError, R>(taking: Effect.Effect<A, E, R>) =>
  Effect.retry(taking, { while: passes, times: 5 })

/** Polls, because nothing tells the test when the server has come so far; bounded. */
export const until = (condition: Effect.Effect<boolean>): Effect.Effect<void> =>
  condition.pipe(
    Effect.filterOrFail((holds) => holds, () => "not yet"),
    Effect.retry(Schedule.spaced("5 millis").pipe(Schedule.upTo("2 minutes"))),
    Effect.orDie,
    Effect.asVoid
  )

/**
 * The server's list of connections. MySQL has an older one, too, which fails as a whole (3854) as long as anybody, in
 * whichever test, runs a statement with an emoji in it; MariaDB has that one alone.
 */
export const processlist = (admin: Connection): Effect.Effect<string> =>
  Effect.map(
    query(admin, "SELECT VERSION() AS version"),
    (rows) => `${JSON.stringify(rows).includes("MariaDB") ? "information" : "performance"}_schema.processlist`
  )

/** Kills the connection that runs a statement with these words, once there is one. */
export const killed = (admin: Connection, words: string): Effect.Effect<void> =>
  Effect.flatMap(processlist(admin), (list) =>
    until(Effect.promise(async () => {
      const [rows] = await admin.query<Array<RowDataPacket>>(
        `SELECT ID AS id FROM ${list} WHERE DB = DATABASE() AND INFO LIKE ? AND ID <> CONNECTION_ID()`,
        [`%${words}%`]
      )
      for (const row of rows) await admin.query(`KILL ${String(row["id"])}`)
      return rows.length > 0
    })))

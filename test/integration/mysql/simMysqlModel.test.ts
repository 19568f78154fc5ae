import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import { Destination } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { describeWith } from "../../servers/index.js"
import {
  beginnings,
  type Client,
  firstRow,
  type Interleaving,
  interleavings
} from "../../proof/simMysqlInterleavings.js"
import { play, said, wanted } from "../../proof/simMysqlPlay.js"
import { ownDatabase, query, until } from "./support.js"

// The simulated MySQL of proof/simulation is a model; test/proof/simMysql.test.ts holds it to the same table.

const errorOf = (error: unknown): string => {
  const errno = typeof error === "object" && error !== null && "errno" in error ? Number(error.errno) : 0
  return errno > 0 && errno !== 1317 ? `error ${errno}` : "lost"
}

/** A connection is seen to be idle a moment after its answer has come. */
const allIdle = (admin: Connection) =>
  until(Effect.map(
    query(
      admin,
      "SELECT ID FROM performance_schema.processlist"
        + " WHERE DB = DATABASE() AND COMMAND <> 'Sleep' AND ID <> CONNECTION_ID()"
    ),
    (rows) => Array.isArray(rows) && rows.length === 0
  ))

const client = (admin: Connection, connection: Connection): Client => ({
  id: connection.threadId,
  run: (text) =>
    Effect.zipRight(
      Effect.when(allIdle(admin), () => text.includes("COMMAND = 'Sleep'")),
      Effect.promise(() => connection.query(text).then(([result]) => said(result), errorOf))
    )
})

/** As soon as the server says that a statement waits for a lock; or its answer, where it does not wait. */
const settled = (admin: Connection) => (sent: Fiber.RuntimeFiber<string>) =>
  Effect.gen(function*() {
    const waits = "SELECT 1 FROM performance_schema.data_lock_waits JOIN performance_schema.threads"
      + " ON THREAD_ID = REQUESTING_THREAD_ID WHERE PROCESSLIST_DB = DATABASE() LIMIT 1"
    yield* until(Effect.gen(function*() {
      const rows = yield* query(admin, waits)
      return (Array.isArray(rows) && rows.length > 0) || Option.isSome(yield* Fiber.poll(sent))
    }))
    return Option.isSome(yield* Fiber.poll(sent)) ? yield* Fiber.join(sent) : undefined
  })

const onReal = (admin: Connection, uri: string, database: string, interleaving: Interleaving) =>
  Effect.gen(function*() {
    yield* query(admin, `DELETE FROM kafka_offsets; DELETE FROM orders; DELETE FROM upserted; ${firstRow}`)
    const connect = Effect.acquireRelease(
      Effect.promise(async () => {
        const connection = await createConnection({ uri, database, multipleStatements: true })
        connection.on("error", () => undefined)
        await connection.query(beginnings.join("; "))
        return connection
      }),
      (connection) =>
        Effect.promise(() => connection.query("ROLLBACK").then(() => connection.destroy(), () => undefined))
    )
    const clients = {
      a: client(admin, yield* connect),
      b: client(admin, yield* connect),
      c: client(admin, yield* connect)
    }
    return yield* play(interleaving, clients, settled(admin))
  }).pipe(Effect.scoped)

describeWith(["mysql"], "a real MySQL", ({ mysql }) => {
  it.scopedLive(`answers all that the simulated one is asked as that does`, () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(mysql)
      yield* Effect.flatMap(Destination, ({ prepare }) => prepare).pipe(Effect.provide(layerMysql(config)))
      const columns = "id BIGINT, _source SMALLINT UNSIGNED, _partition INT, _offset BIGINT"
      yield* query(admin, `CREATE TABLE orders (${columns}, PRIMARY KEY (_source, _partition, _offset))`)
      yield* query(admin, `CREATE TABLE upserted (${columns}, PRIMARY KEY (id))`)
      const answers = yield* Effect.forEach(interleavings, (one) =>
        Effect.map(onReal(admin, mysql, config.database, one), (got) => [one.name, got]))
      assert.deepStrictEqual(answers, interleavings.map((one) => [one.name, wanted(one)]))
    }))
})

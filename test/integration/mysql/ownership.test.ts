import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import { type Claim, Destination, DestinationUnavailable } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { describeOnEach } from "../../servers/index.js"
import { acquired, batch, ownDatabase, patiently, processlist, query, shortly, until } from "./support.js"

/** A second connection of the same account (or another), closed with the scope. */
const another = (config: MysqlConfig, over: { readonly user?: string; readonly password?: string } = {}) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      createConnection({
        host: config.host,
        port: config.port,
        database: config.database,
        user: config.username,
        password: Redacted.value(config.password),
        multipleStatements: true,
        ...over
      })
    ),
    (connection) => Effect.sync(() => connection.destroy())
  )

/** What an owner does that dies before COMMIT: it holds the row's lock, and `conn` tells only whoever reads dirty. */
const beginAsOwner = (connection: Connection, claim: Claim) => {
  connection.on("error", () => undefined)
  return query(
    connection,
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN;"
      + ` UPDATE kafka_offsets SET \`offset\` = 9, conn = CONNECTION_ID() WHERE topic = 'orders' AND owner = '${claim.owner}'`
  )
}

const isListed = (admin: Connection, connection: Connection, more = "") =>
  Effect.flatMap(
    processlist(admin),
    (list) => query(admin, `SELECT COUNT(*) AS n FROM ${list} WHERE ID = ${connection.threadId}${more}`)
  ).pipe(Effect.map((rows) => JSON.stringify(rows) === "[{\"n\":1}]"))

const isAlive = (admin: Connection, connection: Connection) => isListed(admin, connection)

/** The server forgets it a moment after its lock has gone. */
const isGone = (admin: Connection, connection: Connection) => until(Effect.negate(isAlive(admin, connection)))

const again = (claim: Claim) => ({ ...claim, owner: "second", initial: 0n })

const isAtWork = (admin: Connection, connection: Connection) => isListed(admin, connection, " AND COMMAND = 'Query'")

describeOnEach("owners of a partition", ({ address }) => {
  it.scopedLive("a dead owner's connection is killed after one lock wait, and nothing of it remains", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { acquire, write } = yield* Destination
        const claim = yield* acquired
        const dead = yield* another(config)
        yield* beginAsOwner(dead, claim)
        const taken = yield* shortly(acquire(again(claim)))
        assert.strictEqual(taken.offset, 0n)
        assert.strictEqual(taken.generation, claim.generation + 1n)
        yield* isGone(admin, dead)
        assert.strictEqual((yield* write(batch(taken, 0n, 1n)))._tag, "Committed")
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("an owner that is at work is waited for, not killed", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { acquire } = yield* Destination
        const claim = yield* acquired
        const busy = yield* another(config)
        yield* beginAsOwner(busy, claim)
        yield* query(admin, "DO GET_LOCK(DATABASE(), 0)")
        const working = yield* Effect.fork(query(busy, "DO GET_LOCK(DATABASE(), 30); COMMIT"))
        yield* until(isAtWork(admin, busy))
        const error = yield* Effect.flip(acquire(again(claim)))
        assert.instanceOf(error, DestinationUnavailable)
        assert.strictEqual(error.code, 1205)
        assert.isTrue(yield* isAlive(admin, busy))
        yield* query(admin, "DO RELEASE_LOCK(DATABASE())")
        yield* working.await
        assert.strictEqual((yield* acquire(again(claim))).offset, 9n)
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("another account's connection is never killed", () =>
    Effect.gen(function*() {
      const { admin, config, database } = yield* ownDatabase(address)
      const user = `${database}_x`.slice(0, 32)
      yield* query(admin, `CREATE USER '${user}'@'%' IDENTIFIED BY 'pw'; GRANT ALL ON ${database}.* TO '${user}'@'%'`)
      yield* Effect.addFinalizer(() => query(admin, `DROP USER '${user}'@'%'`))
      yield* Effect.gen(function*() {
        const { acquire } = yield* Destination
        const claim = yield* acquired
        const stranger = yield* another(config, { user, password: "pw" })
        yield* beginAsOwner(stranger, claim)
        assert.strictEqual((yield* Effect.flip(acquire(again(claim)))).code, 1205)
        assert.isTrue(yield* isAlive(admin, stranger))
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("an account without any global privilege may kill its own dead connection", () =>
    Effect.gen(function*() {
      const { admin, config, database } = yield* ownDatabase(address)
      const user = `${database}_y`.slice(0, 32)
      yield* query(
        admin,
        `CREATE USER '${user}'@'%' IDENTIFIED BY 'pw';`
          + ` GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON ${database}.* TO '${user}'@'%'`
      )
      yield* Effect.addFinalizer(() => query(admin, `DROP USER '${user}'@'%'`))
      const own = { ...config, username: user, password: Redacted.make("pw") }
      yield* Effect.gen(function*() {
        const { acquire } = yield* Destination
        const claim = yield* acquired
        const dead = yield* another(own)
        yield* beginAsOwner(dead, claim)
        assert.strictEqual((yield* shortly(acquire(again(claim)))).owner, "second")
        yield* isGone(admin, dead)
      }).pipe(Effect.provide(layerMysql(own)))
    }))

  it.scopedLive("forty acquisitions of four partitions by eight owners at once meet no deadlock", () =>
    Effect.gen(function*() {
      const { config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { acquire } = yield* Destination
        const claim = yield* acquired
        const requests = Array.from({ length: 40 }, (_, index) => ({
          ...claim,
          partition: index % 4,
          owner: `owner-${index % 8}`,
          initial: 0n
        }))
        const claims = yield* Effect.forEach(requests, (request) => patiently(acquire(request)), {
          concurrency: "unbounded"
        })
        const generations = claims.map(({ generation, partition }) => `${partition}:${generation}`)
        assert.strictEqual(new Set(generations).size, 40)
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("only four columns of kafka_offsets are visible, and a padded group is another group", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { acquire, stored } = yield* Destination
        const claim = yield* acquired
        yield* acquire({ ...again(claim), group: "g ", initial: 5n })
        assert.deepStrictEqual((yield* stored("orders", "g")).map(({ offset }) => offset), [0n])
        assert.deepStrictEqual((yield* stored("orders", "g ")).map(({ offset }) => offset), [5n])
        assert.deepStrictEqual(yield* query(admin, "SELECT * FROM kafka_offsets WHERE consumer_group = 'g'"), [
          { topic: "orders", partition: 0, consumer_group: "g", offset: 0 }
        ])
      }).pipe(Effect.provide(layerMysql(config)))
    }))
})

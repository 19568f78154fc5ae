import { assert, it } from "@effect/vitest"
import { Array, Effect, Fiber, Random, Schedule } from "effect"
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise"
import { Destination, type DestinationError, type WriteRequest } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { describeWith, startMysql } from "../../servers/index.js"
import { acquired, batch, configOf, killed, ownDatabase, query, state, until } from "./support.js"

const untilThere = <A>(effect: Effect.Effect<A, DestinationError, Destination>) =>
  Effect.retry(effect, {
    while: (error) => error._tag === "DestinationUnavailable",
    schedule: Schedule.spaced("20 millis")
  })

/** Writes a batch as the pipeline does: an unknown outcome is looked up, a lost claim taken again. */
const writeOnce = (request: WriteRequest) =>
  Effect.gen(function*() {
    const { acquire, resolve, write } = yield* Destination
    const outcome = yield* write(request)
    const found = outcome._tag === "Unknown" ? yield* untilThere(resolve(request)) : outcome._tag
    if (found === "Committed") return { at: request.next, claim: request.claim }
    const owner = String(yield* Random.next)
    const claim = yield* untilThere(acquire({ ...request.claim, owner, initial: 0n }))
    return { at: claim.offset, claim }
  })

const killSome = (admin: Connection) =>
  Effect.gen(function*() {
    const rows = yield* Effect.promise(() =>
      admin.query<Array<RowDataPacket>>(
        "SELECT ID AS id FROM performance_schema.processlist WHERE DB = DATABASE() AND ID <> CONNECTION_ID()"
      )
    )
    const ids = rows[0].map((row) => String(row["id"]))
    if (ids.length === 0) return
    const id = ids[yield* Random.nextIntBetween(0, ids.length)]
    // 1094: it has ended meanwhile.
    yield* Effect.ignore(Effect.tryPromise(() => admin.query(`KILL ${id}`)))
  })

describeWith(["mysql"], "MySQL connections that are killed at random", (servers) => {
  it.scopedLive("leave every row once, in offset order, whatever was under way", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      // Without a unique key, which would turn a repeat into an error.
      yield* query(
        admin,
        "CREATE TABLE orders (id BIGINT, _source INT, _partition INT, _offset BIGINT, n INT AUTO_INCREMENT KEY)"
      )
      yield* Effect.gen(function*() {
        const first = yield* acquired
        const { acquire, snapshot } = yield* Destination
        let written = 0
        /** Not faster than the writers get on: a slow machine would never come to an end. */
        const somethingWritten = Effect.suspend(() => {
          const before = written
          return Effect.repeat(Effect.void, { until: () => written > before, schedule: Schedule.spaced("8 millis") })
        })
        const partition = (number: number) =>
          Effect.gen(function*() {
            let claim = yield* untilThere(acquire({ ...first, partition: number, owner: `p${number}`, initial: 0n }))
            let at = claim.offset
            while (at < 600n) {
              const next = yield* writeOnce(batch(claim, at, at + 5n))
              claim = next.claim
              at = next.at
              written++
            }
          })
        const killing = yield* Effect.fork(Effect.forever(Effect.zipRight(killSome(admin), somethingWritten)))
        yield* Effect.forEach(Array.range(1, 3), partition, { concurrency: "unbounded" })
        yield* Fiber.interrupt(killing)
        const counts = yield* untilThere(snapshot([{ topic: "orders", group: "g", table: "orders" }]))
        assert.deepStrictEqual(
          counts.slice(1).map((
            { rows, storedOffset }
          ) => [storedOffset, rows?.count, rows?.distinctOffsets, rows?.lastOffset]),
          Array.replicate([600n, 600n, 600n, 599n], 3)
        )
        assert.deepStrictEqual(
          yield* query(
            admin,
            "SELECT COUNT(*) AS n FROM orders a JOIN orders b USING (_source, _partition) WHERE a._offset < b._offset AND a.n > b.n"
          ),
          [{ n: 0 }]
        )
      }).pipe(Effect.provide(layerMysql({ ...config, maxPoolSize: 3 })))
    }), 300_000)
})

const ownServer = Effect.acquireRelease(
  Effect.promise(() => startMysql()),
  (own) => Effect.promise(() => own.stop())
)

describeWith(["own:mysql"], "a MySQL that is restarted", () => {
  it.scopedLive("is written on as soon as it is back, by the same layer", () =>
    Effect.gen(function*() {
      const server = yield* ownServer
      const config = configOf(server.address, { database: "restarted" })
      yield* Effect.promise(async () => {
        const admin = await createConnection({ uri: server.address })
        await admin.query("CREATE DATABASE restarted")
        await admin.end()
      })
      yield* Effect.gen(function*() {
        const { prepare, snapshot } = yield* Destination
        let claim = yield* acquired
        let at = 0n
        const writeUpTo = (end: bigint) =>
          Effect.gen(function*() {
            while (at < end) ({ at, claim } = yield* writeOnce(batch(claim, at, at + 5n)))
          })
        yield* writeUpTo(50n)
        yield* Effect.promise(() => server.kill())
        const down = yield* Effect.flip(prepare)
        assert.strictEqual(down._tag, "DestinationUnavailable")
        assert.include(down.message, `${config.host}:${config.port}`)
        const goingOn = yield* Effect.fork(writeUpTo(100n))
        yield* Effect.promise(() => server.start())
        yield* Fiber.join(goingOn)
        yield* Effect.promise(() => server.restart("SIGTERM"))
        yield* writeUpTo(150n)
        assert.deepStrictEqual(
          (yield* snapshot([{ topic: "orders", group: "g", table: "orders" }])).map(({ rows, storedOffset }) => [
            storedOffset,
            rows?.count,
            rows?.distinctOffsets
          ]),
          [[150n, 150n, 150n]]
        )
      }).pipe(Effect.provide(layerMysql(config)))
    }), 300_000)

  it.scopedLive(
    "a connection killed while COMMIT is under way is unknown, and looked up",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase((yield* ownServer).address)
        yield* Effect.gen(function*() {
          const { resolve, write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          // COMMIT waits for the global read lock; the statements before it must not.
          yield* query(admin, "DO GET_LOCK('go', 0)")
          const locking = {
            ...request,
            statements: [...request.statements, "DO GET_LOCK('reached', 0) + GET_LOCK('go', 50)"]
          }
          const writing = yield* Effect.fork(write(locking))
          yield* until(
            Effect.map(query(admin, "SELECT IS_FREE_LOCK('reached') AS f"), (rows) =>
              JSON.stringify(rows) === "[{\"f\":0}]")
          )
          yield* query(admin, "FLUSH TABLES WITH READ LOCK; DO RELEASE_LOCK('go')")
          yield* killed(admin, "COMMIT")
          const outcome = yield* Fiber.join(writing)
          assert.strictEqual(outcome._tag, "Unknown")
          yield* query(admin, "UNLOCK TABLES")
          const found = yield* resolve(request)
          assert.include(["Committed", "NotCommitted"], found)
          assert.deepStrictEqual(yield* state(admin), [
            found === "Committed" ? { offset: "5", rows: 5 } : { offset: "0", rows: 0 }
          ])
        }).pipe(Effect.provide(layerMysql(config)))
      }),
    300_000
  )
})

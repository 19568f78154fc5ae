import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { Destination, type WriteOutcome } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { describeOnEach, describeWith } from "../../servers/index.js"
import { acquired, batch, killed, ownDatabase, query, shortly, state, until } from "./support.js"
import { commitText, tcpProxy } from "./tcpProxy.js"

/** An own database behind a proxy, one data connection. */
const behindProxy = (uri: string, over: Partial<MysqlConfig> = {}) =>
  Effect.gen(function*() {
    const { admin, config } = yield* ownDatabase(uri)
    const proxy = yield* tcpProxy(config)
    const live = layerMysql({
      ...config,
      host: "127.0.0.1",
      port: proxy.port,
      maxPoolSize: 1,
      ...over
    })
    return { admin, proxy, live }
  })

const errorOf = (outcome: WriteOutcome) =>
  outcome._tag === "RolledBack" || outcome._tag === "Unknown" ? outcome.error : assert.fail(outcome._tag)

describeOnEach("the outcome of a write", ({ address }) => {
  // Side by side: each has a database of its own, and most wait.
  describe.concurrent("is told", () => {
    it.scopedLive("a connection killed before COMMIT is sent is rolled back, and the next write has another one", () =>
      Effect.gen(function*() {
        const { admin, live } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const claim = yield* acquired
          const request = batch(claim, 0n, 5n)
          const slow = "INSERT INTO orders (id, _source, _partition, _offset) SELECT SLEEP(50), 1, 9, 9"
          const writing = yield* Effect.fork(write({ ...request, statements: [...request.statements, slow] }))
          yield* killed(admin, "SLEEP")
          const outcome = yield* Fiber.join(writing)
          assert.strictEqual(outcome._tag, "RolledBack")
          assert.strictEqual(errorOf(outcome).class, "reconnect")
          assert.deepStrictEqual(yield* state(admin), [{ offset: "0", rows: 0 }])
          assert.strictEqual((yield* write(request))._tag, "Committed")
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("COMMIT that was carried out, its answer lost, is unknown, and resolves to committed", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { resolve, write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(commitText, "cut-after")
          const outcome = yield* write(request)
          assert.strictEqual(outcome._tag, "Unknown")
          assert.strictEqual(errorOf(outcome).class, "reconnect")
          assert.strictEqual(yield* resolve(request), "Committed")
          assert.deepStrictEqual(yield* state(admin), [{ offset: "5", rows: 5 }])
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("COMMIT that never arrived is unknown, and resolves to not committed", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { resolve, write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(commitText, "cut-before")
          assert.strictEqual((yield* write(request))._tag, "Unknown")
          assert.strictEqual(yield* shortly(resolve(request)), "NotCommitted")
          assert.deepStrictEqual(yield* state(admin), [{ offset: "0", rows: 0 }])
          assert.strictEqual((yield* write(request))._tag, "Committed")
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("an interruption while COMMIT is under way waits for its answer", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(commitText, "hold")
          const published: Array<WriteOutcome> = []
          const publish = Effect.tap(write(request), (outcome) => Effect.sync(() => published.push(outcome)))
          const writing = yield* Effect.fork(Effect.uninterruptible(publish))
          yield* until(Effect.sync(proxy.hasStruck))
          const interrupting = yield* Effect.fork(Fiber.interrupt(writing))
          yield* Effect.yieldNow()
          assert.deepStrictEqual(published, [])
          proxy.release()
          yield* Fiber.join(interrupting)
          assert.deepStrictEqual(published.map(({ _tag }) => _tag), ["Committed"])
          assert.deepStrictEqual(yield* state(admin), [{ offset: "5", rows: 5 }])
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("an interruption before COMMIT is sent rolls back and leaves the connection usable", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(/INSERT INTO orders/u, "hold")
          const writing = yield* Effect.fork(write(request))
          yield* until(Effect.sync(proxy.hasStruck))
          const interrupting = yield* Effect.fork(Fiber.interrupt(writing))
          yield* Effect.yieldNow()
          proxy.release()
          assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupting)))
          assert.deepStrictEqual(yield* state(admin), [{ offset: "0", rows: 0 }])
          assert.strictEqual((yield* write(request))._tag, "Committed")
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("a transaction that has begun finishes if its caller does not want it interrupted", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(/INSERT INTO orders/u, "hold")
          const writing = yield* Effect.fork(Effect.uninterruptible(write(request)))
          yield* until(Effect.sync(proxy.hasStruck))
          const interrupting = yield* Effect.fork(Fiber.interrupt(writing))
          yield* Effect.yieldNow()
          proxy.release()
          yield* Fiber.join(interrupting)
          assert.deepStrictEqual(yield* state(admin), [{ offset: "5", rows: 5 }])
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("after a lock wait that timed out nothing of the transaction is ever committed", () =>
      Effect.gen(function*() {
        const { admin, live } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { acquire, write } = yield* Destination
          const claim = yield* acquired
          const other = yield* acquire({ ...claim, partition: 1, initial: 0n })
          // Somebody else holds the key of the third row.
          yield* query(
            admin,
            `BEGIN; INSERT INTO orders (id, _source, _partition, _offset) VALUES (2, ${claim.sourceId}, 0, 2)`
          )
          const outcome = yield* write({
            ...batch(claim, 0n, 2n),
            next: 3n,
            statements: [
              ...batch(claim, 0n, 2n).statements,
              ...batch(claim, 2n, 3n).statements
            ]
          })
          assert.strictEqual(outcome._tag, "RolledBack")
          assert.strictEqual(errorOf(outcome).code, 1205)
          assert.strictEqual(errorOf(outcome).class, "retriable")
          // The row's lock is gone with the transaction, not at the connection's next use.
          yield* query(admin, "ROLLBACK; SELECT 1 FROM kafka_offsets WHERE `partition` = 0 FOR UPDATE NOWAIT; ROLLBACK")
          // MySQL leaves the transaction open after 1205; on the same connection the next BEGIN would commit it.
          assert.strictEqual((yield* write(batch(other, 0n, 1n)))._tag, "Committed")
          assert.deepStrictEqual(
            yield* query(admin, "SELECT `partition` AS p, CAST(`offset` AS CHAR) AS o FROM kafka_offsets ORDER BY 1"),
            [{ p: 0, o: "0" }, { p: 1, o: "1" }]
          )
          assert.deepStrictEqual(yield* query(admin, "SELECT _partition AS p FROM orders"), [{ p: 1 }])
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("a value that MySQL would round with no more than a note is refused", () =>
      Effect.gen(function*() {
        const { admin, live } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const claim = yield* acquired
          yield* query(admin, "CREATE TABLE prices (price DECIMAL(5, 2), note VARCHAR(3))")
          for (const row of ["(1.239, 'a')", "(1.2, 'abc ')"]) {
            const outcome = yield* write({
              claim,
              expected: 0n,
              next: 1n,
              letters: [],
              statements: [`INSERT INTO prices VALUES ${row}`]
            })
            assert.strictEqual(outcome._tag, "RolledBack")
            assert.strictEqual(errorOf(outcome).code, 1265)
            assert.strictEqual(errorOf(outcome).class, "poison")
          }
          assert.deepStrictEqual(yield* query(admin, "SELECT * FROM prices"), [])
          const exact = {
            claim,
            expected: 0n,
            next: 1n,
            letters: [],
            statements: ["INSERT INTO prices VALUES (1.23, 'abc')"]
          }
          assert.strictEqual((yield* write(exact))._tag, "Committed")
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("errors of rows keep their class and column, and show no value", () =>
      Effect.gen(function*() {
        const { admin, live } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const claim = yield* acquired
          yield* query(
            admin,
            "CREATE TABLE parents (id INT PRIMARY KEY);"
              + "CREATE TABLE strict (a INT NOT NULL, b VARCHAR(3), u INT UNIQUE, c INT NOT NULL, p INT,"
              + " FOREIGN KEY (p) REFERENCES parents (id))"
          )
          const cases = [
            ["(a, b, c) VALUES (1, 'secret', 1)", "poison", 1406],
            ["(a, b, c) VALUES ('secret', 'b', 1)", "poison", 1366],
            ["(`a`, `b`, `c`) VALUES (NULL, 'b', 1)", "poison", 1048],
            ["(a, b) VALUES (1, 'b')", "setup", 1364],
            ["(a, u, c) VALUES (1, 7, 1), (1, 7, 1)", "poison", 1062],
            ["(a, p, c) VALUES (1, 5, 1)", "wait-then-poison", 1452],
            ["(a, secret, c) VALUES (1, 5, 1)", "setup", 1054]
          ] as const
          for (const [row, errorClass, code] of cases) {
            const statements = [`INSERT INTO strict ${row}`]
            const error = errorOf(yield* write({ claim, expected: 0n, next: 1n, letters: [], statements }))
            assert.deepStrictEqual([error.class, error.code], [errorClass, code], row)
            if (code !== 1054) assert.notInclude(error.message, "secret")
            assert.strictEqual(error.cure !== undefined, errorClass === "setup", row)
          }
        }).pipe(Effect.provide(live))
      }))

    it.scopedLive("a statement larger than the server takes is a set-up error that names the setting", () =>
      Effect.gen(function*() {
        const { live } = yield* behindProxy(address)
        yield* Effect.gen(function*() {
          const { write } = yield* Destination
          const claim = yield* acquired
          const statements = [`INSERT INTO orders (id) VALUES (${" ".repeat(65 * 1024 * 1024)}1)`]
          const error = errorOf(yield* write({ claim, expected: 0n, next: 1n, letters: [], statements }))
          assert.deepStrictEqual([error.class, error.code], ["setup", 1153])
          assert.include(error.cure, "max_allowed_packet")
        }).pipe(Effect.provide(live))
      }))
  })
})

/** Short enough to wait for, and longer than a busy machine takes for any of the other statements. */
const deadline = { statementTimeoutMs: 10_000 }
/** Without the deadline these would wait for ever: no answer comes, and nobody is told that the server has hung up. */
const boundMs = 150_000

// On one server only: deadlines are ours, whoever does not answer. Side by side: each has a database of its own, and waits.
describeWith(["mysql"], "the outcome of a write that is never answered", (servers) => {
  describe.concurrent("at its deadline", () => {
    it.scopedLive(
      "COMMIT swallowed without a word ends at its deadline; resolve ends what the server still holds open",
      () =>
        Effect.gen(function*() {
          const { admin, live, proxy } = yield* behindProxy(servers.mysql, deadline)
          yield* Effect.gen(function*() {
            const { resolve, write } = yield* Destination
            const claim = yield* acquired
            const request = batch(claim, 0n, 5n)
            proxy.arm(commitText, "swallow")
            assert.strictEqual((yield* write(request))._tag, "Unknown")
            // The only data connection was destroyed, and its slot is free: this one gets an answer, whatever it is.
            assert.strictEqual((yield* write(batch({ ...claim, partition: 1 }, 0n, 1n)))._tag, "Fenced")
            assert.strictEqual(yield* shortly(resolve(request)), "NotCommitted")
            assert.deepStrictEqual(yield* state(admin), [{ offset: "0", rows: 0 }])
            assert.strictEqual((yield* write(request))._tag, "Committed")
          }).pipe(Effect.provide(live))
        }),
      boundMs
    )

    it.scopedLive("COMMIT answered into the void is unknown, and resolves to committed", () =>
      Effect.gen(function*() {
        const { admin, live, proxy } = yield* behindProxy(servers.mysql, deadline)
        yield* Effect.gen(function*() {
          const { resolve, write } = yield* Destination
          const request = batch(yield* acquired, 0n, 5n)
          proxy.arm(commitText, "swallow-answer")
          assert.strictEqual((yield* write(request))._tag, "Unknown")
          assert.strictEqual(yield* resolve(request), "Committed")
          assert.deepStrictEqual(yield* state(admin), [{ offset: "5", rows: 5 }])
        }).pipe(Effect.provide(live))
      }), boundMs)

    it.scopedLive(
      "rows swallowed without a word are rolled back at the deadline: COMMIT was not sent",
      () =>
        Effect.gen(function*() {
          const { live, proxy } = yield* behindProxy(servers.mysql, deadline)
          yield* Effect.gen(function*() {
            const { resolve, write } = yield* Destination
            const request = batch(yield* acquired, 0n, 5n)
            proxy.arm(/INSERT INTO orders/u, "swallow")
            const outcome = yield* write(request)
            assert.strictEqual(outcome._tag, "RolledBack")
            assert.strictEqual(errorOf(outcome).class, "reconnect")
            assert.strictEqual(yield* shortly(resolve(request)), "NotCommitted")
            assert.strictEqual((yield* write(request))._tag, "Committed")
          }).pipe(Effect.provide(live))
        }),
      boundMs
    )

    it.scopedLive(
      "a question swallowed without a word ends at its deadline, and the next one is asked elsewhere",
      () =>
        Effect.gen(function*() {
          const { live, proxy } = yield* behindProxy(servers.mysql, deadline)
          yield* Effect.gen(function*() {
            const { stored } = yield* Destination
            yield* acquired
            proxy.arm(/SELECT `partition`/u, "swallow")
            assert.strictEqual((yield* Effect.flip(stored("orders", "g")))._tag, "DestinationUnavailable")
            assert.lengthOf(yield* stored("orders", "g"), 1)
          }).pipe(Effect.provide(live))
        }),
      boundMs
    )

    it.scopedLive(
      "an interruption while COMMIT is under way does not take its deadline away",
      () =>
        Effect.gen(function*() {
          const { live, proxy } = yield* behindProxy(servers.mysql, deadline)
          yield* Effect.gen(function*() {
            const { resolve, write } = yield* Destination
            const request = batch(yield* acquired, 0n, 5n)
            proxy.arm(commitText, "swallow")
            const published: Array<WriteOutcome> = []
            const publish = Effect.tap(write(request), (outcome) => Effect.sync(() => published.push(outcome)))
            const writing = yield* Effect.fork(Effect.uninterruptible(publish))
            yield* until(Effect.sync(proxy.hasStruck))
            yield* Fiber.interrupt(writing)
            assert.deepStrictEqual(published.map(({ _tag }) => _tag), ["Unknown"])
            assert.strictEqual(yield* shortly(resolve(request)), "NotCommitted")
          }).pipe(Effect.provide(live))
        }),
      boundMs
    )
  })
})

import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { Catalog } from "../../../src/layers/Catalog.js"
import { layer as layerCatalog } from "../../../src/layers/mysql/MysqlCatalog.js"
import { describeOnEach } from "../../servers/index.js"
import {
  additive,
  another,
  column,
  columnsOf,
  copying,
  ensure,
  id,
  insert,
  inspect,
  planOf,
  refusal,
  widen
} from "./evolutionSupport.js"
import { killed, ownDatabase, processlist, query, until } from "./support.js"

describeOnEach("tables that people have made", ({ address, label }) => {
  const qty = column("qty", { kind: "int" })

  it.scopedLive("foreign keys, checks, triggers and generated columns are used as they are, and noted", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(
        admin,
        "CREATE TABLE parents (id BIGINT PRIMARY KEY); CREATE TABLE orders (id BIGINT, qty INT CHECK (qty > 0),"
          + " twice INT AS (qty * 2) STORED, FOREIGN KEY (id) REFERENCES parents (id));"
          + " CREATE TRIGGER audit BEFORE INSERT ON orders FOR EACH ROW SET NEW.qty = NEW.qty"
      )
      const plan = planOf([id, qty, column("note", { kind: "string" })])
      const { notes } = yield* inspect(config, plan, additive)
      for (
        const words of ["twice is generated", "BEFORE INSERT audit", "FOREIGN KEY orders_ibfk_1", "CHECK "]
      ) {
        assert.isTrue(notes.some((note) => note.includes(words)), words)
      }
      assert.deepStrictEqual(yield* ensure(config, plan, additive), { keyColumns: false, ignored: new Set<string>() })
      const written = planOf([id, qty, column("twice", { kind: "int" })])
      assert.include(yield* refusal(ensure(config, written, additive)), "column twice is generated")
    }))

  it.scopedLive("an updatable view takes rows, another one is refused, and neither is altered", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(
        admin,
        "CREATE TABLE base (id BIGINT, qty INT); CREATE VIEW orders AS SELECT id, qty FROM base;"
          + " CREATE VIEW counted AS SELECT COUNT(*) AS id FROM base"
      )
      assert.deepStrictEqual(yield* ensure(config, planOf([id, qty]), widen), {
        keyColumns: false,
        ignored: new Set<string>()
      })
      assert.include(
        yield* refusal(ensure(config, planOf([id, column("x", { kind: "int" })]), copying)),
        "column x is missing"
      )
      assert.include(
        yield* refusal(ensure(config, planOf([id], { table: "counted" }), widen)),
        "is a view that rows cannot"
      )
    }))

  it.scopedLive("a key that is compared without case, and a second unique index, are refused in upsert mode", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, "CREATE TABLE orders (k VARCHAR(255) PRIMARY KEY, id BIGINT, UNIQUE KEY by_id (id))")
      const key = column("k", { kind: "string", length: 255, key: true })
      const plan = planOf([key, { ...id, nullable: true }], { key: ["k"] })
      const line = yield* refusal(ensure(config, plan, additive))
      assert.match(line, /collation \S+, for which different keys are the same/u)
      assert.include(line, "unique index by_id")
      // All cures together are what it takes.
      yield* query(admin, line.match(/ALTER TABLE [^;]+;/gu)?.join(" ") ?? "")
      yield* ensure(config, plan, additive)
    }))

  it.scopedLive("a table that would be too wide is refused in one line", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      const columns = Array.from({ length: 1017 }, (_, index) => `c${index} INT`)
      yield* query(admin, `CREATE TABLE orders (${columns.join(", ")}); CREATE TABLE wide (v VARCHAR(16300))`)
      assert.include(yield* refusal(ensure(config, planOf([id]), additive)), "1018 columns, InnoDB takes 1017")
      const fixed = planOf(["a", "b"].map((name) => column(name, { kind: "fixed", size: 255 })), { table: "wide" })
      if (label === "MySQL") assert.match(yield* refusal(ensure(config, fixed, additive)), /\(1118\)/u)
    }))

  it.scopedLive("that cannot be changed INSTANT are rebuilt while they are small", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, "CREATE TABLE orders (id BIGINT) ROW_FORMAT=COMPRESSED")
      yield* ensure(config, planOf([id, qty]), additive)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NULL", "qty int NULL"])
    }))
})

describeOnEach("altering while others are at work", ({ address }) => {
  it.scopedLive(
    "instances with different versions all get a table that takes their rows",
    () =>
      Effect.gen(function*() {
        const { config } = yield* ownDatabase(address)
        for (let round = 0; round < 5; round++) {
          const table = `t${round}`
          const versions = [
            [id],
            [id, column("a", { kind: "int" })],
            [column("a", { kind: "int" }), column("b", { kind: "string" })],
            [id, column("b", { kind: "string" }), column("c", { kind: "double" })]
          ]
          const plans = versions.map((columns) => planOf(columns, { table }))
          yield* Effect.forEach(plans, (plan) => ensure(config, plan, additive), { concurrency: "unbounded" })
          for (const plan of plans) {
            const state = yield* inspect(config, plan, additive)
            assert.deepStrictEqual([state.steps, state.refused], [[], []])
          }
        }
      })
  )

  it.scopedLive(
    "a writer with an open transaction is waited for, and other writers go on meanwhile",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* ensure(config, planOf([id]), additive)
        const writer = yield* another(address, config.database)
        yield* query(writer, "BEGIN")
        yield* insert(writer, 0, "id", "1")
        const altering = yield* Effect.fork(ensure(config, planOf([id, column("n", { kind: "int" })]), additive))
        const list = yield* processlist(admin)
        yield* until(
          Effect.map(
            query(
              admin,
              `SELECT COUNT(*) AS n FROM ${list} WHERE DB = DATABASE()`
                + " AND STATE LIKE 'Waiting for table metadata lock%' AND INFO LIKE 'ALTER%'"
            ),
            (rows) => JSON.stringify(rows) === JSON.stringify([{ n: 1 }])
          )
        )
        // It would wait for ever behind an ALTER that waits for ever: the ALTER gives way.
        yield* query(admin, "SET SESSION lock_wait_timeout = 10")
        yield* insert(admin, 1, "id", "2")
        yield* query(writer, "COMMIT")
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(altering)))
        assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL", "n int NULL"])
      })
  )

  it.scopedLive(
    "an instance that dies between two ALTERs, or right behind the last, leaves the rest to the next one",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* query(admin, "CREATE TABLE orders (gone INT NOT NULL)")
        const plan = planOf([id])
        const first = yield* Deferred.make<void>()
        const dying = yield* Effect.fork(
          Effect.flatMap(Catalog, (catalog) =>
            catalog.apply(plan, additive, (event, { kind }) =>
              event === "done" && kind === "add"
                ? Effect.zipRight(Deferred.succeed(first, undefined), Effect.never)
                : Effect.void)).pipe(Effect.provide(layerCatalog(config)))
        )
        yield* Deferred.await(first)
        yield* Fiber.interrupt(dying)
        assert.deepStrictEqual(yield* columnsOf(admin), ["gone int NOT NULL", "id bigint NULL"])
        yield* ensure(config, plan, additive)
        assert.deepStrictEqual(yield* columnsOf(admin), ["gone int NULL", "id bigint NULL"])
      })
  )

  it.scopedLive(
    "a connection that is killed in the middle of an ALTER is unavailable, and the next attempt goes on",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* ensure(config, planOf([id]), additive)
        const reader = yield* another(address, config.database)
        yield* query(reader, "BEGIN; SELECT * FROM orders")
        const plan = planOf([id, column("n", { kind: "int" })])
        const altering = yield* Effect.fork(Effect.flip(ensure(config, plan, additive)))
        yield* killed(admin, "ALTER TABLE")
        assert.strictEqual((yield* Fiber.join(altering))._tag, "DestinationUnavailable")
        yield* query(reader, "COMMIT")
        yield* ensure(config, plan, additive)
        assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL", "n int NULL"])
      })
  )
})

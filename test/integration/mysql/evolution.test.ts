import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import type { Column, ColumnType, TablePlan } from "../../../src/domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../../src/domain/TopicSettings.js"
import { Catalog } from "../../../src/layers/Catalog.js"
import { Destination, type DestinationError } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { layer as layerCatalog } from "../../../src/layers/mysql/MysqlCatalog.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { describeWith } from "../../servers/index.js"
import { killed, ownDatabase, query, until } from "./support.js"

const column = (name: string, type: ColumnType, over: Partial<Column> = {}): Column => ({
  from: "value",
  path: [name],
  name,
  type,
  nullable: false,
  ...over
})

const planOf = (columns: ReadonlyArray<Column>, over: Partial<TablePlan> = {}): TablePlan => ({
  topic: "orders",
  schemaId: 7,
  table: "orders",
  columns,
  key: [],
  metadata: [],
  ...over
})

const none: EvolutionPolicy = { mode: "none", allowCopy: false }
const additive: EvolutionPolicy = { mode: "additive", allowCopy: false }
const widen: EvolutionPolicy = { mode: "widen", allowCopy: false }
const copying: EvolutionPolicy = { mode: "widen", allowCopy: true }

/** As an instance does it that has just started. */
const ensure = (config: MysqlConfig, plan: TablePlan, policy: EvolutionPolicy) =>
  Effect.flatMap(Destination, (destination) => destination.ensureTable(plan, policy)).pipe(
    Effect.provide(layerMysql(config))
  )

/** One more connection to a database. */
const another = (uri: string, database: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const connection = await createConnection({ uri, multipleStatements: true })
      await connection.query(`USE ${database}`)
      return connection
    }),
    (connection) => Effect.promise(() => connection.end())
  )

const inspect = (config: MysqlConfig, plan: TablePlan, policy: EvolutionPolicy) =>
  Effect.flatMap(Catalog, (catalog) => catalog.inspect(plan, policy)).pipe(Effect.provide(layerCatalog(config)))

const refusal = (effect: Effect.Effect<unknown, DestinationError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, "DestinationRefused")
    return error.message
  })

/** `name type NULL default`, one line for each visible column. */
const columnsOf = (admin: Connection) =>
  Effect.map(
    query(
      admin,
      "SELECT CONCAT_WS(' ', COLUMN_NAME, COLUMN_TYPE, IF(IS_NULLABLE = 'YES', 'NULL', 'NOT NULL'), COLUMN_DEFAULT) AS c"
        + " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'orders'"
        + " AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY ORDINAL_POSITION"
    ),
    (rows) => Array.isArray(rows) ? rows.map((row: { readonly c: string }) => row.c) : []
  )

const insert = (admin: Connection, offset: number, names: string, values: string) =>
  query(admin, `INSERT INTO orders (${names}, _source, _partition, _offset) VALUES (${values}, 1, 0, ${offset})`)

const id = column("id", { kind: "long" })
const enumType = (...symbols: ReadonlyArray<string>): ColumnType => ({ kind: "enum", symbols, stored: "enum" })

/** Name, first and second type, the column afterwards, whether it takes a copy, and a value that must stay. */
const widenings: ReadonlyArray<readonly [string, ColumnType, ColumnType, string, boolean, string]> = [
  ["int to long", { kind: "int" }, { kind: "long" }, "c bigint NOT NULL", true, "-5"],
  ["float to double", { kind: "float", stored: "float" }, { kind: "double" }, "c double NOT NULL", true, "0.5"],
  [
    "longer string",
    { kind: "string", length: 20 },
    { kind: "string", length: 60 },
    "c varchar(60) NOT NULL",
    false,
    "'é'"
  ],
  [
    "longer string, two bytes of length",
    { kind: "string", length: 20 },
    { kind: "string", length: 70 },
    "c varchar(70) NOT NULL",
    true,
    "'é'"
  ],
  [
    "longer fixed",
    { kind: "fixed", size: 4 },
    { kind: "fixed", size: 8 },
    "c varbinary(8) NOT NULL",
    true,
    "x'00010200'"
  ],
  ["new symbol of ENUM", enumType("A", "B"), enumType("C", "A", "B"), "c enum('A','B','C') NOT NULL", false, "'B'"],
  [
    "longer symbol of VARCHAR",
    { kind: "enum", symbols: ["A"], stored: "varchar" },
    { kind: "enum", symbols: ["A", "A_symbol_of_more_than_16"], stored: "varchar" },
    "c varchar(24) NOT NULL",
    false,
    "'A'"
  ],
  [
    "more digits",
    { kind: "decimal", precision: 5, scale: 2, stored: "decimal" },
    { kind: "decimal", precision: 9, scale: 3, stored: "decimal" },
    "c decimal(9,3) NOT NULL",
    true,
    "-1.25"
  ]
]

describeWith(["mysql"], "a table on MySQL follows its schema", (servers) => {
  it.scopedLive("evolution none: a new field is left out, and told; a removed one stops the start", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      yield* ensure(config, planOf([id]), none)
      const more = planOf([id, column("note", { kind: "string" })])
      assert.deepStrictEqual(yield* ensure(config, more, none), { keyColumns: true, ignored: new Set(["note"]) })
      assert.match(yield* refusal(ensure(config, planOf([]), none)), /schema\.evolution=additive, or run: ALTER TABLE/u)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL"])
    }))

  it.scopedLive("evolution additive: new fields are columns that may be NULL, removed ones need no value", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      yield* ensure(config, planOf([id]), additive)
      yield* insert(admin, 0, "id", "1")
      const second = planOf([
        column("note", { kind: "string" }, { doc: "what 'they' \\ say" }),
        column("count", { kind: "int" }, { default: { value: 3 } }),
        column("kind", enumType("A", "B"), { default: { value: "B" } }),
        column("at", { kind: "timestamp", unit: "micros" }),
        column("tree", { kind: "json", schema: { type: "array", items: { type: "int" } } })
      ])
      yield* ensure(config, second, additive)
      assert.deepStrictEqual(yield* columnsOf(admin), [
        "id bigint NULL",
        "note longtext NULL",
        "count int NULL 3",
        "kind enum('A','B') NULL B",
        "at datetime(6) NULL",
        "tree json NULL"
      ])
      yield* insert(admin, 1, "note", "'x'")
      assert.deepStrictEqual(yield* query(admin, "SELECT id, count, kind FROM orders ORDER BY _offset"), [
        { id: 1, count: 3, kind: "B" },
        { id: null, count: 3, kind: "B" }
      ])
      assert.match(
        yield* refusal(
          ensure(config, planOf([column("note", { kind: "string" }), column("count", { kind: "long" })]), additive)
        ),
        /schema\.evolution=widen, or run: ALTER TABLE `orders` MODIFY COLUMN `count` BIGINT NULL DEFAULT '3';/u
      )
    }))

  for (const [name, first, second, expected, copies, value] of widenings) {
    it.scopedLive(`evolution widen: ${name}, ${copies ? "if copies are allowed" : "in place"}; values stay`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(servers.mysql)
        const [before, after] = [first, second].map((type) => planOf([column("c", type)]))
        if (before === undefined || after === undefined) return assert.fail()
        yield* ensure(config, before, additive)
        yield* insert(admin, 0, "c", value)
        assert.include(yield* refusal(ensure(config, after, additive)), "schema.evolution=widen")
        if (copies) assert.include(yield* refusal(ensure(config, after, widen)), "schema.evolution.allow.copy=true")
        yield* ensure(config, after, copies ? copying : widen)
        assert.deepStrictEqual(yield* columnsOf(admin), [expected])
        assert.deepStrictEqual(yield* query(admin, `SELECT COUNT(*) AS n FROM orders WHERE c = ${value}`), [{ n: 1 }])
        // The older schema still finds what it needs, and whatever is asked again changes nothing.
        for (const plan of [before, after]) assert.lengthOf((yield* inspect(config, plan, none)).steps, 0)
      }))
  }

  it.scopedLive("evolution widen: a field that may be null now, with its column's default, comment and collation kept", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      const kept = [
        "s VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s \\\\ ü' COMMENT 'some ''words'''",
        "n INT NOT NULL DEFAULT -3",
        "t TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)",
        "e VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (UUID()) INVISIBLE"
      ]
      yield* query(admin, `CREATE TABLE orders (${kept.join(", ")})`)
      const shown = Effect.map(
        query(admin, "SHOW CREATE TABLE orders"),
        (rows) => String(Array.isArray(rows) ? Object.values(rows[0])[1] : "")
      )
      const before = yield* shown
      const types = {
        s: { kind: "string" },
        n: { kind: "int" },
        t: { kind: "timestamp", unit: "millis" },
        e: { kind: "uuid", stored: "char" }
      } as const
      const columns = Object.entries(types).map(([name, type]) => column(name, type, { nullable: true }))
      yield* ensure(config, planOf(columns), widen)
      // Of a TIMESTAMP alone the server says that it may be NULL.
      const expected = before.replaceAll(" NOT NULL", "").replace("`t` timestamp(3)", "`t` timestamp(3) NULL")
      assert.strictEqual(yield* shown, expected)
    }))
})

describeWith(["mysql"], "tables that people have made, on MySQL", (servers) => {
  const qty = column("qty", { kind: "int" })

  it.scopedLive("foreign keys, checks, triggers and generated columns are used as they are, and noted", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      yield* query(
        admin,
        "CREATE TABLE parents (id BIGINT PRIMARY KEY); CREATE TABLE orders (id BIGINT, qty INT CHECK (qty > 0),"
          + " twice INT AS (qty * 2) STORED, FOREIGN KEY (id) REFERENCES parents (id));"
          + " CREATE TRIGGER audit BEFORE INSERT ON orders FOR EACH ROW SET NEW.qty = NEW.qty"
      )
      const plan = planOf([id, qty, column("note", { kind: "string" })])
      const { notes } = yield* inspect(config, plan, additive)
      for (
        const words of ["twice is generated", "BEFORE INSERT audit", "FOREIGN KEY orders_ibfk_1", "CHECK orders_chk_1"]
      ) {
        assert.isTrue(notes.some((note) => note.includes(words)), words)
      }
      assert.deepStrictEqual(yield* ensure(config, plan, additive), { keyColumns: false, ignored: new Set<string>() })
      const written = planOf([id, qty, column("twice", { kind: "int" })])
      assert.include(yield* refusal(ensure(config, written, additive)), "column twice is generated")
    }))

  it.scopedLive("an updatable view takes rows, another one is refused, and neither is altered", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
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
      const { admin, config } = yield* ownDatabase(servers.mysql)
      yield* query(admin, "CREATE TABLE orders (k VARCHAR(255) PRIMARY KEY, id BIGINT, UNIQUE KEY by_id (id))")
      const key = column("k", { kind: "string", length: 255, key: true })
      const plan = planOf([key, { ...id, nullable: true }], { key: ["k"] })
      const line = yield* refusal(ensure(config, plan, additive))
      assert.include(line, "collation utf8mb4_0900_ai_ci")
      assert.include(line, "unique index by_id")
      // All cures together are what it takes.
      yield* query(admin, line.slice(line.indexOf("ALTER TABLE")))
      yield* ensure(config, plan, additive)
    }))

  it.scopedLive("a table that would be too wide is refused in one line", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      const columns = Array.from({ length: 1017 }, (_, index) => `c${index} INT`)
      yield* query(admin, `CREATE TABLE orders (${columns.join(", ")}); CREATE TABLE wide (v VARCHAR(16300))`)
      assert.include(yield* refusal(ensure(config, planOf([id]), additive)), "1018 columns, InnoDB takes 1017")
      const fixed = planOf(["a", "b"].map((name) => column(name, { kind: "fixed", size: 255 })), { table: "wide" })
      assert.match(yield* refusal(ensure(config, fixed, additive)), /\(1118\)/u)
    }))

  it.scopedLive("that cannot be changed INSTANT are rebuilt while they are small", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(servers.mysql)
      yield* query(admin, "CREATE TABLE orders (id BIGINT) ROW_FORMAT=COMPRESSED")
      yield* ensure(config, planOf([id, qty]), additive)
      assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NULL", "qty int NULL"])
    }))
})

describeWith(["mysql"], "altering on MySQL while others are at work", (servers) => {
  it.scopedLive(
    "instances with different versions all get a table that takes their rows",
    () =>
      Effect.gen(function*() {
        const { config } = yield* ownDatabase(servers.mysql)
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
      }),
    20_000
  )

  it.scopedLive(
    "a writer with an open transaction is waited for, and other writers go on meanwhile",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(servers.mysql)
        yield* ensure(config, planOf([id]), additive)
        const writer = yield* another(servers.mysql, config.database)
        yield* query(writer, "BEGIN")
        yield* insert(writer, 0, "id", "1")
        const altering = yield* Effect.fork(ensure(config, planOf([id, column("n", { kind: "int" })]), additive))
        yield* until(
          Effect.map(
            query(
              admin,
              "SELECT COUNT(*) AS n FROM performance_schema.processlist WHERE DB = DATABASE()"
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
      }),
    20_000
  )

  it.scopedLive(
    "an instance that dies between two ALTERs, or right behind the last, leaves the rest to the next one",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(servers.mysql)
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
      }),
    20_000
  )

  it.scopedLive(
    "a connection that is killed in the middle of an ALTER is unavailable, and the next attempt goes on",
    () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(servers.mysql)
        yield* ensure(config, planOf([id]), additive)
        const reader = yield* another(servers.mysql, config.database)
        yield* query(reader, "BEGIN; SELECT * FROM orders")
        const plan = planOf([id, column("n", { kind: "int" })])
        const altering = yield* Effect.fork(Effect.flip(ensure(config, plan, additive)))
        yield* killed(admin, "ALTER TABLE")
        assert.strictEqual((yield* Fiber.join(altering))._tag, "DestinationUnavailable")
        yield* query(reader, "COMMIT")
        yield* ensure(config, plan, additive)
        assert.deepStrictEqual(yield* columnsOf(admin), ["id bigint NOT NULL", "n int NULL"])
      }),
    20_000
  )
})

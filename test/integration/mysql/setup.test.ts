import { assert, it } from "@effect/vitest"
import { Effect, HashMap, Logger, Redacted } from "effect"
import type { Connection } from "mysql2/promise"
import type { Column, ColumnType } from "../../../src/domain/sql/TablePlan.js"
import { Destination, type DestinationError } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { describeOnEach } from "../../servers/index.js"
import { configOf, ownDatabase, plan, query } from "./support.js"
import { tcpProxy } from "./tcpProxy.js"
import { defaultTopicSettings } from "../../../src/domain/TopicSettings.js"

const secret = "s3cret-Pa55word"
const prepare = (config: MysqlConfig) =>
  Effect.flatMap(Destination, (destination) => destination.prepare).pipe(Effect.provide(layerMysql(config)))

/** The refusal, as tag, kind and one line; the password is never part of it. */
const failing = (effect: Effect.Effect<unknown, DestinationError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.notInclude(JSON.stringify([error, String(error), error.message]), secret)
    return { tag: error._tag, kind: error._tag === "DestinationRefused" ? error.kind : undefined, line: error.message }
  })

/** An account of its own with these privileges on the database. */
const account = (admin: Connection, config: MysqlConfig, privileges: string) => {
  const user = `${config.database}_u`.slice(0, 32)
  return Effect.as(
    Effect.acquireRelease(
      query(
        admin,
        `CREATE USER '${user}'@'%' IDENTIFIED BY '${secret}';`
          + (privileges === "" ? "" : `GRANT ${privileges} ON ${config.database}.* TO '${user}'@'%'`)
      ),
      () => query(admin, `DROP USER '${user}'@'%'`)
    ),
    { ...config, username: user, password: Redacted.make(secret) }
  )
}

describeOnEach("what stops the start, and the cure it names", ({ address }) => {
  it.scopedLive("a wrong password: the setting and the statement, never the password", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      const own = yield* account(admin, config, "ALL")
      const { kind, line } = yield* failing(prepare({ ...own, password: Redacted.make(`${secret}-wrong`) }))
      assert.strictEqual(kind, "credentials")
      assert.include(line, "mysql.password")
      assert.include(line, "ALTER USER")
      yield* prepare(own)
    }))

  it.scopedLive("a database that is not there: CREATE DATABASE", () =>
    Effect.gen(function*() {
      const { kind, line } = yield* failing(prepare(configOf(address, { database: "no such" })))
      assert.strictEqual(kind, "configuration")
      assert.include(line, "CREATE DATABASE `no such`")
    }))

  for (const privileges of ["", "SELECT", "SELECT, CREATE", "SELECT, CREATE, INSERT"]) {
    it.scopedLive(`an account with ${privileges === "" ? "no privileges" : privileges} alone: the GRANT it needs`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        const { kind, line } = yield* failing(prepare(yield* account(admin, config, privileges)))
        assert.strictEqual(kind, "credentials")
        assert.match(line, /GRANT SELECT, INSERT, UPDATE.* ON `trb_\w+`\.\* TO 'trb_\w+'@'[^']+';/u)
      }))
  }

  it.scopedLive("an account that may not alter uses tables that are as they should be", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* prepare(config)
      yield* prepare(yield* account(admin, config, "SELECT, INSERT, UPDATE"))
    }))

  it.scopedLive("tables that the account cannot see are not taken for missing ones", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* prepare(config)
      const { kind, line } = yield* failing(prepare(yield* account(admin, config, "CREATE")))
      assert.strictEqual(kind, "credentials")
      assert.match(line, /kafka_/u)
    }))

  it.scopedLive("a server that is down or that never answers is unavailable, in one line", () =>
    Effect.gen(function*() {
      const { config } = yield* ownDatabase(address)
      const proxy = yield* tcpProxy(config)
      const through = { ...config, host: "localhost", port: proxy.port }
      const hasty = { ...through, connectTimeoutMs: 700, statementTimeoutMs: 700 }
      proxy.muteNew(true)
      const silent = yield* failing(prepare(hasty))
      proxy.muteNew(false)
      proxy.arm(/SELECT 1/u, "swallow")
      // A busy machine may take longer even before that.
      const swallowed = yield* Effect.repeat(failing(prepare(hasty)), { until: proxy.hasStruck })
      const refused = yield* failing(prepare({ ...config, host: "localhost", port: 1 }))
      const unknown = yield* failing(prepare({ ...config, host: "no-such-host.invalid" }))
      for (const { line, tag } of [silent, swallowed, refused, unknown]) {
        assert.strictEqual(tag, "DestinationUnavailable")
        assert.notInclude(line, "\n")
      }
      assert.include(refused.line, "localhost:1")
      assert.include(refused.line, "ECONNREFUSED")
      assert.include(unknown.line, "no-such-host.invalid")
      yield* prepare(through)
    }))
})

/** The table of an older consumer. */
const four = (over = "") =>
  "CREATE TABLE kafka_offsets (topic VARCHAR(255), `partition` INT, consumer_group VARCHAR(255), `offset` BIGINT"
  + `${over === "" ? ", PRIMARY KEY (topic, `partition`, consumer_group)" : over})`

/** Runs with the log lines at WARN and above caught. */
const withWarnings = <A, E>(effect: Effect.Effect<A, E>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ annotations, logLevel, message }) => {
    if (logLevel.ordinal >= 30_000) lines.push(`${String(message)} ${HashMap.size(annotations)}`)
  })
  return Effect.as(effect.pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger))), lines)
}

describeOnEach("kafka_offsets of another program", ({ address, label }) => {
  it.scopedLive("is adopted with its rows, says once that its writer must be stopped, and stays as it is afterwards", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, `${four()}; INSERT INTO kafka_offsets VALUES ('Orders', 0, 'g', 9007199254740993)`)
      const all = Effect.all([prepare(config), prepare(config), prepare(config)], { concurrency: "unbounded" })
      const lines = yield* withWarnings(all)
      assert.lengthOf(lines, 1)
      assert.match(lines.join(), /adopted table kafka_offsets .*stop that program/u)
      assert.deepStrictEqual(yield* withWarnings(prepare(config)), [])
      yield* Effect.gen(function*() {
        const { acquire, source, stored } = yield* Destination
        assert.deepStrictEqual(yield* stored("Orders", "g"), [
          { topic: "Orders", partition: 0, group: "g", offset: 9_007_199_254_740_993n, sourceId: 0 }
        ])
        assert.deepStrictEqual(yield* stored("orders", "g"), [])
        const sourceId = yield* source({ clusterId: "c", topic: "Orders", topicId: "", group: "g", pipeline: "p" })
        const request = { topic: "Orders", partition: 0, group: "g", sourceId, owner: "me", initial: 0n }
        assert.strictEqual((yield* acquire(request)).offset, 9_007_199_254_740_993n)
        assert.strictEqual((yield* stored("Orders", "g"))[0]?.sourceId, sourceId)
      }).pipe(Effect.provide(layerMysql(config)))
      assert.deepStrictEqual(
        yield* query(
          admin,
          "SELECT COLUMN_NAME AS c, COLLATION_NAME AS o FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            + " AND TABLE_NAME = 'kafka_offsets' AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY ORDINAL_POSITION"
        ),
        [
          { c: "topic", o: "ascii_bin" },
          { c: "partition", o: null },
          { c: "consumer_group", o: label === "MySQL" ? "utf8mb4_0900_bin" : "utf8mb4_nopad_bin" },
          { c: "offset", o: null }
        ]
      )
    }))

  it.scopedLive("without a primary key gets one", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, `${four(" ")}; INSERT INTO kafka_offsets VALUES ('orders', 0, 'g', 1), ('orders', 1, 'g', 1)`)
      yield* prepare(config)
      assert.deepStrictEqual(
        yield* query(
          admin,
          "SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) AS k FROM information_schema.STATISTICS"
            + " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'kafka_offsets'"
        ),
        [{ k: "topic,partition,consumer_group" }]
      )
    }))

  const row = "INSERT INTO kafka_offsets VALUES"
  const refusals = [
    ["a NULL", `${four(" ")}; ${row} ('orders', NULL, 'g', 1)`, "hold a NULL"],
    ["a NULL offset", `${four()}; ${row} ('orders', 0, 'g', NULL)`, "hold a NULL"],
    ["a negative offset", `${four()}; ${row} ('orders', 0, 'g', -1)`, "negative"],
    [
      "rows that differ by case only",
      `${four(" ")}; ${row} ('orders', 0, 'g', 1), ('ORDERS', 0, 'g', 2)`,
      "differ at most by case"
    ],
    [
      "rows that are there twice",
      `${four(" ")}; ${row} ('orders', 0, 'g', 1), ('orders', 0, 'g', 2)`,
      "differ at most by case"
    ],
    [
      "engine MyISAM",
      "CREATE TABLE kafka_offsets (topic INT) ENGINE=MyISAM",
      "ALTER TABLE kafka_offsets ENGINE=InnoDB;"
    ],
    [
      "another key",
      four(", id INT AUTO_INCREMENT PRIMARY KEY"),
      "DROP PRIMARY KEY, ADD PRIMARY KEY (`topic`, `partition`, `consumer_group`)"
    ],
    ["a column that needs a value", four(", host VARCHAR(9) NOT NULL"), "MODIFY COLUMN `host` varchar(9) NULL"],
    ["other columns altogether", "CREATE TABLE kafka_offsets (id INT)", "is not Tributary's"],
    ["a view in its place", "CREATE VIEW kafka_offsets AS SELECT 1 AS topic", "is a view"]
  ] as const
  for (const [name, ddl, expected] of refusals) {
    it.scopedLive(`with ${name} is refused, and not touched`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* query(admin, ddl)
        const before = yield* query(admin, "SHOW CREATE TABLE kafka_offsets")
        const { kind, line } = yield* failing(prepare(config))
        assert.strictEqual(kind, "configuration")
        assert.include(line, expected)
        assert.deepStrictEqual(yield* query(admin, "SHOW CREATE TABLE kafka_offsets"), before)
      }))
  }
})

/** Every type that a plan may ask for, nullable and not. */
const everyType: ReadonlyArray<ColumnType> = [
  ...(["boolean", "int", "long", "double", "string", "bytes", "date"] as const).map((kind) => ({
    kind
  })),
  { kind: "float", stored: "double" },
  { kind: "uuid", stored: "char" },
  { kind: "nanos", stored: "bigint" },
  ...[1, 16, 255, 256, 65_535, 65_536].map((size) => ({ kind: "fixed", size }) as const),
  { kind: "enum", symbols: ["A", "B_longer_than_sixteen_characters"], stored: "varchar" },
  ...([[1, 0], [9, 2], [30, 30], [65, 30]] as const).map(([precision, scale]) =>
    ({ kind: "decimal", precision, scale, stored: "decimal" }) as const
  ),
  ...(["time", "timestamp", "local-timestamp"] as const).flatMap((kind) =>
    (["millis", "micros"] as const).map((unit) => ({ kind, unit }))
  )
]

const columnOf = (nullable: boolean) => (type: ColumnType, index: number): Column => ({
  from: "value",
  path: ["f"],
  name: `${nullable ? "n" : "c"}${index}`,
  type,
  nullable
})

describeOnEach("an existing target table", ({ address }) => {
  const id = plan.columns

  it.scopedLive("that Tributary has created fits its own plan, whatever the types", () =>
    Effect.gen(function*() {
      const { config } = yield* ownDatabase(address)
      const typed = everyType.filter((type) => type.kind !== "fixed" || type.size < 65_535)
      const wide = everyType.filter((type) => type.kind === "fixed" && type.size >= 65_536)
      const columns = [
        ...[...typed, ...wide].map(columnOf(false)),
        ...[...typed, ...wide, { kind: "null" } as const].map(columnOf(true))
      ]
      yield* Effect.gen(function*() {
        const { ensureTable } = yield* Destination
        assert.deepStrictEqual(yield* ensureTable({ ...plan, columns }, defaultTopicSettings.evolution), {
          keyColumns: true,
          ignored: new Set<string>()
        })
        assert.deepStrictEqual(yield* ensureTable({ ...plan, columns }, defaultTopicSettings.evolution), {
          keyColumns: true,
          ignored: new Set<string>()
        })
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  const cases = [
    ["engine MyISAM", "(id BIGINT NOT NULL) ENGINE=MyISAM", "ALTER TABLE `orders` ENGINE=InnoDB;"],
    ["a narrower column", "(id INT)", "ALTER TABLE `orders` MODIFY COLUMN `id` BIGINT NULL;"],
    ["an unsigned column", "(id BIGINT UNSIGNED)", "ALTER TABLE `orders` MODIFY COLUMN `id` BIGINT NULL;"],
    ["a generated column", "(x INT, id BIGINT AS (x + 1))", "is generated"],
    [
      "a column that needs a value",
      "(id BIGINT, extra INT NOT NULL)",
      "ALTER TABLE `orders` MODIFY COLUMN `extra` int NULL;"
    ]
  ] as const
  for (const [name, definition, expected] of cases) {
    it.scopedLive(`with ${name} is refused with the statement that cures it`, () =>
      Effect.gen(function*() {
        const { admin, config } = yield* ownDatabase(address)
        yield* query(admin, `CREATE TABLE orders ${definition}`)
        yield* Effect.gen(function*() {
          const { ensureTable } = yield* Destination
          const { kind, line } = yield* failing(
            ensureTable({ ...plan, columns: id }, { mode: "none", allowCopy: false })
          )
          assert.strictEqual(kind, "configuration")
          assert.include(line, expected)
          // The cure cures, but for a generated column, whose own does.
          yield* query(admin, line.slice(line.indexOf("ALTER TABLE")))
          assert.deepStrictEqual(yield* ensureTable({ ...plan, columns: id }, { mode: "none", allowCopy: false }), {
            keyColumns: false,
            ignored: new Set<string>()
          })
        }).pipe(Effect.provide(layerMysql(config)))
      }))
  }

  it.scopedLive("without Tributary's key columns is used as it is, and says so", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(
        admin,
        "CREATE TABLE orders (ID bigint, filled INT NOT NULL DEFAULT 7, n INT AUTO_INCREMENT PRIMARY KEY)"
      )
      yield* Effect.gen(function*() {
        const { ensureTable, holdsRows, prepare: first, snapshot } = yield* Destination
        yield* first
        assert.deepStrictEqual(yield* ensureTable(plan, defaultTopicSettings.evolution), {
          keyColumns: false,
          ignored: new Set<string>()
        })
        assert.isFalse(yield* holdsRows("orders", 1, 0))
        yield* query(
          admin,
          "INSERT INTO kafka_offsets (topic, `partition`, consumer_group, `offset`) VALUES ('orders', 0, 'g', 4)"
        )
        assert.deepStrictEqual(yield* snapshot([{ topic: "orders", group: "g", table: "orders" }]), [
          { topic: "orders", partition: 0, group: "g", storedOffset: 4n }
        ])
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("is not created where auto.create is off; the statement that would is told", () =>
    Effect.gen(function*() {
      const { config } = yield* ownDatabase(address)
      yield* Effect.gen(function*() {
        const { ensureTable } = yield* Destination
        const { kind, line } = yield* failing(ensureTable(plan, defaultTopicSettings.evolution))
        assert.strictEqual(kind, "configuration")
        assert.include(line, "CREATE TABLE")
      }).pipe(Effect.provide(layerMysql({ ...config, autoCreate: false })))
    }))

  it.scopedLive("a table whose users do not let go is unavailable after the configured time, not after a year", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* ownDatabase(address)
      yield* query(admin, four())
      yield* query(admin, "BEGIN; SELECT * FROM kafka_offsets")
      const { tag } = yield* failing(prepare({ ...config, ddlLockTimeoutMs: 500 }))
      assert.strictEqual(tag, "DestinationUnavailable")
      yield* query(admin, "COMMIT")
      yield* prepare(config)
    }))
})

// Each code that protocol section 11 names, as a server gives it: its class in a data transaction. `packet`: the server
// here cannot be brought to give it, so that a proxy answers with the packet that a server would send.
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import { type Claim, Destination, type ErrorClass, type WriteOutcome } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { describeWith } from "../../servers/index.js"
import { type ErrorPacket, errorProxy } from "../../support/errorPackets.js"
import { acquired, ownDatabase, query, state, until } from "./support.js"

const errorOf = (outcome: WriteOutcome) =>
  outcome._tag === "RolledBack" || outcome._tag === "Unknown" ? outcome.error : assert.fail(outcome._tag)

const tables = `
  CREATE TABLE parents (id INT PRIMARY KEY);
  INSERT INTO parents VALUES (1);
  CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id));
  INSERT INTO children VALUES (1, 1);
  CREATE TABLE strict (short VARCHAR(3), small TINYINT, at DATETIME, needed INT NOT NULL DEFAULT 1, price DECIMAL(5, 2),
    number BIGINT, ratio DOUBLE, document JSON, positive INT CHECK (positive > 0), once INT UNIQUE);
  CREATE TABLE demanding (a INT, b INT NOT NULL);
  CREATE TABLE watched (a INT);
  CREATE TRIGGER watching BEFORE INSERT ON watched FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today';
  INSERT INTO strict (once) VALUES (7);
  CREATE TABLE locks (id INT PRIMARY KEY, v INT);
  INSERT INTO locks WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 0 FROM n;
`

const many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT"

/** Statements that the server itself refuses. */
const statements: ReadonlyArray<readonly [code: number, ErrorClass, ...statements: ReadonlyArray<string>]> = [
  [1406, "poison", "INSERT INTO strict (short) VALUES ('long')"],
  [1264, "poison", "INSERT INTO strict (small) VALUES (128)"],
  [1366, "poison", "INSERT INTO strict (small) VALUES ('x')"],
  [1292, "poison", "INSERT INTO strict (at) VALUES ('2026-02-30 00:00:00')"],
  [1048, "poison", "INSERT INTO strict (`needed`) VALUES (NULL)"],
  [1364, "setup", "INSERT INTO demanding (a) VALUES (1)"],
  [1265, "poison", "INSERT INTO strict (price) VALUES (1.239)"],
  [1367, "poison", "INSERT INTO strict (ratio) VALUES (1e400)"],
  [1690, "poison", "INSERT INTO strict (number) VALUES (9223372036854775807 + 1)"],
  [3140, "poison", "INSERT INTO strict (document) VALUES ('{')"],
  [3151, "poison", `INSERT INTO strict (document) VALUES ('{"${"k".repeat(65_536)}": 1}')`],
  [3157, "poison", `INSERT INTO strict (document) VALUES ('${"[".repeat(101)}${"]".repeat(101)}')`],
  [3819, "poison", "INSERT INTO strict (positive) VALUES (0)"],
  [1451, "poison", "DELETE FROM parents WHERE id = 1"],
  [1644, "poison", "INSERT INTO watched VALUES (1)"],
  [1062, "poison", "INSERT INTO strict (once) VALUES (7)"],
  [
    1062,
    "already-there",
    ...Array.from({ length: 2 }, () => "INSERT INTO orders (id, _source, _partition, _offset) VALUES (1, 1, 0, 0)")
  ],
  [1452, "wait-then-poison", "INSERT INTO children VALUES (2, 99)"],
  [1054, "setup", "INSERT INTO strict (nowhere) VALUES (1)"],
  [1146, "setup", "INSERT INTO nowhere VALUES (1)"],
  [1153, "setup", `INSERT INTO strict (document) VALUES ('${" ".repeat(64 * 1024 * 1024)}1')`],
  [3024, "retriable", "SELECT /*+ MAX_EXECUTION_TIME(20) */ SUM(a.i * b.i * c.i) FROM numbers a, numbers b, numbers c"],
  // Ends the transaction that has moved the offset: the last one.
  [1792, "reconnect", "START TRANSACTION READ ONLY", "INSERT INTO strict (small) VALUES (1)"]
]

/** By the proxy: limits, roles and states that a test cannot give to a server that others use, too. */
const packets: ReadonlyArray<readonly [ErrorClass, ErrorPacket]> = [
  ["retriable", { code: 1206, state: "HY000", text: "The total number of locks exceeds the lock table size" }],
  ["retriable", {
    code: 3101,
    state: "40000",
    text: "Plugin instructed the server to rollback the current transaction."
  }],
  ["retriable", { code: 1615, state: "HY000", text: "Prepared statement needs to be re-prepared" }],
  ["retriable", { code: 1021, state: "HY000", text: "Disk full (/tmp/x); waiting for someone to free some space..." }],
  ["retriable", { code: 1114, state: "HY000", text: "The table 'strict' is full" }],
  ["reconnect", { code: 1290, state: "HY000", text: "The MySQL server is running with the --read-only option" }],
  ["reconnect", { code: 1836, state: "HY000", text: "Running in read-only mode" }],
  ["reconnect", { code: 3032, state: "HY000", text: "The server is currently in offline mode" }],
  ["reconnect", { code: 1053, state: "08S01", text: "Server shutdown in progress" }],
  ["reconnect", { code: 1927, state: "70100", text: "Connection was killed" }],
  ["reconnect", { code: 2006, state: "HY000", text: "MySQL server has gone away" }],
  ["reconnect", {
    code: 4031,
    state: "HY000",
    text: "The client was disconnected by the server because of inactivity."
  }],
  ["poison", { code: 4025, state: "23000", text: "CONSTRAINT `x` failed for `db`.`t`" }],
  ["unlisted", { code: 1030, state: "HY000", text: "Got error 168 from storage engine" }]
]

/** While connecting. */
const greetings: ReadonlyArray<readonly [ErrorClass, ErrorPacket]> = [
  ["retriable", { code: 1040, state: "08004", text: "Too many connections" }],
  ["retriable", {
    code: 1203,
    state: "42000",
    text: "User app already has more than 'max_user_connections' active connections"
  }]
]

const endless = "SELECT SUM(a.i * b.i * c.i * d.i) FROM numbers a, numbers b, numbers c, numbers d"
const insertOne = "INSERT INTO strict (small) VALUES (1)"

/** A prepared database with the tables above. */
const prepared = (uri: string) =>
  Effect.gen(function*() {
    const { admin, config } = yield* ownDatabase(uri)
    yield* Effect.flatMap(Destination, ({ prepare }) => prepare).pipe(Effect.provide(layerMysql(config)))
    yield* query(admin, tables)
    yield* query(admin, "CREATE TABLE numbers (i INT)")
    yield* query(
      admin,
      "CREATE PROCEDURE unsafe() BEGIN ROLLBACK; SET SESSION binlog_format = 'STATEMENT'; START TRANSACTION;"
        + ` ${insertOne}; END`
    )
    yield* query(admin, `INSERT INTO numbers ${many} i FROM n`)
    return { admin, config }
  })

/** What the statements come to in a data transaction, on one connection. */
const outcomeOf = (claim: Claim, lines: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { write } = yield* Destination
    const next = claim.offset + 1n
    return yield* write({ claim, expected: claim.offset, next, letters: [], statements: lines })
  })

const classOf = (claim: Claim, lines: ReadonlyArray<string>) =>
  Effect.map(outcomeOf(claim, lines), (outcome) => {
    const { class: errorClass, code } = errorOf(outcome)
    return [code, errorClass] as const
  })

const through = (config: MysqlConfig, port: number) =>
  layerMysql({ ...config, host: "127.0.0.1", port, maxPoolSize: 1 })

/** An account of its own, dropped at the end. */
const account = (admin: Connection, { database, ...config }: MysqlConfig, rights: string, limits = "") => {
  const username = `${database}_e`.slice(0, 32)
  return Effect.as(
    Effect.acquireRelease(
      query(
        admin,
        `CREATE USER '${username}'@'%' IDENTIFIED BY 'pass' ${limits}; GRANT ${rights} ON ${database}.* TO '${username}'@'%'`
      ),
      () => query(admin, `DROP USER '${username}'@'%'`)
    ),
    { ...config, database, username, password: Redacted.make("pass") }
  )
}

/** Waits until a statement with these words runs. */
const running = (admin: Connection, words: string) =>
  until(Effect.map(
    query(
      admin,
      `SELECT ID FROM performance_schema.processlist WHERE DB = DATABASE() AND INFO LIKE '%${words}%' AND ID <> CONNECTION_ID()`
    ),
    (rows) => Array.isArray(rows) && rows.length > 0
  ))

describeWith(["mysql"], "the class of each error that MySQL gives", (servers) => {
  it.scopedLive("of statements", () =>
    Effect.gen(function*() {
      const { config } = yield* prepared(servers.mysql)
      yield* Effect.gen(function*() {
        const claim = yield* acquired
        for (const [code, errorClass, ...lines] of statements) {
          assert.deepStrictEqual(yield* classOf(claim, lines), [code, errorClass], lines.join("; ").slice(0, 200))
        }
        assert.strictEqual((yield* outcomeOf(yield* acquired, [insertOne]))._tag, "Committed")
        // Last, because it leaves the session with the format that is refused.
        assert.deepStrictEqual(yield* classOf(yield* acquired, ["CALL unsafe()"]), [1665, "setup"])
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("of states that only a packet can give", () =>
    Effect.gen(function*() {
      const { config } = yield* prepared(servers.mysql)
      const proxy = yield* errorProxy(config)
      yield* Effect.gen(function*() {
        const claim = yield* acquired
        for (const [errorClass, packet] of packets) {
          proxy.answer(/INTO strict/u, packet)
          assert.deepStrictEqual(yield* classOf(claim, [insertOne]), [packet.code, errorClass])
        }
      }).pipe(Effect.provide(through(config, proxy.port)))
    }))

  it.scopedLive("of connecting", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* prepared(servers.mysql)
      const claim = yield* acquired.pipe(Effect.provide(layerMysql(config)))
      const proxy = yield* errorProxy(config)
      const request = { claim, expected: 0n, next: 1n, letters: [], statements: [insertOne] }
      const connecting = (own: MysqlConfig, port = config.port) =>
        Effect.flatMap(Destination, ({ write }) => write(request)).pipe(
          Effect.map((outcome) => [errorOf(outcome).code, errorOf(outcome).class]),
          Effect.provide(through(own, port))
        )
      for (const [errorClass, packet] of greetings) {
        proxy.greet(packet)
        assert.deepStrictEqual(yield* connecting(config, proxy.port), [packet.code, errorClass])
      }
      const limited = yield* account(admin, config, "SELECT, INSERT, UPDATE", "WITH MAX_USER_CONNECTIONS 1")
      const wrong = { ...limited, password: Redacted.make("wrong") }
      assert.deepStrictEqual(yield* connecting(wrong), [1045, "setup"])
      const { database, host, port, username: user } = limited
      const occupying = Effect.promise(() => createConnection({ host, port, user, password: "pass", database }))
      yield* Effect.acquireRelease(occupying, (connection) => Effect.promise(() => connection.end()))
      assert.deepStrictEqual(yield* connecting(limited), [1226, "retriable"])
    }))

  it.scopedLive("of an account that may not do it", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* prepared(servers.mysql)
      const claim = yield* acquired.pipe(Effect.provide(layerMysql(config)))
      const limited = yield* account(admin, config, "SELECT, INSERT, UPDATE")
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* classOf(claim, ["DELETE FROM strict"]), [1142, "setup"])
        assert.deepStrictEqual(yield* classOf(claim, ["USE mysql"]), [1044, "setup"])
      }).pipe(Effect.provide(layerMysql(limited)))
    }))

  it.scopedLive("of others who hold locks, end queries or alter the table", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* prepared(servers.mysql)
      yield* Effect.gen(function*() {
        const claim = yield* acquired
        const wait = "SET SESSION innodb_lock_wait_timeout = 1"
        yield* query(admin, "START TRANSACTION; UPDATE locks SET v = 2 WHERE id > 1")
        assert.deepStrictEqual(yield* classOf(claim, [wait, "UPDATE locks SET v = 1 WHERE id = 2"]), [
          1205,
          "retriable"
        ])
        // The one that has changed fewer rows gives way.
        const deadlocked = yield* Effect.fork(classOf(claim, [
          "SET SESSION innodb_lock_wait_timeout = 50", // or the wait ends by itself where the other comes late
          "UPDATE locks SET v = 1 WHERE id = 1",
          "UPDATE locks SET v = 1 WHERE id = 3"
        ]))
        yield* running(admin, "UPDATE locks SET v = 1 WHERE id = 3")
        yield* query(admin, "UPDATE locks SET v = 2 WHERE id = 1; ROLLBACK")
        assert.deepStrictEqual(yield* Fiber.join(deadlocked), [1213, "retriable"])

        const slow = yield* Effect.fork(classOf(claim, [endless]))
        yield* running(admin, "SUM(a.i")
        yield* query(
          admin,
          "SELECT ID INTO @id FROM performance_schema.processlist WHERE DB = DATABASE() AND INFO LIKE '%SUM(a.i%'"
            + " AND ID <> CONNECTION_ID(); KILL QUERY @id"
        )
        assert.deepStrictEqual(yield* Fiber.join(slow), [1317, "retriable"])

        const snapshot = [
          "ROLLBACK", // the level is that of the next transaction
          "SET SESSION transaction_isolation = 'REPEATABLE-READ'",
          "START TRANSACTION WITH CONSISTENT SNAPSHOT",
          "DO GET_LOCK(DATABASE(), 50)",
          "INSERT INTO strict (small) SELECT a FROM demanding"
        ]
        yield* query(admin, "DO GET_LOCK(DATABASE(), 0)")
        const older = yield* Effect.fork(classOf(claim, snapshot))
        yield* running(admin, "DO GET_LOCK(DATABASE(), 50)")
        yield* query(admin, "ALTER TABLE demanding ADD COLUMN c INT, ALGORITHM=COPY; DO RELEASE_ALL_LOCKS()")
        assert.deepStrictEqual(yield* Fiber.join(older), [1412, "retriable"])
      }).pipe(Effect.provide(layerMysql(config)))
    }))

  it.scopedLive("a letter that cannot be stored is a set-up error with its cure, and takes rows and offset back", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* prepared(servers.mysql)
      yield* Effect.gen(function*() {
        const { write } = yield* Destination
        const claim = yield* acquired
        const record = { offset: 1n, timestampMs: 0, key: null, value: Buffer.from("x"), headers: [] }
        const error = { class: "undecodable", code: 0, message: "why", column: undefined } as const
        const { group, partition, sourceId, topic } = claim
        const letter = { topic, partition, group, sourceId, record, schemaId: undefined, error }
        const statement = "INSERT INTO orders (id, _source, _partition, _offset) VALUES (1, 1, 0, 0)"
        const request = { claim, expected: 0n, next: 2n, letters: [letter], statements: [statement] }
        yield* query(admin, "ALTER TABLE dead_letters ADD CONSTRAINT c CHECK (error_code > 0)")
        const failed = errorOf(yield* write(request))
        assert.deepStrictEqual([failed.code, failed.class], [3819, "setup"])
        assert.include(failed.cure, "dead_letters")
        assert.deepStrictEqual(yield* state(admin), [{ offset: "0", rows: 0 }])
        yield* query(admin, "ALTER TABLE dead_letters DROP CONSTRAINT c")
        assert.strictEqual((yield* write(request))._tag, "Committed")
        assert.deepStrictEqual(yield* state(admin), [{ offset: "2", rows: 1 }])
      }).pipe(Effect.provide(layerMysql(config)))
    }))
})

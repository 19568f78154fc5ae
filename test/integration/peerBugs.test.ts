import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Redacted, type Scope } from "effect"
import { Destination } from "../../src/layers/Destination.js"
import { layerMysql } from "../../src/layers/mysql/layer.js"
import { describeWith } from "../servers/index.js"
import { logged } from "../support/logged.js"
import { acquired, batch, query, until } from "./mysql/support.js"
import { avro, layerPeers, logical, peerDatabase, record, send, sendValues, type Sent } from "./peerSupport.js"

// What other sinks are known to get wrong on MySQL, each as a test that is named after it; docs/comparison.md has a line
// for each. The name's first part is the bug, the second what Tributary does in its place.

const upsert = { "insert.mode": "upsert", "pk.mode": "record_key" }
const deleting = { ...upsert, "delete.enabled": "true" }

/** Values of an upsert's topic with a string as key; undefined deletes. */
const keyed = (changes: ReadonlyArray<readonly [key: string, v: number | undefined]>) =>
  Effect.forEach(changes, ([key, v]) =>
    Effect.gen(function*() {
      const sent: Sent = {
        key: yield* avro("string", key),
        value: v === undefined ? null : yield* avro(record([["v", "int"]]), { v })
      }
      return sent
    }))

// At once, because each waits for its server and its own clock most of the time.
const bug = <A, E>(
  name: string,
  body: () => Effect.Effect<A, E, Scope.Scope | Layer.Layer.Success<typeof layerPeers>>
) => it.scopedLive(name, () => Effect.provide(body(), layerPeers), { concurrent: true })

describeWith(["mysql"], "bugs of other sinks, on MySQL", ({ mysql }) => {
  const database = peerDatabase(mysql)

  /** Sends values of one schema and delivers them to the table `t`. */
  const delivered = (schema: unknown, values: ReadonlyArray<unknown>, settings = {}) =>
    Effect.gen(function*() {
      const sink = yield* database
      yield* sendValues("t", schema, values)
      return { ...sink, writes: yield* sink.deliver("t", settings) }
    })

  bug("TEXT as a key: strings in keys are VARCHAR(255), compared byte for byte", () =>
    Effect.gen(function*() {
      const { columns, deliver, letters, select } = yield* database
      yield* send(
        "t",
        yield* keyed([["a", 1], ["A", 2], ["a ", 3], ["a", 4], ["x".repeat(255), 5], ["x".repeat(256), 6]])
      )
      yield* deliver("t", upsert)
      assert.deepStrictEqual(yield* columns("t"), ["key varchar(255)", "v int"])
      assert.deepStrictEqual(yield* select("SELECT v FROM t ORDER BY v"), [[2], [3], [4], [5]])
      assert.deepStrictEqual(yield* letters("t"), ["5 unstorable 0 1"])
    }))

  bug("Kafka's coordinates as a key: the key is three numbers", () =>
    Effect.gen(function*() {
      const { first, select } = yield* delivered(record([["s", "string"]]), [{ s: "a" }, { s: "a" }])
      assert.deepStrictEqual(yield* select("SELECT s, _partition, _offset FROM t"), [["a", 0, 0], ["a", 0, 1]])
      const [, definition] = yield* first("SHOW CREATE TABLE t")
      assert.include(definition, "PRIMARY KEY (`_source`,`_partition`,`_offset`)")
    }))

  bug("DEFAULT on a TEXT column: left out where MySQL takes none, and the table is made", () =>
    Effect.gen(function*() {
      const { columns, deliver, select } = yield* delivered(record([["s", "string", "none"]]), [{ s: "a" }])
      const more = record([["s", "string", "none"], ["added", "string", "x"], ["bytes", "bytes", "y"]])
      yield* sendValues("t", more, [{ s: "b", added: "c", bytes: Buffer.from("d") }])
      yield* deliver("t")
      assert.deepStrictEqual(yield* columns("t"), ["s longtext", "added longtext", "bytes longblob"])
      assert.deepStrictEqual(yield* select("SELECT s, added FROM t ORDER BY _offset"), [["a", null], ["b", "c"]])
    }))

  bug("VARCHAR(256) for every string: a string of any length is kept", () =>
    Effect.gen(function*() {
      const lengths = [0, 256, 257, 70_000]
      const { letters, select } = yield* delivered(
        record([["s", "string"]]),
        lengths.map((length) => ({ s: "é".repeat(length) }))
      )
      assert.deepStrictEqual(
        yield* select("SELECT CHAR_LENGTH(s) FROM t ORDER BY _offset"),
        lengths.map((length) => [length])
      )
      assert.deepStrictEqual(yield* letters("t"), [])
    }))

  bug("VARBINARY(1024) for all bytes: bytes of any length are kept", () =>
    Effect.gen(function*() {
      const schema = record([["b", "bytes"], ["f", { type: "fixed", name: "F", size: 2000 }]])
      const values = [1024, 1025, 70_000].map((length) => ({ b: Buffer.alloc(length, 7), f: Buffer.alloc(2000, 9) }))
      const { columns, select } = yield* delivered(schema, values)
      assert.deepStrictEqual(yield* columns("t"), ["b longblob", "f varbinary(2000)"])
      assert.deepStrictEqual(
        yield* select("SELECT b, f FROM t ORDER BY _offset"),
        values.map(({ b, f }) => [b, f])
      )
    }))

  bug("DECIMAL(65, s): the precision of the schema is the column's", () =>
    Effect.gen(function*() {
      const decimal = logical("bytes", "decimal", { precision: 9, scale: 2 })
      const fits = Buffer.from([0x07, 0x5b, 0xcd, 0x15]) // 123456789
      const { columns, letters, select } = yield* delivered(record([["d", decimal]]), [
        { d: fits },
        { d: Buffer.concat([fits, Buffer.from([0])]) }
      ])
      assert.deepStrictEqual(yield* columns("t"), ["d decimal(9,2)"])
      assert.deepStrictEqual(yield* select("SELECT d FROM t"), [["1234567.89"]])
      assert.deepStrictEqual(yield* letters("t"), ["1 unstorable 0 1"])
    }))

  bug("Lost microseconds: times and timestamps keep all six digits", () =>
    Effect.gen(function*() {
      const names = ["timestamp-micros", "local-timestamp-micros", "time-micros"]
      const schema = record(names.map((name, at) => [`f${at}`, logical("long", name)]))
      const { columns, first } = yield* delivered(schema, [{
        f0: 1_700_000_000_123_456n,
        f1: -1n,
        f2: 86_399_999_999n
      }])
      assert.deepStrictEqual(yield* columns("t"), ["f0 datetime(6)", "f1 datetime(6)", "f2 time(6)"])
      assert.deepStrictEqual(yield* first("SELECT CAST(f0 AS CHAR), CAST(f1 AS CHAR), CAST(f2 AS CHAR) FROM t"), [
        "2023-11-14 22:13:20.123456",
        "1969-12-31 23:59:59.999999",
        "23:59:59.999999"
      ])
    }))

  bug("Lost logical types: each has a column of its own", () =>
    Effect.gen(function*() {
      const uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
      const schema = record([
        ["u", logical("string", "uuid")],
        ["e", { type: "enum", name: "E", symbols: ["RED", "GREEN"] }],
        ["f", { type: "fixed", name: "F", size: 4 }],
        ["d", { type: "fixed", name: "D", size: 12, logicalType: "duration" }],
        ["n", "null"]
      ])
      const duration = Buffer.from("010000000200000003000000", "hex")
      const value = { u: uuid, e: "GREEN", f: Buffer.from("beef"), d: duration, n: null }
      const { columns, first } = yield* delivered(schema, [value])
      assert.deepStrictEqual(yield* columns("t"), [
        "u char(36)",
        "e varchar(16)",
        "f binary(4)",
        "d json",
        "n char(0)"
      ])
      assert.deepStrictEqual(yield* first("SELECT u, e, CAST(f AS CHAR), d->'$.days', n FROM t"), [
        uuid,
        "GREEN",
        "beef",
        2,
        null
      ])
    }))

  bug("FLOAT that prints another number: what was sent is what a SELECT shows", () =>
    Effect.gen(function*() {
      const { select } = yield* delivered(record([["f", "float"]]), [{ f: 16_777_216 }, { f: Math.fround(0.1) }])
      assert.deepStrictEqual(yield* select("SELECT CAST(f AS CHAR) FROM t ORDER BY _offset"), [["16777216"], ["0.1"]])
    }))

  bug("Nested types that kill the task: arrays, maps and records are JSON, or flattened", () =>
    Effect.gen(function*() {
      const inner = record([["city", "string"], ["zip", "int"]], "Address")
      const schema = record([
        ["list", { type: "array", items: "long" }],
        ["map", { type: "map", values: "int" }],
        ["address", inner]
      ])
      const value = { list: [2n ** 63n - 1n], map: { a: 1 }, address: { city: "Bern", zip: 3000 } }
      const { deliver, first } = yield* delivered(schema, [value])
      assert.deepStrictEqual(
        yield* first("SELECT CAST(list AS CHAR), CAST(map AS CHAR), address->>'$.city' FROM t"),
        ["[9223372036854775807]", "{\"a\": 1}", "Bern"]
      )
      yield* sendValues("flat", record([["address", inner]]), [value])
      yield* deliver("flat", { "nested.mode": "flatten" })
      assert.deepStrictEqual(yield* first("SELECT address_city, address_zip FROM flat"), ["Bern", 3000])
    }))

  bug("Unions of several types: JSON that names the branch", () =>
    Effect.gen(function*() {
      const values = [{ u: { long: 5n } }, { u: { string: "5" } }, { u: null }]
      const { select } = yield* delivered(record([["u", ["null", "long", "string"]]]), values)
      assert.deepStrictEqual(yield* select("SELECT CAST(u AS CHAR) FROM t ORDER BY _offset"), [
        ["{\"long\": 5}"],
        ["{\"string\": \"5\"}"],
        [null]
      ])
    }))

  bug("Null replaced by the default: a null that was sent is NULL", () =>
    Effect.gen(function*() {
      const { select } = yield* delivered(record([["n", ["int", "null"], 3]]), [{ n: null }, { n: 4 }])
      assert.deepStrictEqual(yield* select("SELECT n FROM t ORDER BY _offset"), [[null], [4]])
    }))

  bug("Schema versions that split batches: interleaved versions are one transaction", () =>
    Effect.gen(function*() {
      const { deliver, select } = yield* database
      for (let id = 0; id < 6; id++) {
        const fields = [["id", "int"], ...id % 2 === 0 ? [] : [["added", "int"] as const]] as const
        yield* sendValues("t", record(fields), [{ id, added: id }])
      }
      assert.strictEqual(yield* deliver("t"), 1)
      assert.deepStrictEqual(
        yield* select("SELECT id, added FROM t ORDER BY _offset"),
        [[0, null], [1, 1], [2, null], [3, 3], [4, null], [5, 5]]
      )
    }))

  bug("DDL that commits half a batch: tables change before its transaction", () =>
    Effect.gen(function*() {
      const { deliver, first, select } = yield* delivered(record([["id", "int"]]), [{ id: 0 }])
      yield* sendValues("t", record([["id", "int"]]), [{ id: 1 }])
      yield* sendValues("t", record([["id", "int"], ["added", "int"]]), [{ id: 2, added: 2 }])
      const seen: Array<unknown> = []
      const look = first("SELECT COUNT(added), COUNT(*), (SELECT CAST(`offset` AS CHAR) FROM kafka_offsets) FROM t")
      const afterDdl = Effect.map(
        Effect.catchAllDefect(look, () => Effect.succeed("no column yet")),
        (state) => seen.push(state)
      )
      assert.strictEqual(yield* deliver("t", {}, afterDdl), 1)
      assert.deepStrictEqual(seen, ["no column yet", [0, 1, "1"]])
      assert.deepStrictEqual(yield* select("SELECT id, added FROM t ORDER BY id"), [[0, null], [1, null], [2, 2]])
    }))

  bug("Failed DDL that empties a topic into the dead letters: it makes none", () =>
    Effect.gen(function*() {
      const { config, database: name, letters, run, stopped, storedOffset } = yield* delivered(
        record([["id", "int"]]),
        [
          { id: 1 }
        ]
      )
      const username = `${name}_u`
      yield* run(`CREATE USER ${username}; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${name}.* TO ${username}`)
      yield* Effect.addFinalizer(() => run(`DROP USER ${username}`))
      yield* sendValues("t", record([["id", "int"], ["added", "int"]]), [{ id: 2, added: 2 }])
      const line = yield* stopped("t", {}, { ...config, username, password: Redacted.make("") })
      assert.match(line, /ALTER/u)
      assert.deepStrictEqual(yield* letters("t"), [])
      assert.deepStrictEqual(yield* storedOffset("t"), ["1"])
    }))

  bug("Errors of SQL without dead letters: they make one, the others are rows", () =>
    Effect.gen(function*() {
      const { deliver, first, letters, run } = yield* database
      yield* run("CREATE TABLE t (s VARCHAR(3), n INT CHECK (n <> 77))")
      const values = Array.from({ length: 100 }, (_, n) => ({ s: n === 30 ? "abcd" : "é€😀", n }))
      yield* sendValues("t", record([["s", "string"], ["n", "int"]]), values)
      yield* send("t", [{ value: Buffer.from("not Avro") }])
      yield* deliver("t")
      assert.deepStrictEqual(yield* first("SELECT COUNT(*) FROM t"), [98])
      assert.deepStrictEqual(yield* letters("t"), ["30 rejected 1406 1", "77 rejected 3819 1", "100 undecodable 0 1"])
    }))

  bug("Values that are no record: they have a column, value", () =>
    Effect.gen(function*() {
      const { select } = yield* delivered("string", ["a", "b"])
      assert.deepStrictEqual(yield* select("SELECT value FROM t ORDER BY _offset"), [["a"], ["b"]])
    }))

  bug("A record without its key kills the task: it is a dead letter", () =>
    Effect.gen(function*() {
      const { deliver, letters, select } = yield* database
      const [first, second] = yield* keyed([["a", 1], ["b", 2]])
      if (first === undefined || second === undefined) return assert.fail()
      yield* send("t", [first, { value: first.value }, second])
      yield* deliver("t", upsert)
      assert.deepStrictEqual(yield* select("SELECT v FROM t ORDER BY v"), [[1], [2]])
      assert.deepStrictEqual(yield* letters("t"), ["1 unstorable 0 1"])
    }))

  bug("Deletion and re-insertion in one batch: the last record of a key decides", () =>
    Effect.gen(function*() {
      const { deliver, select } = yield* database
      yield* send(
        "t",
        yield* keyed([["a", 1], ["a", undefined], ["a", 2], ["b", 1], ["b", undefined], ["c", undefined]])
      )
      assert.strictEqual(yield* deliver("t", deleting), 1)
      assert.deepStrictEqual(yield* select("SELECT CAST(`key` AS CHAR), v FROM t"), [["a", 2]])
    }))

  bug("ON DUPLICATE KEY through another unique index: refused before the first row", () =>
    Effect.gen(function*() {
      const { deliver, run, select, stopped } = yield* database
      yield* run("CREATE TABLE t (`key` VARCHAR(255) COLLATE utf8mb4_0900_bin PRIMARY KEY, v INT NOT NULL UNIQUE)")
      yield* send("t", yield* keyed([["a", 1], ["b", 1]]))
      const line = yield* stopped("t", upsert)
      assert.include(line, "unique index v is not the key: a record could change the row of another one")
      assert.include(line, "unique.indexes.allowed=v")
      assert.deepStrictEqual(yield* select("SELECT * FROM t"), [])
      yield* run("ALTER TABLE t DROP INDEX v")
      yield* deliver("t", upsert)
      assert.deepStrictEqual(yield* select("SELECT CAST(`key` AS CHAR), v FROM t ORDER BY 1"), [["a", 1], ["b", 1]])
    }))

  bug("Update counts that kill the task: they are not relied on", () =>
    Effect.gen(function*() {
      const { deliver, select, storedOffset } = yield* database
      for (let times = 0; times < 2; times++) {
        yield* send("t", yield* keyed([["a", 1], ["b", times]]))
        yield* deliver("t", upsert)
      }
      assert.deepStrictEqual(yield* select("SELECT v FROM t ORDER BY v"), [[1], [1]])
      assert.deepStrictEqual(yield* storedOffset("t"), ["4"])
    }))

  bug("A new field with evolution off: it is left out, and the job goes on", () =>
    Effect.gen(function*() {
      const { columns, deliver, letters, select } = yield* delivered(record([["id", "int"]]), [{ id: 1 }])
      yield* sendValues("t", record([["id", "int"], ["added", "int"]]), [{ id: 2, added: 2 }])
      yield* deliver("t", { "schema.evolution": "none" })
      assert.deepStrictEqual(yield* columns("t"), ["id int"])
      assert.deepStrictEqual(yield* select("SELECT id FROM t ORDER BY id"), [[1], [2]])
      assert.deepStrictEqual(yield* letters("t"), [])
    }))

  bug("Dots in topic names: they are part of the table's name, not a schema before it", () =>
    Effect.gen(function*() {
      const { deliver, select } = yield* database
      yield* sendValues("shop.eu.orders", record([["id", "int"]]), [{ id: 1 }])
      yield* deliver("shop.eu.orders")
      assert.deepStrictEqual(yield* select("SELECT id FROM `shop.eu.orders`"), [[1]])
    }))

  bug("Several record types in one topic: a table for each, all in one transaction", () =>
    Effect.gen(function*() {
      const { deliver, select, storedOffset } = yield* database
      for (const id of [1, 2]) {
        yield* sendValues("t", record([["id", "int"]], "Created"), [{ id }])
        yield* sendValues("t", record([["id", "long"], ["sum", "double"]], "Paid"), [{ id: BigInt(id), sum: 0.5 }])
      }
      assert.strictEqual(yield* deliver("t", { "table.name.format": "${topic}_${record}" }), 1)
      assert.deepStrictEqual(yield* select("SELECT id FROM t_Created ORDER BY id"), [[1], [2]])
      assert.deepStrictEqual(yield* select("SELECT id, sum FROM t_Paid ORDER BY id"), [[1, 0.5], [2, 0.5]])
      assert.deepStrictEqual(yield* storedOffset("t"), ["4"])
    }))

  bug("Dead letters that multiply on redelivery: one counts its attempts", () =>
    Effect.gen(function*() {
      const { deliver, letters, run } = yield* database
      yield* send("t", [1, 2].map((n) => ({ value: Buffer.from(`not Avro ${n}`) })))
      yield* deliver("t")
      yield* run("UPDATE kafka_offsets SET `offset` = 0 WHERE topic = 't'")
      yield* deliver("t")
      assert.deepStrictEqual(yield* letters("t"), ["0 undecodable 0 2", "1 undecodable 0 2"])
    }))

  bug("65,535 placeholders: a statement has none", () =>
    Effect.gen(function*() {
      const names = Array.from({ length: 40 }, (_, at) => `f${at}`)
      const value = Object.fromEntries(names.map((name, at) => [name, at]))
      const schema = record(names.map((name) => [name, "int"]))
      const { first, writes } = yield* delivered(schema, Array.from({ length: 2000 }, () => value), {
        "batch.max.rows": "2000",
        "blocking.queue.size": "5000",
        "max.poll.records": "5000"
      })
      assert.deepStrictEqual(yield* first("SELECT COUNT(*), CAST(SUM(f39) AS CHAR) FROM t"), [2000, "78000"])
      assert.strictEqual(writes, 1)
    }))

  bug("Connections that leak: none is left when the job has ended, whatever it met", () =>
    Effect.gen(function*() {
      const { database: name, deliver, run, select, stopped } = yield* database
      yield* run("CREATE TABLE t (id INT CHECK (id < 50))")
      yield* sendValues("t", record([["id", "int"]]), Array.from({ length: 60 }, (_, id) => ({ id })))
      yield* stopped("t", { errors: "stop" })
      yield* deliver("t")
      const open = `SELECT INFO FROM performance_schema.processlist WHERE DB = '${name}' AND ID <> CONNECTION_ID()`
      yield* until(Effect.map(select(open), (rows) => Array.isArray(rows) && rows.length === 0)) // seen a little later
      assert.deepStrictEqual(yield* select("SELECT COUNT(*) FROM dead_letters"), [[10]])
    }))

  bug("No roll-back after a failure: nothing of it is committed with the next", () =>
    Effect.gen(function*() {
      const { admin, config } = yield* database
      const writes = Effect.gen(function*() {
        const { acquire, write } = yield* Destination
        const claim = yield* acquired
        const other = yield* acquire({ ...claim, partition: 1, initial: 0n })
        const request = batch(claim, 0n, 5n)
        const failing = "INSERT INTO orders (id, _source, _partition, _offset) VALUES (NULL, 1, 0, 9)"
        const failed = yield* write({ ...request, statements: [...request.statements, failing] })
        const next = yield* write(batch(other, 0n, 3n))
        const rows = yield* query(admin, "SELECT _partition AS p, COUNT(*) AS n FROM orders GROUP BY 1")
        return [failed._tag, next._tag, rows, (yield* write(request))._tag]
      })
      const seen = yield* logged(() => Effect.provide(writes, layerMysql({ ...config, maxPoolSize: 1 })))
      assert.deepStrictEqual(seen, ["RolledBack", "Committed", [{ p: 1, n: 3 }], "Committed"])
    }))
})

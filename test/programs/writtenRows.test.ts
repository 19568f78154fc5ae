import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { logged } from "../support/logged.js"
import { encoderOf, makeWritten, recordSchema } from "../support/writtenRows.js"

// From the bytes of a log to the rows of a table: keys, deletions, types of records, what is left out, what becomes a
// letter. Statements have tests of their own; here is what a whole pipeline makes of them.

const schemas = new Map([
  [1, recordSchema("Account", [{ name: "id", type: "long" }, { name: "owner", type: "string" }])],
  [2, recordSchema("AccountKey", [{ name: "id", type: "long" }])],
  [3, recordSchema("AccountKey", [{ name: "id", type: ["null", "long"] }])],
  [4, recordSchema("bank.Closed", [{ name: "id", type: "long" }, { name: "reason", type: "string" }])],
  [
    5,
    recordSchema("Account", [
      { name: "id", type: "long" },
      { name: "owner", type: "string" },
      { name: "note", type: ["null", "string"] }
    ])
  ],
  [
    6,
    recordSchema("Account", [
      { name: "id", type: "long" },
      { name: "note", type: ["null", "string"] },
      { name: "owner", type: "string" }
    ])
  ]
])
const avro = encoderOf(schemas)
const account = (id: bigint, owner: string) => avro(1, { id, owner })
const key = (id: bigint) => avro(2, { id })

const keyed = { "insert.mode": "upsert", "pk.mode": "record_key", "delete.enabled": "true" }
const accounts = "SELECT id, owner FROM orders ORDER BY id"
const letters = "SELECT \"offset\", error_class, error_message FROM dead_letters ORDER BY \"offset\""

describe("rows that a pipeline writes", () => {
  it.scopedLive("by key: the last record of a key counts, and one without a value deletes its row", () =>
    Effect.gen(function*() {
      const { rows, send } = yield* makeWritten(schemas, keyed)
      yield* send([
        { key: key(1n), value: account(1n, "Ada") },
        { key: key(2n), value: account(2n, "Bob") },
        { key: key(3n), value: null }, // of a key that never had a row
        { key: key(1n), value: account(1n, "Adele") }
      ])
      assert.deepStrictEqual(yield* rows(accounts), [{ id: 1n, owner: "Adele" }, { id: 2n, owner: "Bob" }])
      yield* send([
        { key: key(2n), value: null },
        { key: key(1n), value: null },
        { key: key(1n), value: account(1n, "Anna") }
      ])
      assert.deepStrictEqual(yield* rows(accounts), [{ id: 1n, owner: "Anna" }])
      assert.deepStrictEqual(yield* rows(letters), [])
      assert.deepStrictEqual(yield* rows("SELECT \"offset\" FROM kafka_offsets"), [{ offset: 7n }])
    }))

  it.scopedLive("by key: deletions alone make no table and are passed over, and the offset moves", () =>
    Effect.gen(function*() {
      const { rows, send } = yield* makeWritten(schemas, keyed)
      yield* send([{ key: key(1n), value: null }, { key: key(2n), value: null }])
      assert.deepStrictEqual(yield* rows("SELECT name FROM sqlite_schema WHERE name = 'orders'"), [])
      assert.deepStrictEqual(yield* rows(letters), [])
      yield* send([
        { key: key(1n), value: null }, // there is no table yet, and a moment later there is
        { key: key(1n), value: account(1n, "Ada") },
        { key: key(2n), value: account(2n, "Bob") },
        { key: key(1n), value: null }
      ])
      assert.deepStrictEqual(yield* rows(accounts), [{ id: 2n, owner: "Bob" }])
    }))

  it.scopedLive("by key: a key that is missing, NULL, of no schema or too long for it makes a letter, in each its reason", () =>
    Effect.gen(function*() {
      const { rows, send } = yield* makeWritten(schemas, keyed)
      yield* send([
        { key: key(1n), value: account(1n, "Ada") },
        { key: null, value: account(2n, "no key") },
        { key: Buffer.from("7"), value: account(3n, "plain text") },
        { key: Buffer.concat([key(4n), Buffer.from([1])]), value: account(4n, "a byte too many") },
        { key: avro(3, { id: null }), value: account(5n, "NULL") },
        { key: null, value: null },
        { key: Buffer.from("7"), value: null },
        { key: key(8n), value: account(8n, "Hal") }
      ])
      assert.deepStrictEqual(yield* rows(accounts), [{ id: 1n, owner: "Ada" }, { id: 8n, owner: "Hal" }])
      const found = yield* rows(letters)
      assert.deepStrictEqual(found.map((letter) => `${String(letter["offset"])} ${String(letter["error_class"])}`), [
        "1 unstorable",
        "2 undecodable",
        "3 undecodable",
        "4 unstorable",
        "5 tombstone",
        "6 undecodable"
      ])
      assert.match(String(found[0]?.["error_message"]), /no key/)
      assert.match(String(found[1]?.["error_message"]), /^the key: it starts with 0x37/)
      assert.match(String(found[2]?.["error_message"]), /^the key: does not fit its schema \(id 2\)/)
    }))

  it.scopedLive("a record without a value, where none deletes: passed over, or a letter, as tombstones says", () =>
    Effect.gen(function*() {
      for (const [tombstones, expected] of [["ignore", []], ["dead-letter", [1n]]] as const) {
        const { rows, send } = yield* makeWritten(schemas, {
          "insert.mode": "upsert",
          "pk.mode": "record_value",
          "pk.fields": "id",
          tombstones
        })
        yield* send([{ value: account(1n, "Ada") }, { key: key(1n), value: null }, { value: account(2n, "Bob") }])
        assert.deepStrictEqual(yield* rows(accounts), [{ id: 1n, owner: "Ada" }, { id: 2n, owner: "Bob" }])
        assert.deepStrictEqual((yield* rows(letters)).map((letter) => letter["offset"]), [...expected])
      }
    }))

  it.scopedLive("of several types in one topic, each in its table, in one transaction", () =>
    Effect.gen(function*() {
      const { rows, send } = yield* makeWritten(schemas, { "table.name.format": "${topic}_${record}" })
      yield* send([
        { value: account(1n, "Ada") },
        { value: avro(4, { id: 1n, reason: "moved" }) },
        { value: account(2n, "Bob") }
      ])
      assert.deepStrictEqual(yield* rows("SELECT id, owner, _offset FROM orders_Account ORDER BY _offset"), [
        { id: 1n, owner: "Ada", _offset: 0n },
        { id: 2n, owner: "Bob", _offset: 2n }
      ])
      assert.deepStrictEqual(yield* rows("SELECT id, reason, _offset FROM orders_Closed"), [
        { id: 1n, reason: "moved", _offset: 1n }
      ])
    }))

  it.scopedLive("of several topics in one table: told apart by their source", () =>
    Effect.gen(function*() {
      const { rows, send } = yield* makeWritten(schemas, {
        "kafka.topics": "orders,returns",
        "topic.to.table.map": "orders:moves,returns:moves"
      })
      yield* send([{ value: account(1n, "Ada") }, { topic: "returns", value: account(1n, "Bob") }])
      const found = yield* rows(
        "SELECT topic, owner, _offset FROM moves JOIN kafka_sources ON kafka_sources.id = _source ORDER BY topic"
      )
      assert.deepStrictEqual(found, [
        { topic: "orders", owner: "Ada", _offset: 0n },
        { topic: "returns", owner: "Bob", _offset: 0n }
      ])
    }))

  it.scopedLive("a field without a column, where tables are not to change: left out, said once", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { rows, send } = yield* makeWritten(schemas, { "schema.evolution": "none", "batch.max.rows": "1" })
        yield* send([{ value: account(1n, "Ada") }])
        const newer = { value: avro(5, { id: 2n, owner: "Bob", note: "new" }) }
        const newest = { value: avro(6, { id: 3n, owner: "Cid", note: "new" }) }
        yield* send([newer, newer, { value: account(4n, "Dee") }, newest])
        assert.deepStrictEqual((yield* rows("SELECT * FROM orders")).length, 5)
        const told = lines.filter((line) => line.includes("has no column for"))
        assert.lengthOf(told, 1)
        assert.include(told[0], "table orders has no column for note")
      })
    ))
})

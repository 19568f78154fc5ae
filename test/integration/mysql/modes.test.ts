import { Either } from "effect"
import fc from "fast-check"
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise"
import { afterAll, assert, beforeAll, it } from "vitest"
import { parseSchema } from "../../../src/domain/avro/parseSchema.js"
import { type Change, makeChangeBatch } from "../../../src/domain/sql/changes.js"
import { planDelete, planTable } from "../../../src/domain/sql/plan/planTable.js"
import { mariadb } from "../../../src/domain/sql/mariadb.js"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { makeDeleteEncoder, makeRowEncoder } from "../../../src/domain/sql/rowEncoder.js"
import { defaultTopicSettings, type TopicSettings } from "../../../src/domain/TopicSettings.js"
import { sha256 } from "../../../src/layers/sha256.js"
import { describeOnEach } from "../../servers/index.js"
import { recordAt } from "../../support/rows.js"

// Goal: the table is what its records, applied one by one, make of it. Method: plans and statements as in production,
// run as they are; what is expected is worked out by hand or by a Map.

const upsert: TopicSettings = { ...defaultTopicSettings, insertMode: "upsert", keyMode: "record_key" }
const record = (...fields: ReadonlyArray<readonly [name: string, type: unknown, preset?: unknown]>): object => ({
  type: "record",
  name: "R",
  fields: fields.map(([name, type, preset]) => ({ name, type, ...(preset === undefined ? {} : { default: preset }) }))
})
const schemaOf = (schema: unknown) => Either.getOrThrow(parseSchema(JSON.stringify(schema)))
const sqlModes = ["TRADITIONAL", "TRADITIONAL,NO_BACKSLASH_ESCAPES", "TRADITIONAL,ANSI_QUOTES", "STRICT_ALL_TABLES"]

describeOnEach("modes of writing", ({ address, label }) => {
  const dialect = label === "MySQL" ? mysql : mariadb
  const format = label === "MySQL" ? "FORMAT=TRADITIONAL" : ""
  const database = `modes_${process.pid}`
  let connection: Connection
  let tables = 0

  beforeAll(async () => {
    connection = await createConnection({ uri: address, multipleStatements: true, supportBigNumbers: true })
    await connection.query(`CREATE DATABASE ${database}; USE ${database}`)
  })
  afterAll(async () => {
    await connection.query(`DROP DATABASE ${database}`)
    await connection.end()
  })

  const run = async (statement: string): Promise<void> => {
    await connection.query(statement)
    const [warnings] = await connection.query("SHOW WARNINGS")
    assert.deepStrictEqual(warnings, [], statement)
  }
  const select = async (sql: string): Promise<unknown> => {
    const [rows] = await connection.query({ sql, rowsAsArray: true })
    return rows
  }

  /** A table, made for the first schema, and the encoders of all. */
  const made = async (settings: TopicSettings, keySchema: unknown, ...values: ReadonlyArray<unknown>) => {
    const table = `t${tables += 1}`
    const key = schemaOf(keySchema)
    const base = { topic: "t", table, keySchema: key, settings }
    const plans = values.map((value, index) =>
      Either.getOrThrow(planTable({ ...base, schemaId: index + 1, schema: schemaOf(value) }))
    )
    const [widest] = plans
    if (widest === undefined) return assert.fail("no schema")
    await run(dialect.createTable(widest))
    const encoders = plans.map((plan) =>
      makeRowEncoder(dialect, plan, { keyColumns: true, ignored: new Set() }, sha256)
    )
    let offset = 0n
    const at = (keyValue: unknown, value: unknown) => ({
      record: recordAt(offset += 1n),
      key: keyValue,
      value,
      sourceId: 1,
      partition: 0
    })
    return {
      table,
      write: (version: number, keyValue: unknown, value: unknown): Change => {
        const encoder = encoders[version]
        return encoder === undefined ? assert.fail("no version") : Either.getOrThrow(encoder.write(at(keyValue, value)))
      },
      remove: (keyValue: unknown): Change => {
        const plan = Either.getOrThrow(planDelete(base))
        return Either.getOrThrow(makeDeleteEncoder(dialect, plan, sha256).remove(at(keyValue, null)))
      }
    }
  }
  /** One transaction; answers how many statements it was. */
  const apply = async (changes: ReadonlyArray<Change>): Promise<number> => {
    const batch = makeChangeBatch(dialect, 1 << 20)
    for (const change of changes) batch.add(change)
    const statements = batch.take()
    await connection.query("START TRANSACTION")
    for (const statement of statements) await run(statement)
    await connection.query("COMMIT")
    return statements.length
  }

  it("keys compare byte for byte and without padding: 'a', 'A', 'a ', 'ä' and more are as many rows", async () => {
    const keys = ["a", "A", "a ", "a\t", "ä", "a\u0308", "ß", "ss", "", " ", "\\", "'", "😀", "a\0", "k".repeat(255)]
    const { remove, table, write } = await made(upsert, "string", record(["v", "int"]))
    await apply(keys.map((key, v) => write(0, key, { v })))
    await apply(keys.map((key, v) => write(0, key, { v: v + 100 })))
    const rows = keys.map((key, v) => [Buffer.from(key).toString("hex").toUpperCase(), v + 100])
    const stored = `SELECT HEX(\`key\`), v FROM ${table} ORDER BY v`
    assert.deepStrictEqual(await select(stored), rows)
    await apply([remove("a"), remove("\\"), remove("a\0")])
    assert.deepStrictEqual(await select(stored), rows.filter((_, index) => ![0, 10, 13].includes(index)))
  })

  it("binary keys keep trailing zeros apart", async () => {
    const keys = ["", "00", "0000", "61", "6100", "41", "ff"]
    const { remove, table, write } = await made(upsert, "bytes", record(["v", "int"]))
    await apply(keys.map((key, v) => write(0, Buffer.from(key, "hex"), { v })))
    await apply([remove(Buffer.from("00", "hex")), remove(Buffer.from("61", "hex"))])
    const left = keys.map((key, v) => [key.toUpperCase(), v]).filter((_, index) => index !== 1 && index !== 3)
    assert.deepStrictEqual(await select(`SELECT HEX(\`key\`), v FROM ${table} ORDER BY v`), left)
  })

  it("composite keys are found again by all of their parts, in every sql_mode", async () => {
    const key = record(["region", "string"], ["id", "long"])
    const { remove, table, write } = await made(upsert, key, record(["v", ["null", "string"]], ["id", "long"]))
    for (const mode of sqlModes) {
      await run(`SET sql_mode = '${mode}'; DELETE FROM ${table}`)
      await apply([
        write(0, { region: "e\\'u", id: 1n }, { v: "x\\", id: 9n }),
        write(0, { region: "e\\'u", id: 2n }, { v: "'", id: 9n }),
        write(0, { region: "us", id: 1n }, { v: null, id: 9n })
      ])
      await apply([remove({ region: "us", id: 2n }), remove({ region: "e\\'u", id: 2n })])
      assert.deepStrictEqual(await select(`SELECT region, v, id FROM ${table} ORDER BY region`), [
        ["e\\'u", "x\\", 1],
        ["us", null, 1]
      ])
    }
    await run("SET sql_mode = 'TRADITIONAL'")
  })

  it("interleaved schema versions are one INSERT, and what a version lacks has the column's default", async () => {
    const insert = defaultTopicSettings
    const newer = record(["id", "int"], ["added", "int", 7], ["memo", ["null", "string"]])
    const { table, write } = await made(
      insert,
      "string",
      newer,
      record(["id", "int"]),
      record(["id", "int"], ["memo", "string"])
    )
    const statements = await apply([
      write(1, null, { id: 1 }),
      write(0, null, { id: 2, added: 2, memo: "m" }),
      write(1, null, { id: 3 }),
      write(2, null, { id: 4, memo: "x" }),
      write(0, null, { id: 5, added: 5, memo: null })
    ])
    assert.strictEqual(statements, 1)
    const expected = [[1, 7, null, 1], [2, 2, "m", 2], [3, 7, null, 3], [4, 7, "x", 4], [5, 5, null, 5]]
    assert.deepStrictEqual(await select(`SELECT id, added, memo, _offset FROM ${table} ORDER BY _offset`), expected)
  })

  it("deletions read the rows of their keys alone, however large a part of the table they are", async () => {
    for (const key of ["long", record(["a", "string"], ["b", "int"])]) {
      const { remove, table, write } = await made(upsert, key, record(["v", "int"]))
      const keys = Array.from({ length: 60 }, (_, b) => key === "long" ? BigInt(b) : { a: "x", b })
      await apply(keys.map((each) => write(0, each, { v: 1 })))
      await run(`ANALYZE TABLE ${table}`)
      const batch = makeChangeBatch(dialect, 1 << 20)
      for (const each of keys.slice(0, 50)) batch.add(remove(each))
      const [statement = ""] = batch.take()
      const [[plan]] = await connection.query<Array<RowDataPacket>>(`EXPLAIN ${format} ${statement}`)
      assert.deepInclude(plan ?? {}, { type: "range", key: "PRIMARY" })
    }
  })

  it("a deletion resets what the records after it do not say; a write alone does not", async () => {
    const newer = record(["a", "int"], ["b", "int", 7])
    const { remove, table, write } = await made(upsert, "int", newer, record(["a", "int"]))
    await apply([1, 2].map((key) => write(0, key, { a: 1, b: 1 })))
    await apply([write(1, 1, { a: 2 }), remove(2), write(1, 2, { a: 2 })])
    assert.deepStrictEqual(await select(`SELECT \`key\`, a, b FROM ${table} ORDER BY 1`), [[1, 2, 1], [2, 2, 7]])
  })

  it("masked, redacted and metadata columns are stored as such, and only shown when asked for", async () => {
    const fields = {
      ...upsert.fields,
      hash: new Set(["name"]),
      redact: new Set(["pin"]),
      rename: new Map([["v", "w"]])
    }
    const settings: TopicSettings = {
      ...upsert,
      fields,
      metadataColumns: ["_timestamp", "_key", "_headers", "_schema_id"]
    }
    const { table, write } = await made(settings, "int", record(["name", "string"], ["pin", "int"], ["v", "int"]))
    await apply([write(0, 1, { name: "abc", pin: 1234, v: 5 })])
    const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert.deepStrictEqual(await select(`SELECT * FROM ${table}`), [[1, hash, null, 5]])
    const metadata = "CAST(_timestamp AS CHAR), _key, CAST(_headers AS CHAR), _schema_id"
    assert.deepStrictEqual(await select(`SELECT ${metadata} FROM ${table}`), [[
      "1970-01-01 00:00:00.000",
      null,
      "[]",
      1
    ]])
  })

  it("random walks of writes and deletions, cut into random batches, end where a Map ends", async () => {
    const versions = [
      record(["a", "int"], ["b", "int", -1], ["c", "int", -2]),
      record(["a", "int"]),
      record(["c", "int"], ["b", "int"])
    ]
    const fieldsOf = [["a", "b", "c"], ["a"], ["c", "b"]]
    const { remove, table, write } = await made(
      upsert,
      record(["k", "string"]),
      record(["a", "int", -3], ["b", "int", -1], ["c", "int", -2]),
      ...versions
    )
    const step = fc.record({
      k: fc.constantFrom("a", "A", "a ", "\\"),
      version: fc.integer({ min: 0, max: 3 }),
      v: fc.nat()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 20 }), async (walk) => {
        await run(`DELETE FROM ${table}`)
        const model = new Map<string, Record<string, number>>()
        let changes: Array<Change> = []
        for (const [{ k, v, version }, cut] of walk) {
          const names = fieldsOf[version - 1]
          if (names === undefined) {
            model.delete(k)
            changes.push(remove({ k }))
          } else {
            const value = Object.fromEntries(names.map((name, index) => [name, v % 1000 + index]))
            model.set(k, { a: -3, b: -1, c: -2, ...model.get(k), ...value })
            changes.push(write(version, { k }, value))
          }
          if (cut) {
            await apply(changes)
            changes = []
          }
        }
        await apply(changes)
        const expected = [...model].map(([k, { a, b, c }]) => [Buffer.from(k).toString("hex").toUpperCase(), a, b, c])
        assert.deepStrictEqual(
          await select(`SELECT HEX(k), a, b, c FROM ${table} ORDER BY HEX(k)`),
          expected.toSorted(([x], [y]) => String(x) < String(y) ? -1 : 1)
        )
      }),
      { numRuns: 60 }
    )
  })
})

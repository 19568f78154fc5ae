import { type Client, createClient } from "@libsql/client"
import { Either } from "effect"
import fc from "fast-check"
import type { Connection } from "mysql2/promise"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { datasetRecord, datasets } from "../../src/domain/datasets.js"
import { mariadb } from "../../src/domain/sql/mariadb.js"
import { mysql } from "../../src/domain/sql/mysql.js"
import { rowBytes, rowBytesMax } from "../../src/domain/sql/plan/rowBytes.js"
import { sqlite } from "../../src/domain/sql/sqlite.js"
import type { Column, TablePlan } from "../../src/domain/sql/TablePlan.js"
import { describeOnEach } from "../servers/index.js"
import { fullRecords, type RandomRecords, randomRecords } from "../support/avroFields.js"
import {
  asBatch,
  type Batch,
  codecOf,
  comesBack,
  connectDatabase,
  type Database,
  expectedRows,
  textOf
} from "../support/roundTrip.js"
import { plannedBy } from "../support/rows.js"

// Goal: what a producer encoded is what a SELECT answers, to the last digit. Method: encode, decode, write as SQL, read
// back with a driver, compare with text that was made from the value without any of the code under test.

const datasetBatch = (dataset: (typeof datasets)[number], count: number): Batch => {
  const schemaText = readFileSync(new URL(`../../schemas/${dataset}.avsc`, import.meta.url), "utf8")
  const values = Array.from({ length: count }, (_, index) => datasetRecord(dataset, 42, index).value)
  return { schemaText, values, expected: expectedRows(codecOf(schemaText), values) }
}

const filler = (size: number): Column => ({
  from: "value",
  path: ["filler"],
  name: "filler",
  type: { kind: "fixed", size },
  nullable: true
})
/** The plan with one more column, as long as it takes for a row of `bytes`. */
const widened = (plan: TablePlan, bytes: number): TablePlan => {
  const without = rowBytes([...plan.columns, filler(256)])
  return { ...plan, columns: [...plan.columns, filler(256 + bytes - without)] }
}

/** Without shrinking: it would go on behind the test's end, and the seed that is printed replays the case. */
const anyBatch = (
  records: fc.Arbitrary<RandomRecords>,
  numRuns: number,
  check: (batch: Batch) => Promise<void>
): Promise<void> => fc.assert(fc.asyncProperty(records.map(asBatch), check), { numRuns, endOnFailure: true })

/** The same for every database: `open` is called when the tests run. */
const everyValueComesBack = (open: () => Database): void => {
  for (const dataset of datasets) {
    it(dataset, () => comesBack(open(), datasetBatch(dataset, 500)))
  }
  it("records of random schemas", () => anyBatch(randomRecords(20), 20, (batch) => comesBack(open(), batch)))
  it("records with every type, bare and nullable", () =>
    anyBatch(fullRecords(5), 4, (batch) => comesBack(open(), batch)))
}

const sessions: ReadonlyArray<readonly [sqlMode: string, timeZone: string]> = [
  ["TRADITIONAL", "+00:00"],
  ["TRADITIONAL,NO_BACKSLASH_ESCAPES", "+00:00"],
  ["TRADITIONAL,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT", "+05:30"]
]

describeOnEach("every value comes back exactly", ({ address, label }) => {
  const dialect = label === "MySQL" ? mysql : mariadb
  const name = `mapping_${process.pid}`
  let connection: Connection
  let database: Database
  let close: () => Promise<void>

  beforeAll(async () => {
    ;({ close, connection, database } = await connectDatabase(address, dialect, name))
  })
  afterAll(() => close())

  for (const [sqlMode, timeZone] of sessions) {
    describe(`sql_mode ${sqlMode}, time_zone ${timeZone}`, () => {
      beforeAll(async () => {
        await connection.query(`SET SESSION sql_mode = '${sqlMode}', time_zone = '${timeZone}'`)
      })
      everyValueComesBack(() => database)
    })
  }

  it("SELECT * shows the record's own fields alone", async () => {
    const codec = codecOf(datasetBatch("dataset1", 0).schemaText)
    const plan = Either.getOrThrow(plannedBy(codec.schema, "star"))
    await database.run(dialect.createTable(plan))
    const [, fields] = await connection.query("SELECT * FROM star")
    assert.deepStrictEqual(fields.map((field) => field.name), plan.columns.map((column) => column.name))
  })

  it("a comment is the field's doc, whatever is in it", async () => {
    const schemaText = JSON.stringify({
      type: "record",
      name: "R",
      fields: [{ name: "f", type: "int", doc: `'; DROP \\' 😀 ${"é".repeat(2000)}` }]
    })
    for (const [sqlMode] of sessions) {
      await connection.query(`SET SESSION sql_mode = '${sqlMode}'`)
      await comesBack(database, { schemaText, values: [{ f: 1 }], expected: [["1"]] })
    }
  })

  it("a row is as wide as we count it: the server takes the widest that we allow and refuses one byte more", async () => {
    await anyBatch(randomRecords(1), 10, async ({ schemaText }) => {
      const { schema } = codecOf(schemaText)
      const plan = Either.getOrThrow(plannedBy(schema, "wide"))
      await database.run(dialect.createTable(widened(plan, rowBytesMax)))
      await database.run("DROP TABLE wide")
      const refused = await connection.query(dialect.createTable(widened(plan, rowBytesMax + 1))).then(
        () => "accepted",
        (error: unknown) => error instanceof Error && "errno" in error ? error.errno : error
      )
      assert.strictEqual(refused, 1118)
    })
  })

  it("0000-02-29, which we refuse, is no day for the server", async () => {
    await connection.query("SET SESSION sql_mode = 'TRADITIONAL'")
    await connection.query("CREATE TABLE days (day DATE)")
    const refused = await connection.query("INSERT INTO days VALUES ('0000-02-29')").then(
      () => "accepted",
      (error: unknown) => error instanceof Error && "errno" in error ? error.errno : error
    )
    assert.strictEqual(refused, 1292)
  })
})

describe("every value comes back from libSQL exactly", () => {
  const directory = mkdtempSync(join(tmpdir(), "tributary-mapping-"))
  let client: Client
  let database: Database

  beforeAll(() => {
    client = createClient({ url: `file:${join(directory, "test.db")}`, intMode: "bigint" })
    database = {
      dialect: sqlite,
      run: async (sql) => {
        await client.execute(sql)
      },
      select: async (sql) => {
        const { columns, rows } = await client.execute(sql)
        return rows.map((row) => columns.map((_, index) => textOf(row[index])))
      }
    }
  })
  afterAll(() => {
    client.close()
    rmSync(directory, { recursive: true })
  })

  everyValueComesBack(() => database)

  it("a table is strict: a value of another type is refused", async () => {
    const codec = codecOf(datasetBatch("dataset2", 0).schemaText)
    const plan = Either.getOrThrow(plannedBy(codec.schema, "strict"))
    await database.run(sqlite.createTable({ ...plan, columns: plan.columns.slice(0, 1) }))
    const refused = await client.execute("INSERT INTO strict VALUES ('x', 1, 2, 3)").then(() => "accepted", String)
    assert.include(refused, "cannot store TEXT value in INTEGER column")
  })
})

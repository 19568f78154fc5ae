import { Effect } from "effect"
import fc from "fast-check"
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise"
import { randomInt } from "node:crypto"
import { afterAll, assert, beforeAll, it } from "vitest"
import { describeOnEach } from "../../servers/index.js"
import { type Model, modelsOf } from "../../support/schemaModel.js"
import { asText, type Walk, walks } from "../../support/schemaWalk.js"
import { runWalk, type WalkServer } from "./evolutionWalk.js"

// Goal: whatever schemas a topic goes through, in whatever order two instances meet them, and whatever becomes of those
// instances, the table is what a model of a few lines says. Method: the main job twice over Kafka in memory and a real
// server; a walk that fails is shrunk, and told with the seed that brings it back.

const count = Number(process.env["TRIBUTARY_TEST_EVOLUTION_WALKS"] ?? 6)
const seed = Number(process.env["TRIBUTARY_TEST_EVOLUTION_SEED"] ?? randomInt(2 ** 31))
/** Far more than the walks take, and time to shrink one. */
const walkingMs = 240_000 + count * 10_000

const columnLine = (column: unknown, type: string, nullable: boolean): string =>
  `column ${String(column)} ${type} ${nullable ? "NULL" : "NOT NULL"}`
const rowLine = (place: unknown, row: ReadonlyArray<readonly [column: string, value: string | null]>): string =>
  `row ${String(place)}: ${row.map(([column, value]) => `${column}=${value ?? "NULL"}`).toSorted().join(" ")}`

const expected = ({ rows, table }: Model): ReadonlyArray<string> =>
  [
    ...[...table ?? []].map(([column, { nullable, type }]) => columnLine(column, type, nullable)),
    ...[...rows].map(([place, row]) => rowLine(place, [...row]))
  ].toSorted()

describeOnEach("the table is what a model says", ({ address, label }) => {
  const processes = label === "MySQL" ? "performance_schema.processlist" : "information_schema.processlist"
  const name = `walks_${process.pid}`
  let admin: Connection
  let walked = 0

  beforeAll(async () => {
    admin = await createConnection({
      uri: address,
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      // The driver's own way from digits to a double is a digit off now and then.
      typeCast: (field, next) => field.type === "DOUBLE" ? field.string() : next()
    })
    await admin.query(`CREATE DATABASE ${name}; USE ${name}`)
    for (const user of [0, 1]) {
      await admin.query(`CREATE USER '${name}_${user}' IDENTIFIED BY 'w'; GRANT ALL ON ${name}.* TO '${name}_${user}'`)
    }
  })
  afterAll(async () => {
    await admin.query(`DROP DATABASE ${name}; DROP USER '${name}_0', '${name}_1'`)
    await admin.end()
  })

  const select = async (sql: string): Promise<ReadonlyArray<RowDataPacket>> =>
    (await admin.query<Array<RowDataPacket>>(sql))[0]

  /** Columns and rows, a line each. */
  const found = async (walk: Walk, table: string): Promise<ReadonlyArray<string>> => {
    const columns = await select(
      "SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable FROM information_schema.COLUMNS"
        + ` WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}' AND COLUMN_NAME NOT LIKE '\\_%' AND COLUMN_NAME <> 'key'`
    )
    const place = walk.upsert ? "CAST(`key` AS CHAR)" : "CONCAT(_partition, '@', _offset)"
    const exists = (await select(`SHOW TABLES LIKE '${table}'`)).length > 0
    const rows = exists ? await select(`SELECT t.*, ${place} AS _place FROM ${table} t`) : []
    return [
      ...columns.map(({ name: column, nullable, type }) =>
        // MariaDB shows the width of whole numbers.
        columnLine(column, String(type).replace(/^(int|bigint)\(\d+\)/u, "$1"), nullable === "YES")
      ),
      ...rows.map(({ _place, ...row }) =>
        rowLine(
          _place,
          Object.entries(row).filter(([column]) => column !== "key").map(([column, value]) => [column, asText(value)])
        )
      )
    ].toSorted()
  }

  it(`${count} walks, seed ${seed}`, async () => {
    await fc.assert(
      fc.asyncProperty(walks, async (walk) => {
        const topic = `walk${walked++}`
        const server: WalkServer = {
          address,
          database: name,
          processes,
          admin,
          users: [`${name}_0`, `${name}_1`],
          password: "w"
        }
        const { stored, stops } = await Effect.runPromise(runWalk(server, topic, walk))
        const table = await found(walk, topic)
        const context = `stored ${stored.join()}; stopped: ${stops.join(" | ") || "nowhere"}`
        const models = modelsOf(walk, stored).map(expected)
        assert.isNotEmpty(models, `no order of the schemas explains where the partitions are: ${context}`)
        const differences = models.map((model) => [
          ...model.filter((line) => !table.includes(line)).map((line) => `- ${line}`),
          ...table.filter((line) => !model.includes(line)).map((line) => `+ ${line}`)
        ])
        const [least = []] = differences.toSorted((one, other) => one.length - other.length)
        assert.isEmpty(least, [context, ...least].join("\n"))
      }),
      // Shrinking ends in time for the counterexample to be shown.
      { numRuns: count, seed, interruptAfterTimeLimit: walkingMs, markInterruptAsFailure: true }
    )
    assert.isAtLeast(walked, count)
  }, walkingMs + 60_000)
})

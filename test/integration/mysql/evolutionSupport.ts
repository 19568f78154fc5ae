import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type Connection, createConnection } from "mysql2/promise"
import type { Column, ColumnType, TablePlan } from "../../../src/domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../../src/domain/TopicSettings.js"
import { Catalog } from "../../../src/layers/Catalog.js"
import { Destination, type DestinationError } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import type { MysqlConfig } from "../../../src/layers/mysql/MysqlConfig.js"
import { layer as layerCatalog } from "../../../src/layers/mysql/MysqlCatalog.js"
import { query } from "./support.js"

export const column = (name: string, type: ColumnType, over: Partial<Column> = {}): Column => ({
  from: "value",
  path: [name],
  name,
  type,
  nullable: false,
  ...over
})

export const planOf = (columns: ReadonlyArray<Column>, over: Partial<TablePlan> = {}): TablePlan => ({
  topic: "orders",
  schemaId: 7,
  table: "orders",
  columns,
  key: [],
  metadata: [],
  notes: [],
  ...over
})

export const none: EvolutionPolicy = { mode: "none", allowCopy: false }
export const additive: EvolutionPolicy = { mode: "additive", allowCopy: false }
export const widen: EvolutionPolicy = { mode: "widen", allowCopy: false }
export const copying: EvolutionPolicy = { mode: "widen", allowCopy: true }

/** As an instance does it that has just started. */
export const ensure = (config: MysqlConfig, plan: TablePlan, policy: EvolutionPolicy) =>
  Effect.flatMap(Destination, (destination) => destination.ensureTable(plan, policy)).pipe(
    Effect.provide(layerMysql(config))
  )

/** One more connection to a database. */
export const another = (uri: string, database: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const connection = await createConnection({ uri, multipleStatements: true })
      await connection.query(`USE ${database}`)
      return connection
    }),
    (connection) => Effect.promise(() => connection.end())
  )

export const inspect = (config: MysqlConfig, plan: TablePlan, policy: EvolutionPolicy) =>
  Effect.flatMap(Catalog, (catalog) => catalog.inspect(plan, policy)).pipe(Effect.provide(layerCatalog(config)))

export const refusal = (effect: Effect.Effect<unknown, DestinationError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, "DestinationRefused")
    return error.message
  })

/** `name type NULL default`, one line for each visible column. */
export const columnsOf = (admin: Connection) =>
  Effect.map(
    query(
      admin,
      "SELECT CONCAT_WS(' ', COLUMN_NAME, COLUMN_TYPE, IF(IS_NULLABLE = 'YES', 'NULL', 'NOT NULL'), NULLIF(COLUMN_DEFAULT, 'NULL')) AS c"
        + " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'orders'"
        + " AND EXTRA NOT LIKE '%INVISIBLE%' ORDER BY ORDINAL_POSITION"
    ),
    (rows) =>
      Array.isArray(rows)
        // MariaDB shows the width of whole numbers, and defaults with their quotes.
        ? rows.map(({ c }: { readonly c: string }) => c.replace(/int\(\d+\)/u, "int").replace(/ '(\w+)'$/u, " $1"))
        : []
  )

export const insert = (admin: Connection, offset: number, names: string, values: string) =>
  query(admin, `INSERT INTO orders (${names}, _source, _partition, _offset) VALUES (${values}, 1, 0, ${offset})`)

export const id = column("id", { kind: "long" })

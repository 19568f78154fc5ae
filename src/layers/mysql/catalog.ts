import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Lane } from "./Lane.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, runFresh, text } from "./session.js"

/** A column as `information_schema` describes it. */
const CatalogColumn = Schema.Struct({
  name: Schema.String,
  /** `varchar`, `int`, … */
  dataType: Schema.Lowercase,
  /** With length and sign: `varchar(249)`, `smallint unsigned`. */
  columnType: Schema.String,
  nullable: Schema.transform(Schema.String, Schema.Boolean, {
    strict: true,
    decode: (answer) => answer === "YES",
    encode: (nullable) => nullable ? "YES" : "NO"
  }),
  hasDefault: Schema.transform(Schema.Number, Schema.Boolean, {
    strict: true,
    decode: (flag) => flag === 1,
    encode: (flag) => flag ? 1 : 0
  }),
  collation: Schema.NullOr(Schema.String),
  /** Characters or bytes. As text: LONGTEXT's is above 2^31. */
  lengthMax: Schema.NullOr(Schema.NumberFromString),
  precision: Schema.NullOr(Schema.NumberFromString),
  scale: Schema.NullOr(Schema.NumberFromString),
  fractionDigits: Schema.NullOr(Schema.NumberFromString),
  /** `auto_increment`, `INVISIBLE`, `STORED GENERATED`, … */
  extra: Schema.Lowercase
})
export type CatalogColumn = typeof CatalogColumn.Type
const decodeColumns = rowsOf(CatalogColumn)
const decodeTables = rowsOf(Schema.Struct({ type: Schema.String, engine: Schema.NullOr(Schema.String) }))
const decodeKey = rowsOf(Schema.Struct({ name: Schema.String }))

export interface CatalogTable {
  /** `BASE TABLE`, `VIEW`. */
  readonly type: string
  readonly engine: string | null
  readonly columns: ReadonlyArray<CatalogColumn>
  /** In the order of the index. */
  readonly primaryKey: ReadonlyArray<string>
}

const where = (table: string): string => `WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${text(table)}`
const cast = (column: string, as: string): string => `CAST(${column} AS CHAR) AS \`${as}\``

/** The table as it is now; undefined where there is none, or none that this account may see. */
export const readTable = (lane: Lane, table: string): Effect.Effect<CatalogTable | undefined, MysqlFailure> =>
  Effect.gen(function*() {
    const [tables, columns, key] = yield* runFresh(lane, [
      `SELECT TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES ${where(table)}`,
      "SELECT COLUMN_NAME AS name, DATA_TYPE AS dataType, COLUMN_TYPE AS columnType, IS_NULLABLE AS nullable,"
      + ` COLUMN_DEFAULT IS NOT NULL AS hasDefault, COLLATION_NAME AS collation,`
      + ` ${cast("CHARACTER_MAXIMUM_LENGTH", "lengthMax")}, ${cast("NUMERIC_PRECISION", "precision")},`
      + ` ${cast("NUMERIC_SCALE", "scale")}, ${cast("DATETIME_PRECISION", "fractionDigits")}, EXTRA AS extra`
      + ` FROM information_schema.COLUMNS ${where(table)} ORDER BY ORDINAL_POSITION`,
      `SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS ${where(table)} AND INDEX_NAME = 'PRIMARY'`
      + " ORDER BY SEQ_IN_INDEX"
    ])
    const [found] = yield* decodeTables(tables)
    if (found === undefined) return undefined
    const primaryKey = (yield* decodeKey(key)).map(({ name }) => name)
    return { ...found, columns: yield* decodeColumns(columns), primaryKey }
  })

/** Column names compare without case, whatever the table's own name does. */
export const columnNamed = (table: CatalogTable, name: string): CatalogColumn | undefined =>
  table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())

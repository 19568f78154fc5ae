import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CatalogTable, UniqueIndex } from "../../domain/sql/CatalogTable.js"
import type { Lane } from "./Lane.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, runFresh, text } from "./session.js"

const yes = Schema.transform(Schema.String, Schema.Boolean, {
  strict: true,
  decode: (answer) => answer === "YES",
  encode: (is) => is ? "YES" : "NO"
})
const lengthText = Schema.NullOr(Schema.NumberFromString)

const decodeColumns = rowsOf(Schema.Struct({
  name: Schema.String,
  dataType: Schema.Lowercase,
  columnType: Schema.String,
  nullable: yes,
  defaultText: Schema.NullOr(Schema.String),
  comment: Schema.String,
  collation: Schema.NullOr(Schema.String),
  // As text: LONGTEXT's is above 2^31.
  lengthMax: lengthText,
  precision: lengthText,
  scale: lengthText,
  fractionDigits: lengthText,
  extra: Schema.Lowercase
}))
const decodeTables = rowsOf(Schema.Struct({
  type: Schema.String,
  engine: Schema.NullOr(Schema.String),
  collation: Schema.NullOr(Schema.String),
  updatable: yes,
  rows: Schema.NumberFromString,
  bytes: Schema.NumberFromString
}))
const decodeIndexes = rowsOf(Schema.Struct({
  index: Schema.String,
  /** Null where the part is an expression. */
  column: Schema.NullOr(Schema.String),
  prefix: lengthText
}))
const decodeNames = rowsOf(Schema.Struct({ name: Schema.String }))

const where = (table: string, column = "TABLE_NAME", schema = "TABLE_SCHEMA"): string =>
  `WHERE ${schema} = DATABASE() AND ${column} = ${text(table)}`
const cast = (column: string, as: string): string => `CAST(${column} AS CHAR) AS \`${as}\``

/**
 * Sizes as they are, not as they were a day ago. In a comment for MySQL alone, because MariaDB, which never keeps old
 * ones, does not know the variable.
 */
const freshSizes = "SET SESSION sql_notes=1 /*!80000 , information_schema_stats_expiry=0 */"

/** MariaDB tells defaults as they are written in SQL: a column without one has the default NULL. */
const writtenDefault = "NULLIF(COLUMN_DEFAULT, IF(VERSION() LIKE '%MariaDB%', 'NULL', NULL))"

const questions = (table: string): ReadonlyArray<string> => [
  freshSizes,
  "SELECT t.TABLE_TYPE AS type, t.ENGINE AS engine, t.TABLE_COLLATION AS collation,"
  + ` COALESCE(v.IS_UPDATABLE, 'NO') AS updatable, ${cast("COALESCE(t.TABLE_ROWS, 0)", "rows")},`
  + ` ${cast("COALESCE(t.DATA_LENGTH, 0) + COALESCE(t.INDEX_LENGTH, 0)", "bytes")} FROM information_schema.TABLES t`
  + " LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME"
  + ` ${where(table, "t.TABLE_NAME", "t.TABLE_SCHEMA")}`,
  "SELECT COLUMN_NAME AS name, DATA_TYPE AS dataType, COLUMN_TYPE AS columnType, IS_NULLABLE AS nullable,"
  + ` ${writtenDefault} AS defaultText, COLUMN_COMMENT AS comment, COLLATION_NAME AS collation,`
  + ` ${cast("CHARACTER_MAXIMUM_LENGTH", "lengthMax")}, ${cast("NUMERIC_PRECISION", "precision")},`
  + ` ${cast("NUMERIC_SCALE", "scale")}, ${cast("DATETIME_PRECISION", "fractionDigits")}, EXTRA AS extra`
  + ` FROM information_schema.COLUMNS ${where(table)} ORDER BY ORDINAL_POSITION`,
  `SELECT INDEX_NAME AS \`index\`, COLUMN_NAME AS \`column\`, ${cast("SUB_PART", "prefix")}`
  + ` FROM information_schema.STATISTICS ${where(table)} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  "SELECT CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION, ' ', TRIGGER_NAME) AS name FROM information_schema.TRIGGERS"
  + ` ${where(table, "EVENT_OBJECT_TABLE", "EVENT_OBJECT_SCHEMA")} ORDER BY name`,
  "SELECT CONCAT(CONSTRAINT_TYPE, ' ', CONSTRAINT_NAME) AS name FROM information_schema.TABLE_CONSTRAINTS"
  + ` ${where(table)} AND CONSTRAINT_TYPE IN ('FOREIGN KEY', 'CHECK') ORDER BY name`
]

/** MariaDB says how wide an integer is printed, which changes nothing: `bigint(20) unsigned`. */
const withoutWidth = (columnType: string): string =>
  columnType.replace(/^((?:small|medium|big)?int)\(\d+\)(?!.*zerofill)/iu, "$1")

interface IndexPart {
  readonly index: string
  readonly column: string | null
  readonly prefix: number | null
}

const indexesOf = (parts: ReadonlyArray<IndexPart>): ReadonlyArray<UniqueIndex> =>
  [...new Set(parts.map(({ index }) => index))].map((name) => {
    const own = parts.filter(({ index }) => index === name)
    return {
      name,
      columns: own.flatMap(({ column }) => column ?? []),
      whole: own.every(({ column, prefix }) => column !== null && prefix === null)
    }
  })

/** The table as it is now; undefined where there is none, or none that this account may see. */
export const readTable = (lane: Lane, table: string): Effect.Effect<CatalogTable | undefined, MysqlFailure> =>
  Effect.gen(function*() {
    const [, tables, columns, parts, triggers, constraints] = yield* runFresh(lane, questions(table))
    const [found] = yield* decodeTables(tables)
    if (found === undefined) return undefined
    const uniqueIndexes = indexesOf(yield* decodeIndexes(parts))
    return {
      ...found,
      columns: (yield* decodeColumns(columns)).map((column) => ({
        ...column,
        columnType: withoutWidth(column.columnType),
        hasDefault: column.defaultText !== null
      })),
      primaryKey: uniqueIndexes.find(({ name }) => name === "PRIMARY")?.columns ?? [],
      uniqueIndexes,
      triggers: (yield* decodeNames(triggers)).map(({ name }) => name),
      constraints: (yield* decodeNames(constraints)).map(({ name }) => name)
    }
  })

export { type CatalogColumn, type CatalogTable, columnNamed } from "../../domain/sql/CatalogTable.js"

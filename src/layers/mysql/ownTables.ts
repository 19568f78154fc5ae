import type { Dialect } from "../../domain/sql/Dialect.js"
import type { CatalogColumn, CatalogTable } from "./catalog.js"
import { columnNamed } from "./catalog.js"

/** A column of a table of Tributary's own: what the catalog says of it, and how it is declared. */
interface OwnColumn {
  readonly name: string
  readonly columnType: string
  readonly collation: string | null
  readonly invisible?: boolean
  readonly nullable?: boolean
  readonly definition: string
}

export interface OwnTable {
  readonly name: string
  readonly columns: ReadonlyArray<OwnColumn>
  readonly primaryKey: ReadonlyArray<string>
  readonly uniqueKeys: ReadonlyArray<UniqueKey>
}

interface UniqueKey {
  readonly name: string
  readonly columns: ReadonlyArray<string>
}

const ascii = "CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
/** Not utf8mb4_bin, which pads: a row of group 'g ' would be found for group 'g'. */
const exact = "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin NOT NULL"

/** One life of one topic as read by one group; its id is part of every target row's key (protocol section 1). */
export const kafkaSources: OwnTable = {
  name: "kafka_sources",
  columns: [
    {
      name: "id",
      columnType: "smallint unsigned",
      collation: null,
      definition: "SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT"
    },
    { name: "cluster_id", columnType: "varchar(64)", collation: "ascii_bin", definition: `VARCHAR(64) ${ascii}` },
    { name: "topic", columnType: "varchar(249)", collation: "ascii_bin", definition: `VARCHAR(249) ${ascii}` },
    { name: "topic_id", columnType: "char(36)", collation: "ascii_bin", definition: `CHAR(36) ${ascii} DEFAULT ''` },
    {
      name: "consumer_group",
      columnType: "varchar(255)",
      collation: "utf8mb4_0900_bin",
      definition: `VARCHAR(255) ${exact}`
    },
    {
      name: "pipeline",
      columnType: "varchar(255)",
      collation: "utf8mb4_0900_bin",
      definition: `VARCHAR(255) ${exact}`
    },
    {
      name: "created_at",
      columnType: "datetime(6)",
      collation: null,
      definition: "DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"
    }
  ],
  primaryKey: ["id"],
  // Without the pipeline: two pipelines that register the same source at once must meet here.
  uniqueKeys: [
    { name: "kafka_sources_identity", columns: ["cluster_id", "topic", "topic_id", "consumer_group"] }
  ]
}

/** Invisible beyond the first four, so that SELECT * prints what people know: topic, partition, group, offset. */
export const kafkaOffsets: OwnTable = {
  name: "kafka_offsets",
  columns: [
    { name: "topic", columnType: "varchar(249)", collation: "ascii_bin", definition: `VARCHAR(249) ${ascii}` },
    { name: "partition", columnType: "int", collation: null, definition: "INT NOT NULL" },
    {
      name: "consumer_group",
      columnType: "varchar(255)",
      collation: "utf8mb4_0900_bin",
      definition: `VARCHAR(255) ${exact}`
    },
    { name: "offset", columnType: "bigint", collation: null, definition: "BIGINT NOT NULL" },
    {
      name: "generation",
      columnType: "bigint",
      collation: null,
      invisible: true,
      definition: "BIGINT NOT NULL DEFAULT 0 INVISIBLE"
    },
    {
      name: "owner",
      columnType: "varchar(255)",
      collation: "ascii_bin",
      invisible: true,
      definition: `VARCHAR(255) ${ascii} DEFAULT '' INVISIBLE`
    },
    {
      name: "conn",
      columnType: "bigint unsigned",
      collation: null,
      invisible: true,
      definition: "BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE"
    },
    {
      name: "source_id",
      columnType: "smallint unsigned",
      collation: null,
      invisible: true,
      definition: "SMALLINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE"
    },
    {
      name: "updated_at",
      columnType: "datetime(6)",
      collation: null,
      invisible: true,
      definition: "DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6) INVISIBLE"
    }
  ],
  primaryKey: ["topic", "partition", "consumer_group"],
  uniqueKeys: []
}

/** Text that may be absent, in the collation of what is compared byte by byte. */
const optional = (definition: string) => definition.replace(" NOT NULL", " NULL")

/** Records that could not become rows, as they came (the mapping's section 7). */
export const deadLetters: OwnTable = {
  name: "dead_letters",
  columns: [
    { name: "id", columnType: "bigint", collation: null, definition: "BIGINT NOT NULL AUTO_INCREMENT" },
    { name: "topic", columnType: "varchar(249)", collation: "ascii_bin", definition: `VARCHAR(249) ${ascii}` },
    { name: "partition", columnType: "int", collation: null, definition: "INT NOT NULL" },
    { name: "offset", columnType: "bigint", collation: null, definition: "BIGINT NOT NULL" },
    {
      name: "consumer_group",
      columnType: "varchar(255)",
      collation: "utf8mb4_0900_bin",
      definition: `VARCHAR(255) ${exact}`
    },
    {
      name: "record_timestamp",
      columnType: "datetime(3)",
      collation: null,
      nullable: true,
      definition: "DATETIME(3) NULL"
    },
    { name: "record_key", columnType: "longblob", collation: null, nullable: true, definition: "LONGBLOB NULL" },
    { name: "record_value", columnType: "longblob", collation: null, nullable: true, definition: "LONGBLOB NULL" },
    { name: "headers", columnType: "json", collation: null, definition: "JSON NOT NULL" },
    { name: "schema_id", columnType: "int", collation: null, nullable: true, definition: "INT NULL" },
    { name: "error_class", columnType: "varchar(64)", collation: "ascii_bin", definition: `VARCHAR(64) ${ascii}` },
    { name: "error_code", columnType: "int", collation: null, definition: "INT NOT NULL" },
    { name: "error_message", columnType: "text", collation: "utf8mb4_0900_bin", definition: `TEXT ${exact}` },
    {
      name: "column_name",
      columnType: "varchar(64)",
      collation: "utf8mb4_0900_bin",
      nullable: true,
      definition: `VARCHAR(64) ${optional(exact)}`
    },
    { name: "attempts", columnType: "int", collation: null, definition: "INT NOT NULL DEFAULT 1" },
    {
      name: "created_at",
      columnType: "datetime(6)",
      collation: null,
      definition: "DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"
    },
    { name: "replayed_at", columnType: "datetime(6)", collation: null, nullable: true, definition: "DATETIME(6) NULL" },
    {
      name: "source_id",
      columnType: "smallint unsigned",
      collation: null,
      definition: "SMALLINT UNSIGNED NOT NULL"
    }
  ],
  primaryKey: ["id"],
  uniqueKeys: [{ name: "dead_letters_origin", columns: ["source_id", "partition", "offset"] }]
}

/** MariaDB has no 0900 collations, and its JSON is a text with a check. */
const ofMariadb = (column: OwnColumn): OwnColumn => ({
  ...column,
  ...(column.collation === "utf8mb4_0900_bin" ? { collation: "utf8mb4_nopad_bin" } : {}),
  ...(column.columnType === "json" ? { columnType: "longtext", collation: "utf8mb4_bin" } : {}),
  definition: column.definition.replace("utf8mb4_0900_bin", "utf8mb4_nopad_bin")
})

/** The table as this server spells it. */
export const ownTable = ({ name }: Dialect, table: OwnTable): OwnTable =>
  name === "mariadb" ? { ...table, columns: table.columns.map(ofMariadb) } : table

const quote = (name: string): string => `\`${name}\``
const columnList = (names: ReadonlyArray<string>): string => names.map(quote).join(", ")
const primaryKey = (table: OwnTable): string => `PRIMARY KEY (${columnList(table.primaryKey)})`
export const uniqueKey = ({ columns, name }: UniqueKey): string => `UNIQUE KEY ${quote(name)} (${columnList(columns)})`

export const createOwnTable = (table: OwnTable): string => {
  const columns = table.columns.map(({ definition, name }) => `${quote(name)} ${definition}`)
  const parts = [...columns, primaryKey(table), ...table.uniqueKeys.map(uniqueKey)]
  return `CREATE TABLE ${quote(table.name)} (\n  ${parts.join(",\n  ")}\n) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4`
}

const matches = (found: CatalogColumn, wanted: OwnColumn): boolean =>
  found.columnType.toLowerCase() === wanted.columnType
  && found.collation === wanted.collation
  && found.nullable === (wanted.nullable === true)
  && (wanted.invisible !== true || found.extra.includes("invisible"))

/** The one statement that makes the table ours, atomic as every ALTER of InnoDB; undefined where nothing is amiss. */
export const alterOwnTable = (table: OwnTable, found: CatalogTable): string | undefined => {
  const changes = table.columns.flatMap((wanted) => {
    const column = columnNamed(found, wanted.name)
    if (column === undefined) return [`ADD COLUMN ${quote(wanted.name)} ${wanted.definition}`]
    return matches(column, wanted) ? [] : [`MODIFY COLUMN ${quote(wanted.name)} ${wanted.definition}`]
  })
  const key = found.primaryKey.length === 0 ? [`ADD ${primaryKey(table)}`] : []
  const all = [...changes, ...key]
  return all.length === 0 ? undefined : `ALTER TABLE ${quote(table.name)} ${all.join(", ")}`
}

const sameColumns = (own: ReadonlyArray<string>, found: ReadonlyArray<string>): boolean => {
  const names = found.map((name) => name.toLowerCase())
  return names.length === own.length && own.every((name) => names.includes(name))
}

/** Whether the primary key holds the columns of ours, in any order. */
export const hasOwnKey = (table: OwnTable, found: CatalogTable): boolean =>
  sameColumns(table.primaryKey, found.primaryKey)

/** The first of our unique keys that the table lacks, whatever it is called there. */
export const lackingKey = (table: OwnTable, found: CatalogTable): UniqueKey | undefined =>
  table.uniqueKeys.find(({ columns }) =>
    !found.uniqueIndexes.some((index) => index.whole && sameColumns(columns, index.columns))
  )

/** The name of a unique index that is none of ours. INSERT … ON DUPLICATE KEY UPDATE would change the row that it names. */
export const foreignKeyName = (table: OwnTable, found: CatalogTable): string | undefined => {
  const own = [table.primaryKey, ...table.uniqueKeys.map(({ columns }) => columns)]
  return found.uniqueIndexes.find((index) => !own.some((columns) => sameColumns(columns, index.columns)))?.name
}

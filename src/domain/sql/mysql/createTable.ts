import type { Dialect } from "../Dialect.js"
import { defaultLiteral } from "./columnTypes.js"
import { metadataColumn } from "../metadata.js"
import { type Column, keyColumnNames, type TablePlan } from "../TablePlan.js"

export const identifier = (name: string): string => `\`${name.replaceAll("`", "``")}\``

/** MySQL's limit for a column's comment, in characters. */
const commentLengthMax = 1024

/**
 * The clause, with a blank in front; "" where there is no text. It must be a plain string literal of three-byte UTF-8:
 * hexadecimal is not allowed there. So that no sql_mode matters, the back-slash becomes its look-alike U+29F5, and what
 * cannot be in it a blank or U+FFFD.
 */
export const comment = (doc: string | undefined): string => {
  if (doc === undefined || doc === "") return ""
  const plain = doc
    .replace(/\p{Cc}+/gu, " ")
    .replaceAll("\\", "\u29f5")
    .replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, "\ufffd")
  const cut = plain.length > commentLengthMax ? `${plain.slice(0, commentLengthMax - 1)}…` : plain
  return ` COMMENT '${cut.replaceAll("'", "''")}'`
}

const columnLine = (columnType: Dialect["columnType"]) => (column: Column): string => {
  const preset = defaultLiteral(column)
  return `${identifier(column.name)} ${columnType(column)} ${column.nullable ? "NULL" : "NOT NULL"}` +
    (preset === undefined ? "" : ` DEFAULT ${preset}`) + comment(column.doc)
}

/** What MySQL and MariaDB spell differently in a table. */
export interface TableSpelling {
  readonly columnType: Dialect["columnType"]
  /** What follows NOT NULL in an invisible column: MariaDB wants it to have a default (4108). */
  readonly invisible: "INVISIBLE" | "DEFAULT 0 INVISIBLE"
}

/**
 * Tributary's own columns are invisible, so that `SELECT *` shows the record's fields alone. The key is the row's origin,
 * or what an upsert finds it by.
 */
export const createTable = ({ columnType, invisible }: TableSpelling) => (plan: TablePlan): string => {
  const line = columnLine(columnType)
  const key = plan.key.length === 0 ? keyColumnNames : plan.key
  const lines = [
    ...plan.columns.map(line),
    ...plan.metadata.map((name) => `${line(metadataColumn(name))} INVISIBLE`),
    `\`_source\` SMALLINT UNSIGNED NOT NULL ${invisible}`,
    `\`_partition\` INT NOT NULL ${invisible}`,
    `\`_offset\` BIGINT NOT NULL ${invisible}`,
    `PRIMARY KEY (${key.map(identifier).join(", ")})`
  ]
  return `CREATE TABLE IF NOT EXISTS ${identifier(plan.table)} (\n  ${lines.join(",\n  ")}\n)` +
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC"
}

import * as Either from "effect/Either"
import { type CatalogColumn, type CatalogTable, charsetOf } from "../CatalogTable.js"
import type { Dialect } from "../Dialect.js"
import { defaultLiteral } from "../mysql/columnTypes.js"
import { comment } from "../mysql/createTable.js"
import type { Column } from "../TablePlan.js"
import { ownCollation, withUtf8 } from "./widening.js"

const text: Column = { from: "value", path: [], name: "", type: { kind: "string" }, nullable: true }

/** Always NULL-able: rows that are there have no value for it, and a later schema may lack it again. */
export const addClause = (dialect: Dialect, table: CatalogTable, column: Column): string => {
  const declared = dialect.columnType(column)
  const type = charsetOf(table) === "utf8mb4" ? declared : withUtf8(declared)
  const preset = defaultLiteral(column)
  return `ADD COLUMN ${dialect.identifier(column.name)} ${type} NULL`
    + (preset === undefined ? "" : ` DEFAULT ${preset}`)
    + comment(column.doc)
}

/** The default as the catalog tells it: without quotes, or the text of an expression. */
const keptDefault = (dialect: Dialect, found: CatalogColumn): string => {
  const { dataType, defaultText, extra } = found
  if (defaultText === null) return ""
  // MariaDB tells them as they are written.
  if (dialect.name === "mariadb") return ` DEFAULT ${defaultText}`
  if (/default_generated/u.test(extra)) {
    return /^current_timestamp/iu.test(defaultText) ? ` DEFAULT ${defaultText}` : ` DEFAULT (${defaultText})`
  }
  // Bits are told as b'1'.
  const literal = dataType === "bit" ? defaultText : Either.getOrElse(dialect.literal(text)(defaultText), () => "NULL")
  return ` DEFAULT ${literal}`
}

/** Of a default in bytes the catalog tells no more than what stands before the first zero byte: no MODIFY can repeat it. */
export const hasHiddenDefault = ({ dataType, defaultText }: CatalogColumn): boolean =>
  defaultText !== null && dataType.endsWith("binary")

/** MODIFY forgets whatever it does not repeat: default, comment, character set, whether the column is visible. */
export const modifyClause = (dialect: Dialect, found: CatalogColumn, change: {
  /** Undefined: as it is. */
  readonly type: string | undefined
  readonly nullable: boolean
}): string => {
  const { extra } = found
  const [onUpdate = ""] = /on update current_timestamp(?:\(\d*\))?/u.exec(extra) ?? []
  return [
    `MODIFY COLUMN ${dialect.identifier(found.name)} ${change.type ?? found.columnType + ownCollation(found)}`,
    change.nullable ? "NULL" : "NOT NULL"
  ].join(" ")
    + keptDefault(dialect, found)
    + (onUpdate === "" ? "" : ` ${onUpdate.toUpperCase()}`)
    + (/auto_increment/u.test(extra) ? " AUTO_INCREMENT" : "")
    + (/\binvisible/u.test(extra) ? " INVISIBLE" : "")
    + comment(found.comment)
}

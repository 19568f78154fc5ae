import type { Dialect } from "../../domain/sql/Dialect.js"
import { type Column, type ColumnType, keyColumnNames, type TablePlan } from "../../domain/sql/TablePlan.js"
import { type CatalogColumn, type CatalogTable, columnNamed } from "./catalog.js"

const anyOf = (found: CatalogColumn, ...types: ReadonlyArray<string>): boolean => types.includes(found.dataType)
const isSigned = (found: CatalogColumn): boolean => !/unsigned/iu.test(found.columnType)
/** LONGTEXT and LONGBLOB have the largest length there is, 4 GiB. */
const holds = (found: CatalogColumn, length: number): boolean => (found.lengthMax ?? 0) >= length
const digitsBefore = (found: CatalogColumn): number =>
  anyOf(found, "decimal") ? (found.precision ?? 0) - (found.scale ?? 0) : 0

const texts = ["varchar", "tinytext", "text", "mediumtext", "longtext"]
const binaries = ["varbinary", "tinyblob", "blob", "mediumblob", "longblob"]
const fractionOf = (unit: "millis" | "micros"): number => unit === "millis" ? 3 : 6
const symbolsOf = (columnType: string): ReadonlyArray<string> =>
  [...columnType.matchAll(/'((?:[^']|'')*)'/gu)].map(([, symbol = ""]) => symbol.replaceAll("''", "'"))

/**
 * Whether every value of the type comes out as it went in, or raises an error: a text longer than a VARCHAR is poison,
 * but a CHAR would lose blanks, a DATETIME of fewer digits would round, and neither would say so.
 */
const takes = (found: CatalogColumn, type: ColumnType): boolean => {
  switch (type.kind) {
    case "null":
      return true // whatever it is: only NULL comes
    case "boolean":
      return anyOf(found, "tinyint", "smallint", "mediumint", "int", "bigint")
    case "int":
      return (anyOf(found, "int", "bigint") && isSigned(found)) || digitsBefore(found) >= 10
    case "long":
    case "nanos":
      return (anyOf(found, "bigint") && isSigned(found)) || digitsBefore(found) >= 19
    case "float":
      return anyOf(found, "float", "double")
    case "double":
      return anyOf(found, "double")
    case "string":
      return anyOf(found, ...texts)
    case "bytes":
      return anyOf(found, ...binaries)
    case "fixed":
      return (anyOf(found, "binary") && found.lengthMax === type.size)
        || (anyOf(found, ...binaries) && holds(found, type.size))
    case "enum": {
      if (anyOf(found, "enum")) return type.symbols.every((symbol) => symbolsOf(found.columnType).includes(symbol))
      return anyOf(found, "char", ...texts) && type.symbols.every((symbol) => holds(found, symbol.length))
    }
    case "uuid":
      return anyOf(found, "char", ...texts) && holds(found, 36)
    case "json":
      return anyOf(found, "json", "longtext")
    case "big-decimal":
      return anyOf(found, ...texts) && holds(found, 255)
    case "hash":
      return anyOf(found, "char", ...texts) && holds(found, 64)
    case "decimal":
      return digitsBefore(found) >= type.precision - type.scale && (found.scale ?? 0) >= type.scale
    case "date":
      return anyOf(found, "date")
    case "time":
      return anyOf(found, "time") && (found.fractionDigits ?? 0) >= fractionOf(type.unit)
    case "timestamp":
      // TIMESTAMP ends in 2038 with an error, and is exact before: the session's time zone is UTC.
      return anyOf(found, "datetime", "timestamp") && (found.fractionDigits ?? 0) >= fractionOf(type.unit)
    case "local-timestamp":
      return anyOf(found, "datetime") && (found.fractionDigits ?? 0) >= fractionOf(type.unit)
  }
}

/** What is wrong with a table, and the statement that puts it right. */
export interface Difference {
  readonly what: string
  readonly cure: string
}

const columnDifference = (
  dialect: Dialect,
  table: CatalogTable,
  alter: string,
  column: Column
): ReadonlyArray<Difference> => {
  const name = dialect.identifier(column.name)
  const declared = `${name} ${dialect.columnType(column)}${column.nullable ? " NULL" : " NOT NULL"}`
  const found = columnNamed(table, column.name)
  if (found === undefined) {
    return [{ what: `column ${column.name} is missing`, cure: `${alter} ADD COLUMN ${declared};` }]
  }
  if (/generated/u.test(found.extra.replace("default_generated", ""))) {
    return [{
      what: `column ${column.name} is generated, so nothing can be written to it`,
      cure: `${alter} DROP COLUMN ${name}, ADD COLUMN ${declared};`
    }]
  }
  if (!takes(found, column.type)) {
    return [{
      what: `column ${column.name} is ${found.columnType}, which does not hold every value of ${
        dialect.columnType(column)
      }`,
      cure: `${alter} MODIFY COLUMN ${declared};`
    }]
  }
  return column.nullable && !found.nullable
    ? [{
      what: `column ${column.name} is NOT NULL, and its field may be null`,
      cure: `${alter} MODIFY COLUMN ${name} ${found.columnType} NULL;`
    }]
    : []
}

/** Columns that the schema lacks and that need a value. */
const unfilled = (dialect: Dialect, plan: TablePlan, table: CatalogTable, alter: string): ReadonlyArray<Difference> => {
  const filled = new Set(plan.columns.map(({ name }) => name.toLowerCase()))
  if (hasKeyColumns(table)) keyColumnNames.forEach((name) => filled.add(name))
  return table.columns
    .filter((column) => !column.nullable && !column.hasDefault && !filled.has(column.name.toLowerCase()))
    .filter((column) => !/auto_increment|generated/u.test(column.extra))
    .map((column) => ({
      what: `column ${column.name} is NOT NULL without a default, and the schema has no such field`,
      cure: `${alter} MODIFY COLUMN ${dialect.identifier(column.name)} ${column.columnType} NULL;`
    }))
}

/** Whether rows can say where they came from. */
export const hasKeyColumns = (table: CatalogTable): boolean =>
  keyColumnNames.every((name) => {
    const found = columnNamed(table, name)
    return found !== undefined && anyOf(found, "smallint", "mediumint", "int", "bigint")
  })

/** All that keeps a table from taking the plan's rows exactly. */
export const differences = (dialect: Dialect, plan: TablePlan, table: CatalogTable): ReadonlyArray<Difference> => {
  const alter = `ALTER TABLE ${dialect.identifier(plan.table)}`
  if (table.type !== "BASE TABLE") {
    return [{ what: `it is a ${table.type.toLowerCase()}`, cure: "choose another table by table.name.format" }]
  }
  const engine = table.engine?.toLowerCase() === "innodb" ? [] : [{
    what: `its engine is ${table.engine ?? "none"}, which has no transactions`,
    cure: `${alter} ENGINE=InnoDB;`
  }]
  return [
    ...engine,
    ...plan.columns.flatMap((column) => columnDifference(dialect, table, alter, column)),
    ...unfilled(dialect, plan, table, alter)
  ]
}

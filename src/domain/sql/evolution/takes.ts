import { type CatalogColumn, charsetOf } from "../CatalogTable.js"
import { bigDecimalLengthMax } from "../literal/decimals.js"
import { decimalTextLength } from "../plan/rowBytes.js"
import type { ColumnType } from "../TablePlan.js"

export const anyOf = (found: CatalogColumn, ...types: ReadonlyArray<string>): boolean => types.includes(found.dataType)
export const isSigned = (found: CatalogColumn): boolean => !/unsigned/iu.test(found.columnType)
/** LONGTEXT and LONGBLOB have the largest length there is, 4 GiB. */
const holds = (found: CatalogColumn, length: number): boolean => (found.lengthMax ?? 0) >= length
const digitsBefore = (found: CatalogColumn): number =>
  anyOf(found, "decimal") ? (found.precision ?? 0) - (found.scale ?? 0) : 0

export const texts = ["varchar", "tinytext", "text", "mediumtext", "longtext"]
export const binaries = ["varbinary", "tinyblob", "blob", "mediumblob", "longblob"]
export const fractionOf = (unit: "millis" | "micros"): number => unit === "millis" ? 3 : 6
export const symbolsOf = (columnType: string): ReadonlyArray<string> =>
  [...columnType.matchAll(/'((?:[^']|'')*)'/gu)].map(([, symbol = ""]) => symbol.replaceAll("''", "'"))

/**
 * Whether every value of the type comes out as it went in, or raises an error: a text longer than a VARCHAR is poison,
 * but a CHAR would lose blanks, a DATETIME of fewer digits would round, and neither would say so.
 */
export const takes = (found: CatalogColumn, type: ColumnType): boolean => {
  switch (type.kind) {
    case "null":
      return true // whatever it is: only NULL comes
    case "boolean":
      return anyOf(found, "tinyint", "smallint", "mediumint", "int", "bigint", "double")
    case "int":
      // A column that a newer schema has made a DOUBLE still takes the older one's whole numbers, all of them exactly.
      return (anyOf(found, "int", "bigint") && isSigned(found)) || anyOf(found, "double") || digitsBefore(found) >= 10
    case "long":
      return takesLong(found)
    case "nanos":
      return type.stored === "bigint" ? takesLong(found) : anyOf(found, "datetime") && found.fractionDigits === 6
    case "float":
      return anyOf(found, "float", "double")
    case "double":
      return anyOf(found, "double")
    case "string":
      return anyOf(found, ...texts) && charsetOf(found) === "utf8mb4" && holds(found, type.length ?? 0)
    case "bytes":
      return anyOf(found, ...binaries) && holds(found, type.length ?? 0)
    case "fixed":
      return (anyOf(found, "binary") && found.lengthMax === type.size)
        || (anyOf(found, ...binaries) && holds(found, type.size))
    case "enum": {
      if (anyOf(found, "enum")) return type.symbols.every((symbol) => symbolsOf(found.columnType).includes(symbol))
      return anyOf(found, "char", ...texts) && type.symbols.every((symbol) => holds(found, symbol.length))
    }
    case "uuid":
      return type.stored === "char"
        ? anyOf(found, "char", ...texts) && holds(found, 36)
        : (anyOf(found, "binary") && found.lengthMax === 16) || (anyOf(found, ...binaries) && holds(found, 16))
    case "json":
      return anyOf(found, "json", "longtext")
    case "big-decimal":
      return anyOf(found, ...texts) && holds(found, bigDecimalLengthMax)
    case "hash":
      return anyOf(found, "char", ...texts) && holds(found, 64)
    case "decimal":
      return type.stored === "varchar"
        ? anyOf(found, ...texts) && holds(found, decimalTextLength(type.precision))
        : digitsBefore(found) >= type.precision - type.scale && (found.scale ?? 0) >= type.scale
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

const takesLong = (found: CatalogColumn): boolean =>
  (anyOf(found, "bigint") && isSigned(found)) || digitsBefore(found) >= 19

import { bigDecimalLengthMax } from "../literal/decimals.js"
import type { Column, ColumnType } from "../TablePlan.js"

/** MySQL's limit for a row without what BLOB and TEXT keep elsewhere (errors 1118 and 1074 beyond it). */
export const rowBytesMax = 65_535
/** InnoDB's limit of columns per table (error 1117), less Tributary's three. */
export const fieldsMax = 1017 - 3

/** InnoDB's limit of an index entry (error 1071). */
export const keyBytesMax = 3_072
/** Characters of a string in a key, or bytes, where the schema says no length. */
export const keyLengthDefault = 255

/** What VARCHAR holds in utf8mb4, in characters, and VARBINARY in bytes (error 1074); what may be longer is a LONG type. */
export const varcharLengthMax = 16_383
export const varbinaryLengthMax = 65_535

/** Sign, point and a zero before it. */
export const decimalTextLength = (precision: number): number => precision + 3

/** Longest enum symbol that the column takes; at least 16, so that a new symbol seldom alters the table. */
export const enumLength = (symbols: ReadonlyArray<string>): number =>
  symbols.reduce((longest, symbol) => Math.max(longest, symbol.length), 16)

/** MySQL packs nine decimal digits into four bytes, the rest into what it needs. */
const packedDigits = (digits: number): number => 4 * Math.floor(digits / 9) + Math.ceil((digits % 9) / 2)

const variable = (bytes: number): number => bytes + (bytes > 255 ? 2 : 1)

/** Kept outside of the row, but for a pointer. */
const longBytes = 12

/** Bytes that MySQL counts for a column, in a row and, as none of a key is a LONG type, in a key. */
export const columnBytes = (type: ColumnType): number => {
  switch (type.kind) {
    case "null":
      return 0
    case "boolean":
      return 1
    case "int":
      return 4
    case "date":
      return 3
    case "long":
    case "nanos":
    case "double":
      return 8
    case "float":
      return type.stored === "float" ? 4 : 8
    case "string":
      return type.length === undefined || type.length > varcharLengthMax ? longBytes : variable(type.length * 4)
    case "bytes":
      return type.length === undefined || type.length > varbinaryLengthMax ? longBytes : variable(type.length)
    case "json":
      return longBytes
    case "big-decimal":
      return variable(bigDecimalLengthMax)
    case "hash":
      return 64
    case "uuid":
      return type.stored === "binary" ? 16 : 36
    case "enum":
      if (type.stored === "enum") return type.symbols.length > 255 ? 2 : 1
      return variable(enumLength(type.symbols))
    case "fixed":
      return type.size <= 255 ? type.size : type.size <= varbinaryLengthMax ? variable(type.size) : longBytes
    case "decimal":
      if (type.stored === "varchar") return variable(decimalTextLength(type.precision))
      return packedDigits(type.precision - type.scale) + packedDigits(type.scale)
    case "time":
      return type.unit === "millis" ? 5 : 6
    case "timestamp":
    case "local-timestamp":
      return type.unit === "millis" ? 7 : 8
  }
}

/** Bytes that MySQL counts for a row of these columns and Tributary's key. */
export const rowBytes = (columns: ReadonlyArray<Column>): number => {
  const key = 2 + 4 + 8
  const nullBytes = Math.ceil(columns.filter((column) => column.nullable).length / 8)
  return columns.reduce((sum, column) => sum + columnBytes(column.type), key + nullBytes)
}

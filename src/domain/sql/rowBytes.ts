import type { Column, ColumnType } from "./TablePlan.js"

/** MySQL's limit for a row without what BLOB and TEXT keep elsewhere (errors 1118 and 1074 beyond it). */
export const rowBytesMax = 65_535
/** InnoDB's limit of columns per table (error 1117), less Tributary's three. */
export const fieldsMax = 1017 - 3

/** Longest enum symbol that the column takes; at least 16, so that a new symbol seldom alters the table. */
export const enumLength = (symbols: ReadonlyArray<string>): number =>
  symbols.reduce((longest, symbol) => Math.max(longest, symbol.length), 16)

/** MySQL packs nine decimal digits into four bytes, the rest into what it needs. */
const packedDigits = (digits: number): number => 4 * Math.floor(digits / 9) + Math.ceil((digits % 9) / 2)

const variable = (bytes: number): number => bytes + (bytes > 255 ? 2 : 1)

const columnBytes = (type: ColumnType): number => {
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
    case "float":
    case "double":
      return 8
    case "string":
    case "bytes":
      return 12
    case "json":
      return 12
    case "big-decimal":
      return variable(255)
    case "hash":
      return 64
    case "uuid":
      return 36
    case "enum":
      return variable(enumLength(type.symbols))
    case "fixed":
      return type.size <= 255 ? type.size : type.size <= 65_535 ? variable(type.size) : 12
    case "decimal":
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

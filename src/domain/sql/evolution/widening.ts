import { type CatalogColumn, charsetOf } from "../CatalogTable.js"
import type { Dialect } from "../Dialect.js"
import { bigDecimalLengthMax } from "../literal/decimals.js"
import { decimalTextLength, enumLength, varbinaryLengthMax } from "../plan/rowBytes.js"
import type { Column } from "../TablePlan.js"
import { anyOf, binaries, fractionOf, isSigned, symbolsOf, texts } from "./takes.js"

/** A larger type, in which every value that the column may hold stays what it is. */
export interface Widening {
  /** With its character set; without NULL, default and the rest. */
  readonly type: string
  readonly cost: "instant" | "inplace" | "copy"
}

/** Columns of at most so many bytes have one byte of length before each value, longer ones two (proved on 9.7). */
const shortBytesMax = 255
const bytesPerCharacter: Readonly<Record<string, number>> = { ascii: 1, latin1: 1, binary: 1, utf8mb3: 3, utf8: 3 }

/** The column's own character set and collation: changing those changes how its values compare. */
export const ownCollation = (found: CatalogColumn): string =>
  found.collation === null ? "" : ` CHARACTER SET ${charsetOf(found)} COLLATE ${found.collation}`

const longer = (found: CatalogColumn, length: number, bytesEach: number): Widening["cost"] => {
  const isShort = (characters: number): boolean => characters * bytesEach <= shortBytesMax
  return isShort(found.lengthMax ?? 0) === isShort(length) ? "inplace" : "copy"
}

const longerText = (found: CatalogColumn, length: number): Widening | undefined => {
  const type = `${found.dataType.toUpperCase()}(${length})${ownCollation(found)}`
  if (anyOf(found, "char")) return { type, cost: "copy" }
  return anyOf(found, "varchar")
    ? { type, cost: longer(found, length, bytesPerCharacter[charsetOf(found)] ?? 4) }
    : undefined
}

const longerBinary = (found: CatalogColumn, length: number): Widening | undefined => {
  if (!anyOf(found, "binary", ...binaries) || (found.lengthMax ?? 0) >= length) return undefined
  // Never a longer BINARY: that would fill up the values that are there with zero bytes.
  if (length > varbinaryLengthMax) return { type: "LONGBLOB", cost: "copy" }
  const cost = anyOf(found, "varbinary") ? longer(found, length, 1) : "copy"
  return { type: `VARBINARY(${length})`, cost }
}

/** MySQL numbers the symbols of an ENUM in one byte as far as that goes, then in two. */
const oneByte = (count: number): boolean => count <= 255

const moreSymbols = (found: CatalogColumn, symbols: ReadonlyArray<string>): Widening => {
  const before = symbolsOf(found.columnType)
  // At the end: a symbol in between would change the numbers of those behind it, which are what the rows hold.
  const all = [...before, ...symbols.filter((symbol) => !before.includes(symbol))]
  const quoted = all.map((symbol) => `'${symbol.replaceAll("'", "''")}'`).join(",")
  return {
    type: `ENUM(${quoted})${ownCollation(found)}`,
    cost: oneByte(before.length) === oneByte(all.length) ? "instant" : "copy"
  }
}

const smallIntegers = ["tinyint", "smallint", "mediumint"]

const integer = (found: CatalogColumn, kind: "int" | "long"): Widening | undefined => {
  if (anyOf(found, ...smallIntegers)) return { type: kind === "int" ? "INT" : "BIGINT", cost: "copy" }
  return anyOf(found, "int") ? { type: "BIGINT", cost: "copy" } : undefined
}

/** Every INT is a DOUBLE of the same value; not every BIGINT is. */
const double = (found: CatalogColumn): Widening | undefined =>
  anyOf(found, "float", "int", ...smallIntegers) ? { type: "DOUBLE", cost: "copy" } : undefined

const decimal = (found: CatalogColumn, precision: number, scale: number): Widening | undefined => {
  if (!anyOf(found, "decimal") || !isSigned(found)) return undefined
  const [ownPrecision, ownScale] = [found.precision ?? 0, found.scale ?? 0]
  const scaleMax = Math.max(scale, ownScale)
  const total = Math.max(precision - scale, ownPrecision - ownScale) + scaleMax
  return total <= 65 && scaleMax <= 30 ? { type: `DECIMAL(${total}, ${scaleMax})`, cost: "copy" } : undefined
}

const moreDigits = (found: CatalogColumn, digits: number, ...families: ReadonlyArray<string>): Widening | undefined =>
  anyOf(found, ...families) && (found.fractionDigits ?? 0) < digits
    ? { type: `${found.dataType.toUpperCase()}(${digits})`, cost: "copy" }
    : undefined

/** Undefined where the column would have to become narrower, or another type altogether. */
export const widened = (dialect: Dialect, found: CatalogColumn, column: Column): Widening | undefined => {
  const { type } = column
  switch (type.kind) {
    case "int":
    case "long":
      return integer(found, type.kind)
    case "nanos":
      return type.stored === "bigint" ? integer(found, "long") : moreDigits(found, 6, "datetime")
    case "float":
      return type.stored === "double" ? double(found) : undefined
    case "double":
      return double(found)
    case "string":
      if (!anyOf(found, ...texts)) return undefined
      return charsetOf(found) === "utf8mb4"
        ? longerText(found, type.length ?? 0)
        : { type: withUtf8(dialect.columnType(column)), cost: "copy" }
    case "bytes":
      return longerBinary(found, type.length ?? 0)
    case "fixed":
      return longerBinary(found, type.size)
    case "enum":
      return anyOf(found, "enum") ? moreSymbols(found, type.symbols) : longerText(found, enumLength(type.symbols))
    case "uuid":
      return type.stored === "char" ? longerText(found, 36) : undefined
    case "big-decimal":
      return longerText(found, bigDecimalLengthMax)
    case "hash":
      return longerText(found, 64)
    case "decimal":
      return type.stored === "varchar"
        ? longerText(found, decimalTextLength(type.precision))
        : decimal(found, type.precision, type.scale)
    case "time":
      return moreDigits(found, fractionOf(type.unit), "time")
    case "timestamp":
      return moreDigits(found, fractionOf(type.unit), "datetime", "timestamp")
    case "local-timestamp":
      return moreDigits(found, fractionOf(type.unit), "datetime")
    case "null":
    case "boolean":
    case "json":
    case "date":
      return undefined
  }
}

/** A text type that does not say its character set gets the table's, which may be another. */
export const withUtf8 = (type: string): string =>
  /^(?:LONGTEXT|VARCHAR|TEXT)\b(?!.*(?:CHARACTER SET|COLLATE))/u.test(type) ? `${type} CHARACTER SET utf8mb4` : type

import * as Either from "effect/Either"
import type { AvroSchema, LogicalType } from "../../avro/AvroSchema.js"
import type { TypeOptions } from "../../TopicSettings.js"
import { keyBytesMax, keyLengthDefault } from "./rowBytes.js"
import type { ColumnType } from "../TablePlan.js"

/** MySQL's limits of DECIMAL. */
const decimalPrecisionMax = 65
const decimalScaleMax = 30
/** Ours for a decimal that is stored as text. */
const textPrecisionMax = 10_000
/** MySQL's limits of ENUM, in symbols and in characters of a symbol (errors 1097 and 3505). */
const enumSymbolsMax = 65_535
const enumSymbolLengthMax = 255

/** A type that has no column: what it is, and what the owner of the topic can do. */
export interface NoColumn {
  readonly what: string
  readonly cure: string
}

export interface Mapped {
  readonly type: ColumnType
  readonly nullable: boolean
}

/** The type in the words of the schema, short: definitions by their name only. */
export const describe = (schema: AvroSchema): string => {
  switch (schema.type) {
    case "array":
      return `array of ${describe(schema.items)}`
    case "map":
      return `map of ${describe(schema.values)}`
    case "union":
      return `union of ${schema.branches.map(describe).join(", ")}`
    case "record":
    case "reference":
      return `record ${schema.name}`
    case "enum":
      return `enum ${schema.name}`
    case "fixed":
      return `fixed ${schema.name}${annotation(schema.logical)}`
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "bytes":
      return `${schema.type}${annotation(schema.logical)}`
  }
}

const annotation = (logical: LogicalType | undefined): string => {
  if (logical === undefined) return ""
  return logical.name === "decimal" ? ` (decimal(${logical.precision}, ${logical.scale}))` : ` (${logical.name})`
}

/** A schema of a single value; of the rest only JSON can hold them. */
export type Leaf = Exclude<AvroSchema, { readonly type: "array" | "map" | "union" | "record" | "reference" }>

/** The options that choose between columns; whether one allows a type at all is `problemOf`'s to say. */
export type LeafOptions = Pick<TypeOptions, "float" | "enumeration" | "uuid" | "nanos">

const isLeaf = (schema: AvroSchema): schema is Leaf =>
  !["array", "map", "union", "record", "reference"].includes(schema.type)

const decimal = (precision: number, scale: number): ColumnType => ({
  kind: "decimal",
  precision,
  scale,
  stored: precision <= decimalPrecisionMax && scale <= decimalScaleMax ? "decimal" : "varchar"
})

const logicalType = (schema: Leaf, logical: LogicalType, options: LeafOptions): ColumnType => {
  switch (logical.name) {
    case "decimal":
      return decimal(logical.precision, logical.scale)
    case "big-decimal":
      return { kind: "big-decimal" }
    case "uuid":
      return { kind: "uuid", stored: options.uuid }
    case "date":
      return { kind: "date" }
    case "time-millis":
      return { kind: "time", unit: "millis" }
    case "time-micros":
      return { kind: "time", unit: "micros" }
    case "timestamp-millis":
      return { kind: "timestamp", unit: "millis" }
    case "timestamp-micros":
      return { kind: "timestamp", unit: "micros" }
    case "local-timestamp-millis":
      return { kind: "local-timestamp", unit: "millis" }
    case "local-timestamp-micros":
      return { kind: "local-timestamp", unit: "micros" }
    case "timestamp-nanos":
    case "local-timestamp-nanos":
      return { kind: "nanos", stored: options.nanos }
    case "duration":
      return { kind: "json", schema }
  }
}

/** The column type of a schema of one value. A duration is three numbers, so it is JSON. */
export const leafType = (schema: Leaf, options: LeafOptions): ColumnType => {
  if ("logical" in schema && schema.logical !== undefined) return logicalType(schema, schema.logical, options)
  switch (schema.type) {
    case "enum":
      return { kind: "enum", symbols: schema.symbols, stored: options.enumeration }
    case "fixed":
      return { kind: "fixed", size: schema.size }
    case "float":
      return { kind: "float", stored: options.float }
    case "string":
    case "bytes":
      return schema.maxLength === undefined ? { kind: schema.type } : { kind: schema.type, length: schema.maxLength }
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "double":
      return { kind: schema.type }
  }
}

/** What no column, or none that the options allow, can hold exactly. */
const problemOf = (type: ColumnType, options: TypeOptions): NoColumn | undefined => {
  if (type.kind === "decimal" && type.stored === "varchar") return wideDecimalProblem(type, options)
  if (type.kind !== "enum" || type.stored !== "enum") return undefined
  return type.symbols.length > enumSymbolsMax || type.symbols.some((symbol) => symbol.length > enumSymbolLengthMax)
    ? {
      what: `MySQL's ENUM takes ${enumSymbolsMax} symbols of ${enumSymbolLengthMax} characters, this enum has more`,
      cure: "set types.enum=varchar, which is the default"
    }
    : undefined
}

const wideDecimalProblem = (
  { precision, scale }: { readonly precision: number; readonly scale: number },
  options: TypeOptions
): NoColumn | undefined => {
  if (precision > textPrecisionMax) {
    return {
      what: `decimal(${precision}, ${scale}) has more than ${textPrecisionMax} digits`,
      cure: "declare a smaller precision, or send the number as a string"
    }
  }
  return options.wideDecimal === "varchar" ? undefined : {
    what: `decimal(${precision}, ${scale}) is beyond DECIMAL(${decimalPrecisionMax}, ${decimalScaleMax})`,
    cure: "declare a smaller precision and scale, or set types.decimal.beyond=varchar, which keeps the digits as text"
  }
}

/** As part of a key: text and bytes need a length; what is not found again by its literal is refused. */
const keyType = (type: ColumnType): Either.Either<ColumnType, NoColumn> => {
  switch (type.kind) {
    case "string":
      return Either.right({ kind: "string", length: type.length ?? keyLengthDefault, key: true })
    case "bytes":
      return Either.right({ kind: "bytes", length: type.length ?? keyLengthDefault })
    case "json":
    case "null":
    case "float":
    case "double":
      return Either.left({
        what: `a value of kind ${type.kind} cannot be part of a key`,
        cure: "choose other key fields, or send it as a string"
      })
    case "fixed":
      return type.size <= keyBytesMax ? Either.right(type) : Either.left({
        what: `${type.size} bytes cannot be part of a key, InnoDB takes ${keyBytesMax}`,
        cure: "choose other key fields"
      })
    case "nanos":
      return type.stored === "bigint" ? Either.right(type) : Either.left({
        what: "cut off to microseconds, different keys would become one",
        cure: "set types.nanos=bigint, which is the default, or choose other key fields"
      })
    case "boolean":
    case "int":
    case "long":
    case "enum":
    case "uuid":
    case "decimal":
    case "big-decimal":
    case "date":
    case "time":
    case "timestamp":
    case "local-timestamp":
    case "hash":
      return Either.right(type)
  }
}

/**
 * The column that a schema needs. A union of one type and null, in any order, is that type, NULL allowed. `root` is the
 * schema in which a record inside itself is defined, where that is not `schema`.
 */
export const columnOf = (
  schema: AvroSchema,
  options: TypeOptions,
  key: boolean,
  root: AvroSchema = schema
): Either.Either<Mapped, NoColumn> => {
  const branches = schema.type === "union" ? schema.branches : [schema]
  const [first = nullSchema, ...others] = branches.filter((branch) => branch.type !== "null")
  const type: ColumnType = others.length === 0 && isLeaf(first)
    ? leafType(first, options)
    : { kind: "json", schema: others.length === 0 ? first : schema, root }
  const problem = problemOf(type, options)
  if (problem !== undefined) return Either.left(problem)
  const nullable = branches.some((branch) => branch.type === "null")
  return Either.map(key ? keyType(type) : Either.right(type), (mapped) => ({ type: mapped, nullable }))
}

const nullSchema: AvroSchema = { type: "null" }

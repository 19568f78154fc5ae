import * as Either from "effect/Either"
import type { AvroSchema, LogicalType } from "../avro/AvroSchema.js"
import type { ColumnType } from "./TablePlan.js"

/** MySQL's limits of DECIMAL. */
const decimalPrecisionMax = 65
const decimalScaleMax = 30

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

const notMapped = (schema: AvroSchema): Either.Either<never, NoColumn> =>
  Either.left({
    what: `type ${describe(schema)} is not mapped to a column`,
    cure: "take the topic out of kafka.topics, or the field out of the schema"
  })

const decimal = (precision: number, scale: number): Either.Either<ColumnType, NoColumn> =>
  precision <= decimalPrecisionMax && scale <= decimalScaleMax
    ? Either.right({ kind: "decimal", precision, scale, stored: "decimal" })
    : Either.left({
      what: `decimal(${precision}, ${scale}) is beyond DECIMAL(${decimalPrecisionMax}, ${decimalScaleMax})`,
      cure: "declare a smaller precision and scale, or send the number as a string, which is stored as text"
    })

const logicalColumn = (schema: AvroSchema, logical: LogicalType): Either.Either<ColumnType, NoColumn> => {
  switch (logical.name) {
    case "decimal":
      return decimal(logical.precision, logical.scale)
    case "uuid":
      return Either.right({ kind: "uuid", stored: "char" })
    case "date":
      return Either.right({ kind: "date" })
    case "time-millis":
      return Either.right({ kind: "time", unit: "millis" })
    case "time-micros":
      return Either.right({ kind: "time", unit: "micros" })
    case "timestamp-millis":
      return Either.right({ kind: "timestamp", unit: "millis" })
    case "timestamp-micros":
      return Either.right({ kind: "timestamp", unit: "micros" })
    case "local-timestamp-millis":
      return Either.right({ kind: "local-timestamp", unit: "millis" })
    case "local-timestamp-micros":
      return Either.right({ kind: "local-timestamp", unit: "micros" })
    case "timestamp-nanos":
    case "local-timestamp-nanos":
      return Either.right({ kind: "nanos", stored: "bigint" })
    case "big-decimal":
    case "duration":
      return notMapped(schema)
  }
}

/** The column type of a schema that is not a union. */
const plainColumn = (schema: AvroSchema): Either.Either<ColumnType, NoColumn> => {
  switch (schema.type) {
    case "enum":
      return Either.right({ kind: "enum", symbols: schema.symbols, stored: "varchar" })
    case "fixed":
      return schema.logical === undefined
        ? Either.right({ kind: "fixed", size: schema.size })
        : logicalColumn(schema, schema.logical)
    case "array":
    case "map":
    case "record":
    case "reference":
    case "union":
      return notMapped(schema)
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "string":
    case "bytes":
      if (schema.logical !== undefined) return logicalColumn(schema, schema.logical)
      if (schema.type === "float") return Either.right({ kind: "float", stored: "double" })
      return Either.right<ColumnType>({ kind: schema.type })
  }
}

/** The column that a field's schema needs. A union of one type and null, in either order, is that type, NULL allowed. */
export const columnOf = (schema: AvroSchema): Either.Either<Mapped, NoColumn> => {
  if (schema.type !== "union") {
    return Either.map(plainColumn(schema), (type) => ({ type, nullable: type.kind === "null" }))
  }
  const [first, ...others] = schema.branches.filter((branch) => branch.type !== "null")
  if (others.length > 0) return notMapped(schema)
  if (first === undefined) return Either.right({ type: { kind: "null" }, nullable: true })
  return Either.map(plainColumn(first), (type) => ({ type, nullable: schema.branches.length > 1 }))
}

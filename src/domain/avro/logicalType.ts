import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { LogicalType } from "./AvroSchema.js"

/** The underlying type that a logical type annotates. `size` of a fixed, else undefined. */
export interface Underlying {
  readonly type: string
  readonly size?: number
}

const DecimalAttributes = Schema.Struct({
  precision: Schema.Int.pipe(Schema.positive()),
  scale: Schema.optionalWith(Schema.NonNegativeInt, { default: () => 0 })
}).pipe(Schema.filter(({ precision, scale }) => scale <= precision))
const decodeDecimal = Schema.decodeUnknownOption(DecimalAttributes)

/** Most decimal digits that every number of a fixed of `size` bytes can hold (specification, section Decimal). */
const digitsOfFixedMax = (size: number): number => Math.floor(Math.log10(2) * (8 * size - 1))

const decimalOf = (node: unknown, { size }: Underlying): LogicalType | undefined =>
  decodeDecimal(node).pipe(
    Option.filter(({ precision }) => size === undefined || precision <= digitsOfFixedMax(size)),
    Option.map(({ precision, scale }): LogicalType => ({ name: "decimal", precision, scale })),
    Option.getOrUndefined
  )

/**
 * The logical type that a type node asks for, or undefined where it asks for none, an unknown one, or one that does not
 * fit: the specification says that such a value is read as its underlying type.
 */
export const logicalTypeOf = (name: unknown, node: unknown, underlying: Underlying): LogicalType | undefined => {
  const on = (type: string, size?: number): boolean => underlying.type === type && underlying.size === size
  switch (name) {
    case "decimal":
      return on("bytes") || underlying.type === "fixed" ? decimalOf(node, underlying) : undefined
    case "big-decimal":
      return on("bytes") ? { name } : undefined
    case "uuid":
      return on("string") || on("fixed", 16) ? { name } : undefined
    case "date":
    case "time-millis":
      return on("int") ? { name } : undefined
    case "time-micros":
    case "timestamp-millis":
    case "timestamp-micros":
    case "timestamp-nanos":
    case "local-timestamp-millis":
    case "local-timestamp-micros":
    case "local-timestamp-nanos":
      return on("long") ? { name } : undefined
    case "duration":
      return on("fixed", 12) ? { name } : undefined
    default:
      return undefined
  }
}

const decodeMaxLength = Schema.decodeUnknownOption(Schema.Struct({ maxLength: Schema.Int.pipe(Schema.positive()) }))

/**
 * The most characters of a string, or bytes: Avro has no attribute for it, Hive and Trino write `maxLength` (for their
 * logical types `varchar` and `char`). Ignored where it is no such number.
 */
export const maxLengthOf = (type: string, node: unknown): { readonly maxLength?: number } =>
  type === "string" || type === "bytes" ? Option.getOrElse(decodeMaxLength(node), () => ({})) : {}

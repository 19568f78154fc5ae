import type { LogicalType } from "./AvroSchema.js"

/** Of a type, as its node in the schema says them. */
type Attributes = { readonly [attribute: string]: unknown }

/** The underlying type that a logical type annotates. `size` of a fixed, else undefined. */
export interface Underlying {
  readonly type: string
  readonly size?: number
}

const isPositive = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0

/** Most decimal digits that every number of a fixed of `size` bytes can hold (specification, section Decimal). */
const digitsOfFixedMax = (size: number): number => Math.floor(Math.log10(2) * (8 * size - 1))

const decimalOf = ({ precision, scale = 0 }: Attributes, { size }: Underlying): LogicalType | undefined =>
  isPositive(precision) && (scale === 0 || isPositive(scale)) && scale <= precision &&
    (size === undefined || precision <= digitsOfFixedMax(size))
    ? { name: "decimal", precision, scale }
    : undefined

/**
 * The logical type that a type node asks for, or undefined where it asks for none, an unknown one, or one that does not
 * fit: the specification says that such a value is read as its underlying type.
 */
export const logicalTypeOf = (name: unknown, node: Attributes, underlying: Underlying): LogicalType | undefined => {
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

/**
 * The most characters of a string, or bytes: Avro has no attribute for it, Hive and Trino write `maxLength` (for their
 * logical types `varchar` and `char`). Ignored where it is no such number.
 */
export const maxLengthOf = (type: string, { maxLength }: Attributes): { readonly maxLength?: number } =>
  (type === "string" || type === "bytes") && isPositive(maxLength) ? { maxLength } : {}

import type { AvroSchema } from "./AvroSchema.js"

/**
 * Work is what a value costs, in units of about 70 ns: the time to decode it and to write it into a JSON document. It is
 * counted while a record is decoded, so that one that asks for too much ends there. bench/eventLoop.ts measures what the
 * weights promise.
 */
const workMax = 700_000

/**
 * How much `bytes` bytes may ask for. Nearly every value takes a byte, so the first part bounds what takes none (an array
 * of a billion nulls fits into six bytes), and is never reached by what a serializer writes. The second is about 50 ms.
 */
export const workMaxOf = (bytes: number): number => Math.min(10_000 + 32 * bytes, workMax)

export const tooMuchWork = "it holds more values than a record of its size may"

/** Of a map's entry, beside its value: the keys of an object are hashed, and a large object is copied as it grows. */
export const entryWeight = 16

const weights: Readonly<Record<AvroSchema["type"], number>> = {
  null: 5,
  boolean: 5,
  int: 6,
  long: 7,
  float: 20,
  double: 5,
  enum: 5,
  string: 9,
  bytes: 9,
  fixed: 12,
  array: 9,
  map: 6,
  union: 2,
  record: 5,
  reference: 5
}

/** Texts of another form than the value's. */
const logicalWeights: Readonly<Record<string, number>> = {
  decimal: 10,
  "big-decimal": 70,
  uuid: 12,
  date: 11,
  duration: 24
}
const timeWeight = 25

/** Items that are written all at once (`jsonLiteral`). */
const itemWeights: Readonly<Record<string, number>> = { boolean: 2, int: 1, long: 7, string: 6 }

/** Of a value, without what lies in an array, map or record. */
export const weightOf = (schema: AvroSchema): number => {
  if (schema.type === "union") return weights.union + Math.max(...schema.branches.map(weightOf), 0)
  if (!("logical" in schema) || schema.logical === undefined) return weights[schema.type]
  return logicalWeights[schema.logical.name] ?? timeWeight
}

export const itemWeightOf = (items: AvroSchema): number => {
  const plain = "logical" in items && items.logical !== undefined ? undefined : itemWeights[items.type]
  return plain ?? weightOf(items)
}

/** Beyond this many bytes a decimal is refused by its length. */
const decimalBytesMax = 8_400

/** Of a decimal's bytes, beside its weight: the time to write digits grows with the square of their number. */
export const decimalWork = (bytes: number): number => {
  const length = Math.min(bytes, decimalBytesMax)
  return 2 * length + Math.floor(length * length / 800)
}

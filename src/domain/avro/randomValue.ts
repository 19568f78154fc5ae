import * as Either from "effect/Either"
import { shortestTwosComplement, twosComplement } from "../datasets/record.js"
import type { SeededRandom } from "../random.js"
import { AvroRefused } from "./AvroRefused.js"
import type { AvroSchema, LogicalType, RecordSchema } from "./AvroSchema.js"
import { branchName, isWide, type Records, recordsOf } from "./unions.js"

/**
 * From this depth on arrays and maps stay empty and unions take the branch that ends soonest; on the way there both grow
 * likelier, so that a schema that branches a lot does not make values of millions of parts.
 */
const depthMax = 6
const textLengthMax = 16
const bytesMax = 24
const dayMs = 86_400_000
/** 2026-01-01T00:00:00Z; times lie within the year after it. */
const startMs = 1_767_225_600_000
const letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 äéß東😀'\"\\"

/**
 * Makes valid values of a schema, as `AvroCodec.encode` takes them, the same ones for the same random stream. Values of
 * logical types are valid for these too: a decimal keeps to its precision, a time of day to its day. Refused: a record
 * that always contains another one of itself has no value.
 */
export const randomValues = (schema: AvroSchema): Either.Either<(random: SeededRandom) => unknown, AvroRefused> => {
  const records = recordsOf(schema)
  const known = { records, heights: heightsOf(records) }
  if (heightOf(schema, known.heights) < Infinity) return Either.right((random) => valueOf(schema, random, known, 0))
  return Either.left(new AvroRefused({ where: "", what: "every value of it contains itself, without an end" }))
}

interface Known {
  /** By name. */
  readonly records: Records
  readonly heights: Heights
}

/** How many records lie in one another in the flattest value of a record; none of a record that has no value. */
type Heights = ReadonlyMap<string, number>

const heightsOf = (records: Known["records"]): Heights => {
  const heights = new Map<string, number>()
  for (let found = true; found;) {
    found = false
    for (const [name, { fields }] of records) {
      const height = 1 + Math.max(0, ...fields.map((field) => heightOf(field.schema, heights)))
      if (height >= (heights.get(name) ?? Infinity)) continue
      heights.set(name, height)
      found = true
    }
  }
  return heights
}

const heightOf = (schema: AvroSchema, heights: Heights): number => {
  if (schema.type === "union") return Math.min(...schema.branches.map((branch) => heightOf(branch, heights)))
  return schema.type === "record" || schema.type === "reference" ? heights.get(schema.name) ?? Infinity : 0
}

const valueOf = (schema: AvroSchema, random: SeededRandom, known: Known, depth: number): unknown => {
  switch (schema.type) {
    case "null":
      return null
    case "boolean":
      return random.oneIn(2)
    case "int":
      return intOf(schema.logical, random)
    case "long":
      return longOf(schema.logical, random)
    case "float":
      return Math.fround(random.fraction() * 2_000 - 1_000)
    case "double":
      return random.fraction() * 2_000_000 - 1_000_000
    case "string":
      return schema.logical?.name === "uuid" ? uuid(random) : text(random)
    case "bytes":
      return bytesOf(schema.logical, random)
    case "fixed":
      return schema.logical?.name === "decimal"
        ? twosComplement(unscaled(schema.logical.precision, random), schema.size)
        : random.bytes(schema.size)
    case "enum":
      return schema.symbols[random.integer(0, schema.symbols.length - 1)]
    case "array":
      return several(random, depth).map(() => valueOf(schema.items, random, known, depth + 1))
    case "map":
      return Object.fromEntries(
        several(random, depth).map((index) => [`key${index}`, valueOf(schema.values, random, known, depth + 1)])
      )
    case "union":
      return unionOf(schema.branches, random, known, depth)
    case "record":
      return recordOf(schema, random, known, depth)
    case "reference": {
      const record = known.records.get(schema.name)
      return record === undefined ? null : recordOf(record, random, known, depth)
    }
  }
}

const recordOf = (schema: RecordSchema, random: SeededRandom, known: Known, depth: number): unknown =>
  Object.fromEntries(schema.fields.map((field) => [field.name, valueOf(field.schema, random, known, depth + 1)]))

const unionOf = (
  branches: ReadonlyArray<AvroSchema>,
  random: SeededRandom,
  known: Known,
  depth: number
): unknown => {
  const heights = branches.map((branch) => heightOf(branch, known.heights))
  const heightMax = random.integer(1, depthMax) <= depth ? Math.min(...heights) : Number.MAX_VALUE
  const choices = branches.filter((_, index) => (heights[index] ?? Infinity) <= heightMax)
  const branch = choices[random.integer(0, choices.length - 1)]
  if (branch === undefined) return null
  const value = valueOf(branch, random, known, depth)
  return isWide(branches) && branch.type !== "null" ? { [branchName(branch)]: value } : value
}

const several = (random: SeededRandom, depth: number): ReadonlyArray<number> =>
  Array.from({ length: random.integer(0, Math.max(0, Math.ceil((depthMax - depth) / 2))) }, (_, index) => index)

const intOf = (logical: LogicalType | undefined, random: SeededRandom): number => {
  if (logical?.name === "date") return Math.floor(startMs / dayMs) + random.integer(0, 364)
  if (logical?.name === "time-millis") return random.integer(0, dayMs - 1)
  return random.integer(-2_147_483_648, 2_147_483_647)
}

const ticksPerMs: Readonly<Record<string, bigint>> = { millis: 1n, micros: 1_000n, nanos: 1_000_000n }

const longOf = (logical: LogicalType | undefined, random: SeededRandom): bigint => {
  const ticks = ticksPerMs[/(millis|micros|nanos)$/.exec(logical?.name ?? "")?.[1] ?? ""]
  if (ticks === undefined) return random.int64()
  const ms = BigInt(random.integer(0, dayMs - 1))
  if (logical?.name === "time-micros") return ms * ticks
  return (BigInt(startMs) + BigInt(random.integer(0, 364)) * BigInt(dayMs) + ms) * ticks
}

const bytesOf = (logical: LogicalType | undefined, random: SeededRandom): Buffer => {
  if (logical?.name === "decimal") return shortestTwosComplement(unscaled(logical.precision, random))
  if (logical?.name !== "big-decimal") return random.bytes(random.integer(0, bytesMax))
  // The specification's big-decimal: the unscaled value as Avro bytes, then the scale as an Avro int.
  const digits = shortestTwosComplement(unscaled(18, random))
  return Buffer.concat([Buffer.of(digits.length * 2), digits, Buffer.of(random.integer(0, 10) * 2)])
}

const unscaled = (precision: number, random: SeededRandom): bigint => {
  const limit = 10n ** BigInt(precision)
  let number = 0n
  for (let bits = 0; bits < precision * 4; bits += 32) number = (number << 32n) | BigInt(random.uint32())
  return random.oneIn(2) ? number % limit : -(number % limit)
}

const uuid = (random: SeededRandom): string =>
  random.bytes(16).toString("hex").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5")

const symbols = Array.from(letters)

const text = (random: SeededRandom): string =>
  Array.from({ length: random.integer(0, textLengthMax) }, () => symbols[random.integer(0, symbols.length - 1)])
    .join("")

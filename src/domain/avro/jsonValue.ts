import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { setOwn } from "../ownProperty.js"
import { valueDepthMax } from "./AvroInput.js"
import type { AvroSchema, RecordField, RecordSchema } from "./AvroSchema.js"
import { branchName, isWide, type Records, recordsOf } from "./unions.js"
import { decimalWork, entryWeight, tooMuchWork, weightOf, workMaxOf } from "./work.js"

/**
 * Values of a schema from JSON that `parseExactJson` has read, as a decoder gives them; else why not, without quoting.
 *
 * Avro's own JSON encoding: bytes are a string with one character per byte, a value of a union beside null stands in an
 * object under its branch's name. Beyond it: a union's value may stand there plain where just one branch takes it, fields
 * that the schema does not have are passed over, and missing ones take their defaults.
 */
export const jsonReader = (schema: AvroSchema): (json: unknown, bytes: number) => Either.Either<unknown, string> => {
  const records = recordsOf(schema)
  return (json, bytes) => new Converter(records, "tagged", workMaxOf(bytes)).whole(schema, json)
}

/** The default of a field, which for a union is the first branch that takes it, without its name. */
export const defaultValue = (schema: AvroSchema, json: unknown, records: Records): Either.Either<unknown, string> =>
  new Converter(records, "plain", defaultWorkMax).whole(schema, json)

/** Far more than anybody writes into a schema. */
const defaultWorkMax = 100_000

const int32 = (value: unknown): value is number => typeof value === "number" && (value | 0) === value
const special: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, "-Infinity": -Infinity }

/** Values come back as themselves, and as undefined, which none of them is, where the JSON does not fit. */
class Converter {
  private readonly records: Records
  private readonly unions: "tagged" | "plain"
  private work: number
  private why = ""

  constructor(records: Records, unions: "tagged" | "plain", work: number) {
    this.records = records
    this.unions = unions
    this.work = work
  }

  whole(schema: AvroSchema, json: unknown): Either.Either<unknown, string> {
    const value = this.value(schema, json, 0)
    if (this.work < 0) return Either.left(tooMuchWork)
    return value === undefined ? Either.left(this.why) : Either.right(value)
  }

  private value(schema: AvroSchema, json: unknown, depth: number): unknown {
    // Branches of unions are tried, each with all that lies in it: without a bound, that is exponential in the depth.
    this.work -= weightOf(schema)
    if (this.work < 0) return undefined
    if (depth > valueDepthMax) return this.wrong(`values are nested deeper than ${valueDepthMax}`)
    switch (schema.type) {
      case "array":
        return Array.isArray(json) ? this.array(schema.items, json, depth) : this.unfit(schema)
      case "map":
        return isObject(json) ? this.map(schema.values, json, depth) : this.unfit(schema)
      case "record":
        return isObject(json) ? this.record(schema, json, depth) : this.unfit(schema)
      case "reference": {
        const record = this.records.get(schema.name)
        return record === undefined || !isObject(json) ? this.unfit(schema) : this.record(record, json, depth)
      }
      case "union":
        return this.union(schema.branches, json, depth)
      case "null":
      case "boolean":
      case "int":
      case "long":
      case "float":
      case "double":
      case "string":
      case "bytes":
      case "fixed":
      case "enum": {
        const value = scalarOf(schema, json)
        if (Buffer.isBuffer(value) && "logical" in schema && schema.logical?.name === "decimal") {
          this.work -= decimalWork(value.length)
        }
        return value === undefined ? this.unfit(schema) : value
      }
    }
  }

  private array(items: AvroSchema, json: ReadonlyArray<unknown>, depth: number): unknown {
    const values: Array<unknown> = []
    for (const item of json) {
      const value = this.value(items, item, depth + 1)
      if (value === undefined) return undefined
      values.push(value)
    }
    return values
  }

  private map(values: AvroSchema, json: JsonObject, depth: number): unknown {
    const entries: Record<string, unknown> = {}
    for (const key of Object.keys(json)) {
      this.work -= entryWeight
      const value = this.value(values, json[key], depth + 1)
      if (value === undefined) return undefined
      setOwn(entries, key, value)
    }
    return entries
  }

  private record({ fields }: RecordSchema, json: JsonObject, depth: number): unknown {
    const record: Record<string, unknown> = {}
    for (const field of fields) {
      const { name, schema } = field
      const value = Object.hasOwn(json, name)
        ? this.value(schema, json[name], depth + 1)
        : this.missing(field, depth + 1)
      if (value === undefined) return undefined
      record[name] = value
    }
    return record
  }

  /** Counted with the rest: a default of a record inside itself that leaves out that record has no end. */
  private missing({ default: fallback, name, schema }: RecordField, depth: number): unknown {
    if (fallback === undefined) return this.wrong(`field ${name} is missing`)
    const inner = new Converter(this.records, "plain", this.work)
    const value = inner.value(schema, fallback.json, depth)
    this.work = inner.work
    return value === undefined ? this.wrong(`the default of field ${name} does not fit its type`) : value
  }

  private union(branches: ReadonlyArray<AvroSchema>, json: unknown, depth: number): unknown {
    const wide = isWide(branches)
    const tagged = this.unions === "tagged" ? taggedOf(branches, json) : undefined
    const named = tagged === undefined ? undefined : this.value(tagged.branch, tagged.json, depth)
    if (tagged !== undefined && named !== undefined) return inBranch(tagged.branch, wide, named)
    const fits: Array<unknown> = []
    for (const branch of branches) {
      const value = this.value(branch, json, depth)
      if (value !== undefined) fits.push(inBranch(branch, wide, value))
    }
    if (fits.length > 1 && this.unions === "tagged") {
      return this.wrong("a value that fits several branches of a union does not say which one it is of")
    }
    return fits.length === 0 ? this.wrong("a value fits no branch of its union") : fits[0]
  }

  private unfit(schema: AvroSchema): undefined {
    return this.wrong(`what stands for ${branchName(schema)} is not one`)
  }

  private wrong(why: string): undefined {
    this.why = why
    return undefined
  }
}

type JsonObject = { readonly [name: string]: unknown }

/** A type without others in it; undefined where the JSON is none of its values. */
const scalarOf = (
  schema: Exclude<AvroSchema, { readonly type: "array" | "map" | "record" | "reference" | "union" }>,
  json: unknown
): unknown => {
  switch (schema.type) {
    case "null":
      return json === null ? null : undefined
    case "boolean":
      return typeof json === "boolean" ? json : undefined
    case "int":
      return int32(json) ? json : undefined
    case "long":
      return longOf(json)
    case "float": {
      const double = doubleOf(json)
      return double === undefined ? undefined : Math.fround(double)
    }
    case "double":
      return doubleOf(json)
    case "string":
      return typeof json === "string" ? json : undefined
    case "bytes":
      return bytesOf(json)
    case "fixed": {
      const bytes = bytesOf(json)
      return bytes?.length === schema.size ? bytes : undefined
    }
    case "enum":
      return schema.symbols.find((symbol) => symbol === json)
  }
}

const isObject = (json: unknown): json is JsonObject => Predicate.isRecord(json) && !Array.isArray(json)

const longOf = (json: unknown): bigint | undefined => {
  if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json)
  return typeof json === "bigint" && BigInt.asIntN(64, json) === json ? json : undefined
}

const doubleOf = (json: unknown): number | undefined => {
  if (typeof json === "string") return special[json]
  return typeof json === "number" || typeof json === "bigint" ? Number(json) : undefined
}

const bytesOf = (json: unknown): Buffer | undefined =>
  typeof json === "string" && !/[^\0-\xff]/.test(json) ? Buffer.from(json, "latin1") : undefined

const inBranch = (branch: AvroSchema, wide: boolean, value: unknown): unknown =>
  wide && branch.type !== "null" ? { [branchName(branch)]: value } : value

/** An object with one name, which is that of a branch: in full, or without its namespace. */
const taggedOf = (branches: ReadonlyArray<AvroSchema>, json: unknown) => {
  if (!isObject(json)) return undefined
  const [name, ...more] = Object.keys(json)
  if (name === undefined || more.length > 0) return undefined
  const branch = branches.find((each) => branchName(each) === name) ??
    branches.find((each) => branchName(each).endsWith(`.${name}`))
  return branch === undefined ? undefined : { branch, json: json[name] }
}

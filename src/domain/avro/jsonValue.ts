import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { Malformed, tooMuchWork, valueDepthMax, workMaxOf } from "./AvroInput.js"
import type { AvroSchema } from "./AvroSchema.js"
import { branchName, isWide, type Records, recordsOf } from "./unions.js"

/**
 * Values of a schema from JSON that `parseExactJson` has read, as a decoder gives them; else why not, without quoting.
 *
 * Avro's own JSON encoding: bytes are a string with one character per byte, a value of a union beside null stands in an
 * object under its branch's name. Beyond it: a union's value may stand there plain where just one branch takes it, fields
 * that the schema does not have are passed over, and missing ones take their defaults.
 */
export const jsonReader = (schema: AvroSchema): (json: unknown, bytes: number) => Either.Either<unknown, string> => {
  const records = recordsOf(schema)
  return (json, bytes) => caught(() => new Converter(records, "tagged", workMaxOf(bytes)).value(schema, json, 0))
}

/** The default of a field, which for a union is the first branch that takes it, without its name. */
export const defaultValue = (schema: AvroSchema, json: unknown, records: Records): Either.Either<unknown, string> =>
  caught(() => new Converter(records, "plain", defaultValuesMax).value(schema, json, 0))

/** Far more than anybody writes into a schema. */
const defaultValuesMax = 10_000

const caught = (read: () => unknown): Either.Either<unknown, string> => {
  try {
    return Either.right(read())
  } catch (cause) {
    if (cause instanceof Malformed) return Either.left(cause.message)
    throw cause
  }
}

const int32 = (value: unknown): value is number => typeof value === "number" && (value | 0) === value
const special: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, "-Infinity": -Infinity }

class Converter {
  private readonly records: Records
  private readonly unions: "tagged" | "plain"
  private steps: number

  constructor(records: Records, unions: "tagged" | "plain", steps: number) {
    this.records = records
    this.unions = unions
    this.steps = steps
  }

  value(schema: AvroSchema, json: unknown, depth: number): unknown {
    // Branches of unions are tried, each with all that lies in it: without a bound, that is exponential in the depth.
    this.steps -= 1
    if (this.steps < 0) throw new Malformed(tooMuchWork)
    if (depth > valueDepthMax) throw new Malformed(`values are nested deeper than ${valueDepthMax}`)
    switch (schema.type) {
      case "null":
        return json === null ? null : wrong(schema)
      case "boolean":
        return typeof json === "boolean" ? json : wrong(schema)
      case "int":
        return int32(json) ? json : wrong(schema)
      case "long":
        return longOf(json) ?? wrong(schema)
      case "float":
        return Math.fround(doubleOf(json) ?? wrong(schema))
      case "double":
        return doubleOf(json) ?? wrong(schema)
      case "string":
        return typeof json === "string" ? json : wrong(schema)
      case "bytes":
        return bytesOf(json) ?? wrong(schema)
      case "fixed": {
        const bytes = bytesOf(json)
        return bytes?.length === schema.size ? bytes : wrong(schema)
      }
      case "enum":
        return schema.symbols.find((symbol) => symbol === json) ?? wrong(schema)
      case "array":
        return Array.isArray(json) ? json.map((item) => this.value(schema.items, item, depth + 1)) : wrong(schema)
      case "map":
        if (!isObject(json)) return wrong(schema)
        return Object.fromEntries(
          Object.entries(json).map(([key, value]) => [key, this.value(schema.values, value, depth + 1)])
        )
      case "record":
        return this.record(schema, json, depth)
      case "reference": {
        const record = this.records.get(schema.name)
        return record === undefined ? wrong(schema) : this.record(record, json, depth)
      }
      case "union":
        return this.union(schema.branches, json, depth)
    }
  }

  private record(schema: Extract<AvroSchema, { type: "record" }>, json: unknown, depth: number): unknown {
    if (!isObject(json)) return wrong(schema)
    return Object.fromEntries(schema.fields.map((field) => {
      if (Object.hasOwn(json, field.name)) {
        return [field.name, this.value(field.schema, json[field.name], depth + 1)]
      }
      if (field.default === undefined) throw new Malformed(`field ${field.name} is missing`)
      const made = defaultValue(field.schema, field.default.json, this.records)
      if (Either.isLeft(made)) throw new Malformed(`the default of field ${field.name} does not fit its type`)
      return [field.name, made.right]
    }))
  }

  private union(branches: ReadonlyArray<AvroSchema>, json: unknown, depth: number): unknown {
    const wide = isWide(branches)
    const tagged = this.unions === "tagged" ? taggedOf(branches, json) : undefined
    const named = tagged === undefined ? Either.left("") : this.attempt(tagged.branch, tagged.json, depth)
    if (tagged !== undefined && Either.isRight(named)) return inBranch(tagged.branch, wide, named.right)
    const fits = branches.flatMap((branch) =>
      Either.match(this.attempt(branch, json, depth), {
        onLeft: () => [],
        onRight: (value) => [inBranch(branch, wide, value)]
      })
    )
    if (fits.length > 1 && this.unions === "tagged") {
      throw new Malformed("a value that fits several branches of a union does not say which one it is of")
    }
    if (fits.length === 0) throw new Malformed("a value fits no branch of its union")
    return fits[0]
  }

  private attempt(schema: AvroSchema, json: unknown, depth: number): Either.Either<unknown, string> {
    return caught(() => this.value(schema, json, depth))
  }
}

const wrong = (schema: AvroSchema): never => {
  throw new Malformed(`what stands for ${branchName(schema)} is not one`)
}

const isObject = (json: unknown): json is { readonly [name: string]: unknown } =>
  Predicate.isRecord(json) && !Array.isArray(json)

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

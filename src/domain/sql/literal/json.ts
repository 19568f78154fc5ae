import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { AvroSchema, RecordSchema } from "../../avro/AvroSchema.js"
import { branchName, recordsOf } from "../../avro/unions.js"
import { type Leaf, type LeafOptions, leafType } from "../plan/columnType.js"
import type { LiteralWriter } from "../Dialect.js"
import type { ColumnType } from "../TablePlan.js"
import { base64 } from "./bytes.js"
import { plainLiteral } from "./plain.js"
import { type Literal, type Place, poison } from "./poison.js"
import type { Spelling } from "./Spelling.js"
import { isWellFormed, malformedText } from "./text.js"

/** MySQL's limits of a JSON value: arrays and objects in one another (error 3157), bytes of a key (3151). */
const depthMax = 100
const keyBytesMax = 65_535

/** Writes the part of a document whose arrays and objects begin at `depth`, 1 for the whole. */
type JsonWriter = (value: unknown, depth: number) => Literal

/** A number without fraction or exponent would be an integer for MySQL, which has no -0. */
const double = (value: number): string => {
  const digits = Object.is(value, -0) ? "-0" : String(value)
  return /[.e]/.test(digits) ? digits : `${digits}.0`
}

const spelling: Spelling = {
  quote: "\"",
  boolean: String,
  text: (text) => JSON.stringify(text),
  bytes: (bytes) => `"${base64(bytes)}"`,
  double,
  // A number would become a double.
  decimal: (digits) => `"${digits}"`
}

/** JSON has no columns to choose, so what keeps the most. */
const exactly: LeafOptions = { float: "double", enumeration: "varchar", uuid: "char", nanos: "bigint" }

const NULL: Literal = Either.right("null")

const depthProblem = (place: Place): Literal =>
  poison(place, `more than ${depthMax} arrays and objects in one another, MySQL's limit for JSON`)

/** Twelve bytes: three unsigned little-endian numbers. */
const durationWriter = (place: Place): JsonWriter => {
  const wrong = poison(place, "not the 12 bytes of a duration")
  const tooDeep = depthProblem(place)
  return (value, depth) => {
    if (!(value instanceof Uint8Array) || value.length !== 12) return wrong
    if (depth > depthMax) return tooDeep
    const view = new DataView(value.buffer, value.byteOffset, 12)
    const [months, days, millis] = [0, 4, 8].map((at) => view.getUint32(at, true))
    return Either.right(`{"months":${months},"days":${days},"millis":${millis}}`)
  }
}

/** Compiles writers for one JSON column: one per definition, so that a schema's size bounds their number. */
class Compiler {
  private readonly writers = new Map<string, JsonWriter>()
  private readonly column: string
  private readonly records: ReadonlyMap<string, RecordSchema>

  constructor(column: string, records: ReadonlyMap<string, RecordSchema>) {
    this.column = column
    this.records = records
  }

  type(schema: AvroSchema, place: Place): JsonWriter {
    switch (schema.type) {
      case "array":
        return this.array(this.type(schema.items, place), place)
      case "map":
        return this.map(this.type(schema.values, place), place)
      case "union":
        return this.union(schema.branches, place)
      case "record":
      case "reference":
        return this.named(schema.name, place)
      case "null":
      case "boolean":
      case "int":
      case "long":
      case "float":
      case "double":
      case "string":
      case "bytes":
      case "fixed":
      case "enum":
        return this.leaf(schema, place)
    }
  }

  private leaf(schema: Leaf, place: Place): JsonWriter {
    const type = leafType(schema, exactly)
    if (type.kind === "json") return durationWriter(place)
    const notNull = poison(place, "not null")
    if (type.kind === "null") return (value) => value === null ? NULL : notNull
    const write = plainLiteral(place, type, spelling)
    return (value) => write(value)
  }

  private array(item: JsonWriter, place: Place): JsonWriter {
    const wrong = poison(place, "not an array")
    const tooDeep = depthProblem(place)
    return (value, depth) => {
      if (!Array.isArray(value)) return wrong
      if (depth > depthMax) return tooDeep
      let text = "["
      for (const each of value) {
        const part = item(each, depth + 1)
        if (Either.isLeft(part)) return part
        text += text === "[" ? part.right : `,${part.right}`
      }
      return Either.right(`${text}]`)
    }
  }

  private map(item: JsonWriter, place: Place): JsonWriter {
    const wrong = poison(place, "not a map")
    const tooDeep = depthProblem(place)
    const malformed = poison(place, malformedText)
    const longKey = poison(place, `a map's key of more than ${keyBytesMax} bytes, MySQL's limit for JSON`)
    return (value, depth) => {
      if (!Predicate.isRecord(value) || value instanceof Uint8Array) return wrong
      if (depth > depthMax) return tooDeep
      let text = "{"
      for (const [key, each] of Object.entries(value)) {
        if (!isWellFormed(key)) return malformed
        if (Buffer.byteLength(key) > keyBytesMax) return longKey
        const part = item(each, depth + 1)
        if (Either.isLeft(part)) return part
        text += `${text === "{" ? "" : ","}${JSON.stringify(key)}:${part.right}`
      }
      return Either.right(`${text}}`)
    }
  }

  /** One branch beside null is written bare; several are told apart by the branch's name. */
  private union(schemas: ReadonlyArray<AvroSchema>, place: Place): JsonWriter {
    const branches = schemas.filter(({ type }) => type !== "null").map((branch) => ({
      name: branchName(branch),
      write: this.type(branch, place)
    }))
    const none = branches.length < schemas.length ? NULL : poison(place, "null in a union without null")
    const [first] = branches
    const write = branches.length === 1 && first !== undefined ? first.write : this.tagged(branches, place)
    return (value, depth) => value === null ? none : write(value, depth)
  }

  private tagged(
    branches: ReadonlyArray<{ readonly name: string; readonly write: JsonWriter }>,
    place: Place
  ): JsonWriter {
    const wrong = poison(place, "not a branch of the union")
    const tooDeep = depthProblem(place)
    const byName = new Map(branches.map(({ name, write }) => [name, { head: `{${JSON.stringify(name)}:`, write }]))
    return (value, depth) => {
      if (!Predicate.isRecord(value)) return wrong
      const [entry, ...others] = Object.entries(value)
      const branch = entry === undefined || others.length > 0 ? undefined : byName.get(entry[0])
      if (entry === undefined || branch === undefined) return wrong
      if (depth > depthMax) return tooDeep
      return Either.map(branch.write(entry[1], depth + 1), (part) => `${branch.head}${part}}`)
    }
  }

  /** Entered into the table before its fields are compiled, so that a record inside itself finds its own writer. */
  private named(name: string, place: Place): JsonWriter {
    const known = this.writers.get(name)
    if (known !== undefined) return known
    const schema = this.records.get(name)
    const undefinedRecord = poison(place, `record ${name} is not defined`)
    let compiled: JsonWriter = () => undefinedRecord
    const write: JsonWriter = (value, depth) => compiled(value, depth)
    this.writers.set(name, write)
    if (schema !== undefined) compiled = this.record(schema)
    return write
  }

  private record({ fields, name }: RecordSchema): JsonWriter {
    const place = { name: this.column, within: `record ${name}` }
    const wrong = poison(place, "not a record")
    const tooDeep = depthProblem(place)
    const writers = fields.map((field, index) => ({
      name: field.name,
      head: `${index === 0 ? "" : ","}${JSON.stringify(field.name)}:`,
      write: this.type(field.schema, { name: this.column, within: `field ${field.name} of record ${name}` })
    }))
    return (value, depth) => {
      if (!Predicate.isRecord(value)) return wrong
      if (depth > depthMax) return tooDeep
      let text = "{"
      for (const field of writers) {
        const part = field.write(value[field.name], depth + 1)
        if (Either.isLeft(part)) return part
        text += `${field.head}${part.right}`
      }
      return Either.right(`${text}}`)
    }
  }
}

/** One writer per schema; `spell` writes the document as SQL. Numbers keep all digits, which needs no double in between. */
export const jsonLiteral = (
  place: Place,
  { root, schema }: Extract<ColumnType, { readonly kind: "json" }>,
  spell: Spelling["text"]
): LiteralWriter => {
  const write = new Compiler(place.name, recordsOf(root ?? schema)).type(schema, place)
  return (value) => Either.map(write(value, 1), spell)
}

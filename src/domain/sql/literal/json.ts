import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { AvroSchema, RecordSchema } from "../../avro/AvroSchema.js"
import { branchName, recordsOf } from "../../avro/unions.js"
import { type Leaf, type LeafOptions, leafType } from "../plan/columnType.js"
import type { LiteralWriter, Poison } from "../Dialect.js"
import type { ColumnType } from "../TablePlan.js"
import { base64 } from "./bytes.js"
import { plainLiteral } from "./plain.js"
import { type Place, poisonOf } from "./poison.js"
import type { Spelling } from "./Spelling.js"
import { isWellFormed, malformedText } from "./text.js"

/** MySQL's limits of a JSON value: arrays and objects in one another (error 3157), bytes of a key (3151). */
const depthMax = 100
const keyBytesMax = 65_535

/**
 * Writes the part of a document whose arrays and objects begin at `depth`, 1 for the whole, to the end of `out`; answers
 * what cannot be stored. Pieces that are joined once: texts put together piece by piece take three times as long to use.
 */
type JsonWriter = (value: unknown, depth: number, out: Array<string>) => Poison | undefined

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

const depthProblem = (place: Place): Poison =>
  poisonOf(place, `more than ${depthMax} arrays and objects in one another, MySQL's limit for JSON`)

/** Twelve bytes: three unsigned little-endian numbers. */
const durationWriter = (place: Place): JsonWriter => {
  const wrong = poisonOf(place, "not the 12 bytes of a duration")
  const tooDeep = depthProblem(place)
  return (value, depth, out) => {
    if (!(value instanceof Uint8Array) || value.length !== 12) return wrong
    if (depth > depthMax) return tooDeep
    const view = new DataView(value.buffer, value.byteOffset, 12)
    out.push(
      `{"months":${view.getUint32(0, true)},"days":${view.getUint32(4, true)},"millis":${view.getUint32(8, true)}}`
    )
    return undefined
  }
}

const nullWriter = (place: Place): JsonWriter => {
  const notNull = poisonOf(place, "not null")
  return (value, _, out) => {
    if (value !== null) return notNull
    out.push("null")
    return undefined
  }
}

/**
 * Items that need nothing but a look at each, all at once: many times faster than one by one. Undefined where one of them
 * is not as it should be, which the item's own writer then says.
 */
const allAtOnce: Readonly<Record<string, (items: ReadonlyArray<unknown>) => string | undefined>> = {
  int: (items) => items.every((item) => typeof item === "number" && (item | 0) === item) ? items.join() : undefined,
  long: (items) =>
    items.every((item) => typeof item === "bigint" && BigInt.asIntN(64, item) === item) ? items.join() : undefined,
  boolean: (items) => items.every((item) => typeof item === "boolean") ? items.join() : undefined,
  string: (items) =>
    items.every((item) => typeof item === "string" && isWellFormed(item))
      ? JSON.stringify(items).slice(1, -1)
      : undefined
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
        return this.array(schema.items, place)
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
    if (type.kind === "null") return nullWriter(place)
    const write = plainLiteral(place, type, spelling)
    return (value, _, out) => {
      const part = write(value)
      if (Either.isLeft(part)) return part.left
      out.push(part.right)
      return undefined
    }
  }

  private array(items: AvroSchema, place: Place): JsonWriter {
    const wrong = poisonOf(place, "not an array")
    const tooDeep = depthProblem(place)
    const write = this.type(items, place)
    const plain = "logical" in items && items.logical !== undefined ? undefined : allAtOnce[items.type]
    return (value, depth, out) => {
      if (!Array.isArray(value)) return wrong
      if (depth > depthMax) return tooDeep
      if (value.length === 0) return void out.push("[]")
      const all = plain?.(value)
      if (all !== undefined) return void out.push("[", all, "]")
      let before = "["
      for (const each of value) {
        out.push(before)
        before = ","
        const wrongItem = write(each, depth + 1, out)
        if (wrongItem !== undefined) return wrongItem
      }
      return void out.push("]")
    }
  }

  private map(item: JsonWriter, place: Place): JsonWriter {
    const wrong = poisonOf(place, "not a map")
    const tooDeep = depthProblem(place)
    const malformed = poisonOf(place, malformedText)
    const longKey = poisonOf(place, `a map's key of more than ${keyBytesMax} bytes, MySQL's limit for JSON`)
    return (value, depth, out) => {
      if (!Predicate.isRecord(value) || value instanceof Uint8Array) return wrong
      if (depth > depthMax) return tooDeep
      let before = "{"
      for (const key of Object.keys(value)) {
        if (!isWellFormed(key)) return malformed
        // No character of JavaScript takes more than three bytes.
        if (key.length * 3 > keyBytesMax && Buffer.byteLength(key) > keyBytesMax) return longKey
        out.push(before, JSON.stringify(key), ":")
        before = ","
        const wrongValue = item(value[key], depth + 1, out)
        if (wrongValue !== undefined) return wrongValue
      }
      return void out.push(before === "{" ? "{}" : "}")
    }
  }

  /** One branch beside null is written bare; several are told apart by the branch's name. */
  private union(schemas: ReadonlyArray<AvroSchema>, place: Place): JsonWriter {
    const branches = schemas.filter(({ type }) => type !== "null").map((branch) => ({
      name: branchName(branch),
      write: this.type(branch, place)
    }))
    const none = branches.length < schemas.length ? undefined : poisonOf(place, "null in a union without null")
    const [first] = branches
    const write = branches.length === 1 && first !== undefined ? first.write : this.tagged(branches, place)
    return (value, depth, out) => {
      if (value !== null) return write(value, depth, out)
      if (none === undefined) out.push("null")
      return none
    }
  }

  private tagged(
    branches: ReadonlyArray<{ readonly name: string; readonly write: JsonWriter }>,
    place: Place
  ): JsonWriter {
    const wrong = poisonOf(place, "not a branch of the union")
    const tooDeep = depthProblem(place)
    const byName = new Map(branches.map(({ name, write }) => [name, { head: `{${JSON.stringify(name)}:`, write }]))
    return (value, depth, out) => {
      if (!Predicate.isRecord(value)) return wrong
      const [name = "", ...others] = Object.keys(value)
      const branch = others.length > 0 ? undefined : byName.get(name)
      if (branch === undefined) return wrong
      if (depth > depthMax) return tooDeep
      out.push(branch.head)
      const wrongValue = branch.write(value[name], depth + 1, out)
      out.push("}")
      return wrongValue
    }
  }

  /** Entered into the table before its fields are compiled, so that a record inside itself finds its own writer. */
  private named(name: string, place: Place): JsonWriter {
    const known = this.writers.get(name)
    if (known !== undefined) return known
    const schema = this.records.get(name)
    const undefinedRecord = poisonOf(place, `record ${name} is not defined`)
    let compiled: JsonWriter = () => undefinedRecord
    const write: JsonWriter = (value, depth, out) => compiled(value, depth, out)
    this.writers.set(name, write)
    if (schema !== undefined) compiled = this.record(schema)
    return write
  }

  private record({ fields, name }: RecordSchema): JsonWriter {
    const place = { name: this.column, within: `record ${name}` }
    const wrong = poisonOf(place, "not a record")
    const tooDeep = depthProblem(place)
    const writers = fields.map((field, index) => ({
      name: field.name,
      head: `${index === 0 ? "{" : ","}${JSON.stringify(field.name)}:`,
      write: this.type(field.schema, { name: this.column, within: `field ${field.name} of record ${name}` })
    }))
    const end = writers.length === 0 ? "{}" : "}"
    return (value, depth, out) => {
      if (!Predicate.isRecord(value)) return wrong
      if (depth > depthMax) return tooDeep
      for (const field of writers) {
        out.push(field.head)
        const wrongField = field.write(value[field.name], depth + 1, out)
        if (wrongField !== undefined) return wrongField
      }
      return void out.push(end)
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
  return (value) => {
    const out: Array<string> = []
    const wrong = write(value, 1, out)
    return wrong === undefined ? Either.right(spell(out.join(""))) : Either.left(wrong)
  }
}

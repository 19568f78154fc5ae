import * as Either from "effect/Either"
import { AvroInput, Malformed } from "./AvroInput.js"
import { AvroRefused } from "./AvroRefused.js"
import type { AvroSchema, RecordField, RecordSchema } from "./AvroSchema.js"
import { setOwn } from "../ownProperty.js"
import { defaultValue } from "./jsonValue.js"
import { branchName, isWide, type Records, recordsOf } from "./unions.js"
import { decimalWork, entryWeight, itemWeightOf, weightOf } from "./work.js"

/** The value that begins at `start` and ends where `bytes` ends; else why not, without quoting the data. */
export type AvroReader = (bytes: Uint8Array, start: number) => Either.Either<unknown, string>

/**
 * Reads what was written with the schema `writer` as values of `reader`, by the specification's rules of schema
 * resolution; refused where these find no way. Without `reader` values are of the writer's schema.
 *
 * Our own, because bytes come from anybody: however they are made, reading takes a bounded number of steps and a bounded
 * stack, longs keep 64 bits, text is valid, and a key `__proto__` is a key. Made of closures, once per schema: no code is
 * generated from what a registry says.
 */
export const makeAvroReader = (
  writer: AvroSchema,
  reader: AvroSchema = writer
): Either.Either<AvroReader, AvroRefused> =>
  Either.map(new Resolver(recordsOf(writer), recordsOf(reader)).read(writer, reader, ""), (read) => (bytes, start) => {
    const input = new AvroInput(asBuffer(bytes), start)
    try {
      const value = read(input)
      return input.rest === 0 ? Either.right(value) : Either.left(`${input.rest} bytes follow after its end`)
    } catch (cause) {
      if (cause instanceof Malformed) return Either.left(cause.message)
      throw cause
    }
  })

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

type Read = (input: AvroInput) => unknown
type Resolved = Either.Either<Read, AvroRefused>
type Of<T extends AvroSchema["type"]> = Extract<AvroSchema, { readonly type: T }>
/** A schema whose uses of a record are that record, outside of unions. */
type Plain = Exclude<AvroSchema, { readonly type: "union" | "reference" }>

const reads = {
  null: () => null,
  boolean: (input) => input.boolean(),
  int: (input) => input.int(),
  long: (input) => input.long(),
  float: (input) => input.float(),
  double: (input) => input.double(),
  string: (input) => input.string(),
  bytes: (input) => input.fixed(input.length())
} satisfies Readonly<Record<string, Read>>

/** What a reader may take for what was written, from the writer's type to the reader's. */
const promotions: Readonly<Record<string, Read>> = {
  "int long": (input) => BigInt(input.int()),
  "int float": (input) => Math.fround(input.int()),
  "int double": (input) => input.int(),
  "long float": (input) => Math.fround(Number(input.long())),
  "long double": (input) => Number(input.long()),
  "float double": (input) => input.float(),
  "string bytes": (input) => input.fixed(input.length()),
  "bytes string": (input) => input.string()
}

class Resolver {
  private readonly writers: Records
  private readonly readers: Records
  /** Records in records of their own kind go through here: by the names on both sides. */
  private readonly made = new Map<string, { read: Read | undefined }>()

  constructor(writers: Records, readers: Records) {
    this.writers = writers
    this.readers = readers
  }

  read(writer: AvroSchema, reader: AvroSchema, where: string): Resolved {
    if (writer.type === "union") return this.writtenUnion(writer.branches, reader, where)
    if (reader.type === "union") return this.intoUnion(writer, reader.branches, where)
    const from = writer.type === "reference" ? this.writers.get(writer.name) : writer
    const to = reader.type === "reference" ? this.readers.get(reader.name) : reader
    return from === undefined || to === undefined ? refuse(where, writer, reader) : this.plain(from, to, where)
  }

  private plain(writer: Plain, reader: Plain, where: string): Resolved {
    if (!logicallySame(writer, reader)) return refuse(where, writer, reader)
    switch (writer.type) {
      case "record":
        return reader.type === "record" && isNamed(writer.name, reader)
          ? this.record(writer, reader)
          : refuse(where, writer, reader)
      case "enum":
        return reader.type === "enum" && isNamed(writer.name, reader)
          ? Either.right(enumeration(writer, reader))
          : refuse(where, writer, reader)
      case "fixed": {
        const { size } = writer
        const same = reader.type === "fixed" && reader.size === size && isNamed(writer.name, reader)
        if (!same) return refuse(where, writer, reader)
        return Either.right(isDecimal(writer) ? (input) => decimal(input, size) : (input) => input.fixed(size))
      }
      case "array":
        return reader.type === "array"
          ? Either.map(this.read(writer.items, reader.items, `${where}.items`), array(itemWeightOf(writer.items)))
          : refuse(where, writer, reader)
      case "map":
        return reader.type === "map"
          ? Either.map(
            this.read(writer.values, reader.values, `${where}.values`),
            map(entryWeight + weightOf(writer.values))
          )
          : refuse(where, writer, reader)
      case "null":
      case "boolean":
      case "int":
      case "long":
      case "float":
      case "double":
      case "string":
      case "bytes": {
        if (reader.type === "bytes" && (isDecimal(writer) || isDecimal(reader))) {
          return Either.right((input) => decimal(input, input.length()))
        }
        const read = reader.type === writer.type ? reads[writer.type] : promotions[`${writer.type} ${reader.type}`]
        return read === undefined ? refuse(where, writer, reader) : Either.right(read)
      }
    }
  }

  /** Each branch is read as the reader's schema. One that cannot be is wrong only in the records that take it. */
  private writtenUnion(branches: ReadonlyArray<AvroSchema>, reader: AvroSchema, where: string): Resolved {
    // Of the same union each branch is itself: to look each up among all of thousands would take seconds.
    const named = reader.type === "union" && reader.branches === branches ? taggedBy(branches) : undefined
    const all = branches.map((branch) =>
      named === undefined
        ? this.read(branch, reader, where)
        : Either.map(this.read(branch, branch, where), (read) => named(branch, read))
    )
    const first = all.find(Either.isLeft)
    if (first !== undefined && all.every(Either.isLeft)) return first
    const ways = all.map((way): Read =>
      Either.getOrElse(way, (refused) => () => {
        throw new Malformed(refused.message)
      })
    )
    return Either.right((input) => {
      const way = ways[input.index(ways.length, "branch of a union")]
      return way === undefined ? undefined : way(input)
    })
  }

  /** The branch of the same type and name; else, as the specification says, the first that the value can be read as. */
  private intoUnion(writer: AvroSchema, branches: ReadonlyArray<AvroSchema>, where: string): Resolved {
    const same = branches.find((branch) => branch === writer) ??
      branches.find((branch) => branchName(branch) === branchName(writer))
    for (const branch of same === undefined ? branches : [same, ...branches]) {
      const read = this.read(writer, branch, where)
      if (Either.isRight(read)) return Either.right(taggedBy(branches)(branch, read.right))
    }
    return Either.left(new AvroRefused({ where, what: `no branch of the reader's union takes ${nameOf(writer)}` }))
  }

  private record(writer: RecordSchema, reader: RecordSchema): Resolved {
    const key = `${writer.name} ${reader.name}`
    const known = this.made.get(key)
    if (known !== undefined) return Either.right((input) => known.read?.(input))
    const slot: { read: Read | undefined } = { read: undefined }
    this.made.set(key, slot)
    const made = this.fields(writer, reader)
    if (Either.isRight(made)) slot.read = made.right
    else this.made.delete(key)
    return made
  }

  private fields(writer: RecordSchema, reader: RecordSchema): Resolved {
    const targets = targetsOf(writer, reader)
    if (Either.isLeft(targets)) return Either.left(targets.left)
    const template: Record<string, unknown> = {}
    for (const field of reader.fields) {
      const value = targets.right.missing.has(field) ? defaultOf(field, reader, this.readers) : Either.right(null)
      if (Either.isLeft(value)) return Either.left(value.left)
      template[field.name] = value.right
    }
    const steps: Array<{ readonly name: string | undefined; readonly read: Read }> = []
    for (const field of writer.fields) {
      const target = targets.right.byWriter.get(field.name)
      // What the reader does not have is read as it was written, and dropped.
      const read = target === undefined
        ? new Resolver(this.writers, this.writers).read(field.schema, field.schema, "")
        : this.read(field.schema, target.schema, `${reader.name}.${target.name}`)
      if (Either.isLeft(read)) return read
      steps.push({ name: target?.name, read: read.right })
    }
    const weight = writer.fields.reduce((sum, field) => sum + weightOf(field.schema), 0)
    return Either.right((input) => {
      input.enter()
      input.spend(weight)
      // Copying an object that has all fields is the fastest way to one of the same shape.
      const record = { ...template }
      for (const { name, read } of steps) {
        const value = read(input)
        if (name !== undefined) record[name] = value
      }
      input.leave()
      return record
    })
  }
}

const nameOf = (schema: AvroSchema): string => `${"name" in schema ? `${schema.type} ` : ""}${branchName(schema)}`

const refuse = (where: string, writer: AvroSchema, reader: AvroSchema): Resolved => {
  const both = [writer, reader].map((schema) =>
    "logical" in schema && schema.logical !== undefined ? `${nameOf(schema)} (${schema.logical.name})` : nameOf(schema)
  )
  return Either.left(new AvroRefused({ where, what: `what is written as ${both[0]} cannot be read as ${both[1]}` }))
}

/** The specification compares names without their namespaces; an alias is a name that the writer may still use. */
const isNamed = (writer: string, { aliases = [], name }: Of<"record" | "enum" | "fixed">): boolean =>
  simple(writer) === simple(name) || aliases.includes(writer)

const simple = (name: string): string => name.slice(name.lastIndexOf(".") + 1)

/** Milliseconds read as microseconds would be numbers of the right type and a wrong value. */
const logicallySame = (writer: Plain, reader: Plain): boolean => {
  const from = "logical" in writer ? writer.logical : undefined
  const to = "logical" in reader ? reader.logical : undefined
  if (from === undefined || to === undefined) return true
  return from.name === "decimal" && to.name === "decimal" ? from.scale === to.scale : from.name === to.name
}

const enumeration = (writer: Of<"enum">, reader: Of<"enum">): Read => {
  const known = new Set(reader.symbols)
  const symbols = writer.symbols.map((symbol) => known.has(symbol) ? symbol : reader.default)
  return (input) => {
    const symbol = symbols[input.index(symbols.length, "symbol")]
    if (symbol === undefined) throw new Malformed("a symbol that the reader's schema does not have")
    return symbol
  }
}

const isDecimal = (schema: AvroSchema): boolean => "logical" in schema && schema.logical?.name === "decimal"

const decimal = (input: AvroInput, bytes: number): Buffer => {
  input.spend(decimalWork(bytes))
  return input.fixed(bytes)
}

const array = (weight: number) => (read: Read): Read => (input) => {
  const items: Array<unknown> = []
  input.blocks(weight, (count) => {
    for (let item = 0; item < count; item++) items.push(read(input))
  })
  return items
}

const map = (weight: number) => (read: Read): Read => (input) => {
  const entries: Record<string, unknown> = {}
  input.blocks(weight, (count) => {
    for (let entry = 0; entry < count; entry++) {
      const key = input.string()
      setOwn(entries, key, read(input))
    }
  })
  return entries
}

/** How values of a union's branch are shown. */
const taggedBy = (branches: ReadonlyArray<AvroSchema>) => {
  const wide = isWide(branches)
  return (branch: AvroSchema, read: Read): Read => {
    if (branch.type === "null" || !wide) return read
    const name = branchName(branch)
    return (input) => ({ [name]: read(input) })
  }
}

/** Which of the reader's fields takes each of the writer's: by its name, else by the first of its aliases. */
const targetsOf = (writer: RecordSchema, reader: RecordSchema) => {
  const written = new Set(writer.fields.map(({ name }) => name))
  const byWriter = new Map<string, RecordField>()
  const missing = new Set<RecordField>()
  for (const field of reader.fields) {
    const name = [field.name, ...field.aliases ?? []].find((alias) => written.has(alias))
    if (name === undefined) missing.add(field)
    else if (byWriter.has(name)) {
      return Either.left(
        new AvroRefused({
          where: reader.name,
          what: `the writer's field ${name} fits two fields of the reader's schema`
        })
      )
    } else byWriter.set(name, field)
  }
  return Either.right({ byWriter, missing })
}

const defaultOf = (field: RecordField, reader: RecordSchema, records: Records): Either.Either<unknown, AvroRefused> => {
  const where = `${reader.name}.${field.name}`
  return field.default === undefined
    ? Either.left(new AvroRefused({ where, what: "the writer does not have it, and it has no default" }))
    : Either.mapLeft(
      defaultValue(field.schema, field.default.json, records),
      (what) => new AvroRefused({ where, what: `its default does not fit its type: ${what}` })
    )
}

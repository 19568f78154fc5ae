import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { parseExactJson } from "../exactJson.js"
import { AvroRefused } from "./AvroRefused.js"
import type { AvroSchema, RecordField } from "./AvroSchema.js"
import { logicalTypeOf, maxLengthOf } from "./logicalType.js"
import { candidatesOf, fullNameOf, isSimpleName, nameLengthMax } from "./names.js"

/**
 * Schemas come from outside, so their cost is bounded before they are walked. Real ones are far below each limit: the
 * largest have some thousands of fields, each of which is up to three types, and their text fits into a Kafka message of
 * 1 MiB, because registries keep it in one.
 */
export const schemaLengthMax = 1_048_576
export const schemaDepthMax = 64
/** Symbols count as types: a decoder and a writer keep something for each, at every use of the enum. */
export const schemaTypesMax = 10_000
/**
 * Types where every use of a name is its definition again: twenty records that use one another twice make a million. What
 * a table's columns have to write, each by itself, so that these are 50 ms of making them ready.
 */
export const schemaExpandedMax = 25_000
const sizeMax = 2_147_483_647

const primitives = ["null", "boolean", "int", "long", "float", "double", "string", "bytes"] as const
type Primitive = typeof primitives[number]
const primitiveNames: ReadonlySet<unknown> = new Set(primitives)
const isPrimitive = (name: unknown): name is Primitive => primitiveNames.has(name)

type Node = { readonly [attribute: string]: unknown }

/** Where the walk is. */
interface Place {
  readonly where: string
  readonly namespace: string
  readonly depth: number
}

/** Thrown while a schema is read; `parseSchema` turns it into its answer. */
const refuse = ({ where }: Place, what: string): never => {
  throw new AvroRefused({ where, what })
}

const textOf = (node: Node, attribute: string, place: Place): string => {
  const value = node[attribute]
  return typeof value === "string" ? value : refuse(place, `${attribute}: a string is expected`)
}

const listOf = (node: Node, attribute: string, place: Place): ReadonlyArray<unknown> => {
  const value = node[attribute]
  return Array.isArray(value) ? value : refuse(place, `${attribute}: a list is expected`)
}

/** In a message, which goes into logs and tables. */
const shown = (name: string): string =>
  name.length > nameLengthMax ? `a name of more than ${nameLengthMax} characters` : JSON.stringify(name)

const firstRepeated = (names: ReadonlyArray<string>): string | undefined => {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

/** A definition; `open` while it is being read, so that a use is a recursion. */
type Definition = "open" | { readonly schema: AvroSchema; readonly expanded: number }

class Parser {
  /** By full name. */
  private readonly names = new Map<string, Definition>()
  private typesSeen = 0
  private expanded = 0

  type(node: unknown, place: Place): AvroSchema {
    if (place.depth > schemaDepthMax) return refuse(place, `types are nested deeper than ${schemaDepthMax}`)
    this.count(1, place)
    if (typeof node === "string") return this.use(node, place)
    if (Array.isArray(node)) return this.union(node, place)
    if (!Predicate.isRecord(node) || Predicate.isNullable(node["type"])) {
      return refuse(place, "a type is a name, a list, or an object with \"type\"")
    }
    const { logicalType, type } = node
    if (isPrimitive(type)) {
      const logical = logicalTypeOf(logicalType, node, { type })
      return { type, ...(logical === undefined ? {} : { logical }), ...maxLengthOf(type, node) }
    }
    switch (type) {
      case "record":
      case "error":
        return this.record(node, place)
      case "enum":
        return this.enumeration(node, place)
      case "fixed":
        return this.fixed(node, logicalType, place)
      case "array":
        return { type, items: this.type(node["items"], inside(place, "items")) }
      case "map":
        return { type, values: this.type(node["values"], inside(place, "values")) }
      default:
        // {"type": "com.example.Named"}, {"type": {...}} and {"type": [...]} say no more than their inner type.
        return this.type(type, { ...place, depth: place.depth + 1 })
    }
  }

  private count(types: number, place: Place): void {
    this.typesSeen += types
    this.expanded += types
    if (this.typesSeen > schemaTypesMax) refuse(place, `more than ${schemaTypesMax} types and symbols`)
  }

  private use(name: string, place: Place): AvroSchema {
    if (isPrimitive(name)) return { type: name }
    for (const full of candidatesOf(name, place.namespace)) {
      const found = this.names.get(full)
      if (found === undefined) continue
      if (found === "open") return { type: "reference", name: full }
      this.expanded += found.expanded
      return this.expanded > schemaExpandedMax
        ? refuse(
          place,
          `more than ${schemaExpandedMax} types and symbols, with each use of a name as its definition again`
        )
        : found.schema
    }
    return refuse(place, `type ${shown(name)} is not defined`)
  }

  private union(nodes: ReadonlyArray<unknown>, place: Place): AvroSchema {
    if (nodes.length === 0) return refuse(place, "a union without branches")
    const branches = nodes.map((node, index) => this.type(node, inside(place, `branch ${index}`)))
    if (branches.some((branch) => branch.type === "union")) return refuse(place, "a union directly inside a union")
    const repeated = firstRepeated(branches.map((branch) => "name" in branch ? branch.name : branch.type))
    return repeated === undefined
      ? { type: "union", branches }
      : refuse(place, `a union with two branches of type ${repeated}`)
  }

  /** Opens the name of a definition; answers its full name and the place inside it. */
  private define(node: Node, place: Place): readonly [name: string, inner: Place] {
    const name = textOf(node, "name", place)
    const space = Predicate.isNullable(node["namespace"]) ? undefined : textOf(node, "namespace", place)
    const resolved = fullNameOf(name, space, place.namespace)
    if (Either.isLeft(resolved)) return refuse(place, resolved.left)
    const { full, namespace } = resolved.right
    if (isPrimitive(full)) return refuse(place, `a type cannot be named ${full}`)
    if (this.names.has(full)) return refuse(place, `type ${full} is defined twice`)
    this.names.set(full, "open")
    return [full, { where: full, namespace, depth: place.depth }]
  }

  private record(node: Node, place: Place): AvroSchema {
    const nodes = listOf(node, "fields", place)
    const before = this.expanded
    const [name, inner] = this.define(node, place)
    const fields = nodes.map((field) => this.field(field, inner))
    const repeated = firstRepeated(fields.map((field) => field.name))
    if (repeated !== undefined) return refuse(inner, `field ${repeated} occurs twice`)
    const schema: AvroSchema = { type: "record", name, ...aliasesOf(node, inner), fields }
    this.names.set(name, { schema, expanded: this.expanded - before })
    return schema
  }

  private field(node: unknown, record: Place): RecordField {
    if (!Predicate.isRecord(node)) return refuse(record, "a field is an object with \"name\" and \"type\"")
    const name = textOf(node, "name", record)
    // As a key it would set the prototype of the decoded object instead of a field.
    if (name === "__proto__") return refuse(record, `a field cannot be named ${name}`)
    if (!isSimpleName(name)) return refuse(record, `${shown(name)} is not a valid field name`)
    const { aliases, default: json, doc, type } = node
    return {
      name,
      schema: this.type(type, inside(record, name)),
      ...(typeof doc === "string" ? { doc } : {}),
      ...listed(aliases, isSimpleName),
      ...(Object.hasOwn(node, "default") ? { default: { json } } : {})
    }
  }

  private enumeration(node: Node, place: Place): AvroSchema {
    const symbols = listOf(node, "symbols", place).map((symbol) =>
      typeof symbol === "string" ? symbol : refuse(place, "symbols: strings are expected")
    )
    if (symbols.length === 0) return refuse(place, "symbols: one at least is expected")
    this.count(symbols.length, place)
    const [name, inner] = this.define(node, place)
    const wrong = symbols.find((symbol) => !isSimpleName(symbol))
    if (wrong !== undefined) return refuse(inner, `${shown(wrong)} is not a valid symbol`)
    const repeated = firstRepeated(symbols)
    if (repeated !== undefined) return refuse(inner, `symbol ${repeated} occurs twice`)
    const standIn = symbols.find((symbol) => symbol === node["default"])
    const schema: AvroSchema = {
      type: "enum",
      name,
      ...aliasesOf(node, inner),
      symbols,
      ...(standIn === undefined ? {} : { default: standIn })
    }
    this.names.set(name, { schema, expanded: symbols.length })
    return schema
  }

  private fixed(node: Node, logicalType: unknown, place: Place): AvroSchema {
    const { size } = node
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || size > sizeMax) {
      return refuse(place, `size: an integer from 0 to ${sizeMax} is expected`)
    }
    const [name, inner] = this.define(node, place)
    const logical = logicalTypeOf(logicalType, node, { type: "fixed", size })
    const bare = { type: "fixed", name, ...aliasesOf(node, inner), size } as const
    const schema: AvroSchema = logical === undefined ? bare : { ...bare, logical }
    this.names.set(name, { schema, expanded: 0 })
    return schema
  }
}

const inside = (place: Place, step: string): Place => ({
  where: place.where === "" ? step : `${place.where}.${step}`,
  namespace: place.namespace,
  depth: place.depth + 1
})

/** The names in a list that are names; what else stands there says nothing to anybody. */
const listed = (
  aliases: unknown,
  allowed: (name: string) => boolean
): { readonly aliases?: ReadonlyArray<string> } => {
  const names = Array.isArray(aliases) ? aliases.filter((name) => typeof name === "string" && allowed(name)) : []
  return names.length === 0 ? {} : { aliases: names }
}

/** In full: a simple alias belongs to the namespace of the definition. */
const aliasesOf = (node: unknown, { namespace }: Place): { readonly aliases?: ReadonlyArray<string> } => {
  const given = Predicate.isRecord(node) && Array.isArray(node["aliases"]) ? node["aliases"] : []
  return listed(
    given.flatMap((alias) =>
      typeof alias === "string"
        ? Either.match(fullNameOf(alias, undefined, namespace), { onLeft: () => [], onRight: ({ full }) => [full] })
        : []
    ),
    () => true
  )
}

const topLevel: Place = { where: "", namespace: "", depth: 0 }

/**
 * Reads an Avro schema (specification 1.12) from its JSON text: names resolved, a second use of a definition in its
 * place, a use inside itself as `reference`. `references` are the texts of schemas that define names which it uses, each
 * after those that it uses itself.
 */
export const parseSchema = (
  text: string,
  references: ReadonlyArray<string> = []
): Either.Either<AvroSchema, AvroRefused> => {
  const texts = [...new Set(references), text]
  if (texts.reduce((length, each) => length + each.length, 0) > schemaLengthMax) {
    return Either.left(new AvroRefused({ where: "", what: `longer than ${schemaLengthMax} characters` }))
  }
  const parser = new Parser()
  try {
    return Either.right(
      texts.reduce<AvroSchema>((_, each) => parser.type(jsonOf(each), topLevel), { type: "null" })
    )
  } catch (cause) {
    if (cause instanceof AvroRefused) return Either.left(cause)
    throw cause
  }
}

const jsonOf = (text: string): unknown => Either.getOrElse(parseExactJson(text), (what) => refuse(topLevel, what))

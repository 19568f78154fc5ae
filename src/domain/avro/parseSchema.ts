import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { parseExactJson } from "../exactJson.js"
import { AvroRefused } from "./AvroRefused.js"
import type { AvroSchema, RecordField } from "./AvroSchema.js"
import { logicalTypeOf, maxLengthOf } from "./logicalType.js"
import { candidatesOf, fullNameOf, isSimpleName } from "./names.js"

/** Schemas come from outside, so their cost is bounded before they are walked; real ones are far below each limit. */
export const schemaLengthMax = 1_048_576
export const schemaDepthMax = 64
export const schemaTypesMax = 10_000
/** Types where every use of a name is its definition again: twenty records that use one another twice make a million. */
export const schemaExpandedMax = 100_000

type Parsed<A> = Either.Either<A, AvroRefused>

const primitives = ["null", "boolean", "int", "long", "float", "double", "string", "bytes"] as const
const Primitive = Schema.Literal(...primitives)
const isPrimitive = Schema.is(Primitive)

const named = { name: Schema.String, namespace: Schema.optional(Schema.NullOr(Schema.String)) }
const decodeField = Schema.decodeUnknownEither(
  Schema.Struct({
    name: Schema.String,
    type: Schema.Unknown,
    doc: Schema.optional(Schema.Unknown),
    aliases: Schema.optional(Schema.Unknown)
  })
)
const decodeRecord = Schema.decodeUnknownEither(Schema.Struct({ ...named, fields: Schema.Array(Schema.Unknown) }))
const decodeEnum = Schema.decodeUnknownEither(
  Schema.Struct({ ...named, symbols: Schema.NonEmptyArray(Schema.String), default: Schema.optional(Schema.Unknown) })
)
const decodeFixed = Schema.decodeUnknownEither(
  Schema.Struct({ ...named, size: Schema.Int.pipe(Schema.between(0, 2_147_483_647)) })
)
const decodeArray = Schema.decodeUnknownEither(Schema.Struct({ items: Schema.Unknown }))
const decodeMap = Schema.decodeUnknownEither(Schema.Struct({ values: Schema.Unknown }))

/** Where the walk is. */
interface Place {
  readonly where: string
  readonly namespace: string
  readonly depth: number
}

const firstIssue = (error: ParseResult.ParseError): string => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  return issue === undefined ? "not understood" : [...issue.path.map(String), issue.message].join(": ")
}

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

  private refuse(place: Place, what: string): Parsed<never> {
    return Either.left(new AvroRefused({ where: place.where, what }))
  }

  private shape<A>(place: Place, decoded: Either.Either<A, ParseResult.ParseError>): Parsed<A> {
    return Either.mapLeft(decoded, (error) => new AvroRefused({ where: place.where, what: firstIssue(error) }))
  }

  type(node: unknown, place: Place): Parsed<AvroSchema> {
    this.typesSeen += 1
    this.expanded += 1
    if (place.depth > schemaDepthMax) return this.refuse(place, `types are nested deeper than ${schemaDepthMax}`)
    if (this.typesSeen > schemaTypesMax) return this.refuse(place, `more than ${schemaTypesMax} types`)
    if (typeof node === "string") return this.use(node, place)
    if (Array.isArray(node)) return this.union(node, place)
    if (!Predicate.isRecord(node) || Predicate.isNullable(node["type"])) {
      return this.refuse(place, "a type is a name, a list, or an object with \"type\"")
    }
    const { logicalType, type } = node
    if (isPrimitive(type)) {
      const logical = logicalTypeOf(logicalType, node, { type })
      return Either.right({ type, ...(logical === undefined ? {} : { logical }), ...maxLengthOf(type, node) })
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
        return Either.gen(this, function*() {
          const { items } = yield* this.shape(place, decodeArray(node))
          const schema: AvroSchema = { type: "array", items: yield* this.type(items, inside(place, "items")) }
          return schema
        })
      case "map":
        return Either.gen(this, function*() {
          const { values } = yield* this.shape(place, decodeMap(node))
          const schema: AvroSchema = { type: "map", values: yield* this.type(values, inside(place, "values")) }
          return schema
        })
      default:
        // {"type": "com.example.Named"}, {"type": {...}} and {"type": [...]} say no more than their inner type.
        return this.type(type, { ...place, depth: place.depth + 1 })
    }
  }

  private use(name: string, place: Place): Parsed<AvroSchema> {
    if (isPrimitive(name)) return Either.right({ type: name })
    for (const full of candidatesOf(name, place.namespace)) {
      const found = this.names.get(full)
      if (found === undefined) continue
      if (found === "open") return Either.right({ type: "reference", name: full })
      this.expanded += found.expanded
      return this.expanded > schemaExpandedMax
        ? this.refuse(place, `more than ${schemaExpandedMax} types, with each use of a name as its definition again`)
        : Either.right(found.schema)
    }
    return this.refuse(place, `type ${JSON.stringify(name)} is not defined`)
  }

  private union(nodes: ReadonlyArray<unknown>, place: Place): Parsed<AvroSchema> {
    return Either.gen(this, function*() {
      if (nodes.length === 0) return yield* this.refuse(place, "a union without branches")
      const branches = yield* Either.all(nodes.map((node, index) => this.type(node, inside(place, `branch ${index}`))))
      if (branches.some((branch) => branch.type === "union")) {
        return yield* this.refuse(place, "a union directly inside a union")
      }
      const repeated = firstRepeated(branches.map((branch) => "name" in branch ? branch.name : branch.type))
      if (repeated !== undefined) return yield* this.refuse(place, `a union with two branches of type ${repeated}`)
      const schema: AvroSchema = { type: "union", branches }
      return schema
    })
  }

  /** Opens the name of a definition; answers its full name and the place inside it. */
  private define(
    node: { readonly name: string; readonly namespace?: string | null | undefined },
    place: Place
  ): Parsed<readonly [name: string, inner: Place]> {
    const resolved = fullNameOf(node.name, node.namespace ?? undefined, place.namespace)
    if (Either.isLeft(resolved)) return this.refuse(place, resolved.left)
    const { full, namespace } = resolved.right
    if (isPrimitive(full)) return this.refuse(place, `a type cannot be named ${full}`)
    if (this.names.has(full)) return this.refuse(place, `type ${full} is defined twice`)
    this.names.set(full, "open")
    return Either.right([full, { where: full, namespace, depth: place.depth }])
  }

  private record(node: unknown, place: Place): Parsed<AvroSchema> {
    return Either.gen(this, function*() {
      const decoded = yield* this.shape(place, decodeRecord(node))
      const before = this.expanded
      const [name, inner] = yield* this.define(decoded, place)
      const fields: Array<RecordField> = []
      for (const field of decoded.fields) fields.push(yield* this.field(field, inner))
      const repeated = firstRepeated(fields.map((field) => field.name))
      if (repeated !== undefined) return yield* this.refuse(inner, `field ${repeated} occurs twice`)
      const schema: AvroSchema = { type: "record", name, ...aliasesOf(node, inner), fields }
      this.names.set(name, { schema, expanded: this.expanded - before })
      return schema
    })
  }

  private field(node: unknown, record: Place): Parsed<RecordField> {
    return Either.gen(this, function*() {
      const { aliases, doc, name, type } = yield* this.shape(record, decodeField(node))
      // As a key it would set the prototype of the decoded object instead of a field.
      if (name === "__proto__") return yield* this.refuse(record, `a field cannot be named ${name}`)
      if (!isSimpleName(name)) return yield* this.refuse(record, `${JSON.stringify(name)} is not a valid field name`)
      const schema = yield* this.type(type, inside(record, name))
      const field: RecordField = {
        name,
        schema,
        ...(typeof doc === "string" ? { doc } : {}),
        ...listed(aliases, isSimpleName),
        ...(Predicate.isRecord(node) && Object.hasOwn(node, "default") ? { default: { json: node["default"] } } : {})
      }
      return field
    })
  }

  private enumeration(node: unknown, place: Place): Parsed<AvroSchema> {
    return Either.gen(this, function*() {
      const decoded = yield* this.shape(place, decodeEnum(node))
      const [name, inner] = yield* this.define(decoded, place)
      const wrong = decoded.symbols.find((symbol) => !isSimpleName(symbol))
      if (wrong !== undefined) return yield* this.refuse(inner, `${JSON.stringify(wrong)} is not a valid symbol`)
      const repeated = firstRepeated(decoded.symbols)
      if (repeated !== undefined) return yield* this.refuse(inner, `symbol ${repeated} occurs twice`)
      const standIn = decoded.symbols.find((symbol) => symbol === decoded.default)
      const schema: AvroSchema = {
        type: "enum",
        name,
        ...aliasesOf(node, inner),
        symbols: decoded.symbols,
        ...(standIn === undefined ? {} : { default: standIn })
      }
      this.names.set(name, { schema, expanded: 0 })
      return schema
    })
  }

  private fixed(node: unknown, logicalType: unknown, place: Place): Parsed<AvroSchema> {
    return Either.gen(this, function*() {
      const decoded = yield* this.shape(place, decodeFixed(node))
      const [name, inner] = yield* this.define(decoded, place)
      const logical = logicalTypeOf(logicalType, node, { type: "fixed", size: decoded.size })
      const bare = { type: "fixed", name, ...aliasesOf(node, inner), size: decoded.size } as const
      const schema: AvroSchema = logical === undefined ? bare : { ...bare, logical }
      this.names.set(name, { schema, expanded: 0 })
      return schema
    })
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
export const parseSchema = (text: string, references: ReadonlyArray<string> = []): Parsed<AvroSchema> =>
  Either.gen(function*() {
    const texts = [...new Set(references), text]
    if (texts.reduce((length, each) => length + each.length, 0) > schemaLengthMax) {
      return yield* Either.left(new AvroRefused({ where: "", what: `longer than ${schemaLengthMax} characters` }))
    }
    const parser = new Parser()
    let schema: AvroSchema = { type: "null" }
    for (const each of texts) {
      const json = yield* Either.mapLeft(parseExactJson(each), (what) => new AvroRefused({ where: "", what }))
      schema = yield* parser.type(json, topLevel)
    }
    return schema
  })

import { Predicate } from "effect"
import fc from "fast-check"
import { type FieldKind, plainKinds, texts } from "./avroValues.js"
import { documentText, integer } from "./jsonDocuments.js"

// Types that are stored as JSON, made of others. Each tells what its document has to be, from the parts it is made of.

/** A type whose documents are known. */
interface Part {
  readonly label: string
  readonly type: (name: string) => unknown
  readonly values: fc.Arbitrary<unknown>
  readonly document: (value: unknown) => unknown
}

const partOf = ({ document, expected, label, type, values }: FieldKind): Part => ({
  label,
  type,
  values,
  document: document ?? expected
})
const plainParts = plainKinds.map(partOf)

const kindOf = (part: Part): FieldKind => ({ ...part, expected: (value) => documentText(part.document(value)) })

const itemsOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
const entriesOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  Predicate.isRecord(value) ? Object.entries(value) : []

const arrayOf = (item: Part): Part => ({
  label: `array of ${item.label}`,
  type: (name) => ({ type: "array", items: item.type(name) }),
  values: fc.array(item.values, { maxLength: 3 }),
  document: (value) => itemsOf(value).map(item.document)
})

const names = fc.oneof(texts, fc.constantFrom("", "__proto__", "constructor", "1", "a.b", "é", "'", "\"", "\\", "\0"))

const mapOf = (item: Part): Part => ({
  label: `map of ${item.label}`,
  type: (name) => ({ type: "map", values: item.type(name) }),
  values: fc.array(fc.tuple(names, item.values), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  document: (value) => Object.fromEntries(entriesOf(value).map(([name, part]) => [name, item.document(part)]))
})

const recordOf = (parts: ReadonlyArray<Part>): Part => ({
  label: `record of ${parts.map(({ label }) => label).join(", ")}`,
  type: (name) => ({
    type: "record",
    name,
    fields: parts.map((part, index) => ({ name: `p${index}`, type: part.type(`${name}_${index}`) }))
  }),
  values: fc.record(Object.fromEntries(parts.map((part, index) => [`p${index}`, part.values]))),
  document: (value) =>
    Object.fromEntries(
      parts.map((part, index) => [`p${index}`, Predicate.isRecord(value) ? part.document(value[`p${index}`]) : "none"])
    )
})

const orNull = (part: Part): Part => ({
  label: `${part.label} or null`,
  type: (name) => ["null", part.type(name)],
  values: fc.option(part.values),
  document: (value) => value === null ? null : part.document(value)
})

/** What Avro's JSON encoding calls it, as a branch; undefined for definitions, whose names are not known here. */
const branchName = ({ type }: Part): string | undefined => {
  const made = type("name")
  if (typeof made === "string") return made
  return Predicate.isRecord(made) && !("name" in made) ? String(made["type"]) : undefined
}

/** Several branches, of which none is null: a field adds that. */
const wide = (parts: ReadonlyArray<Part>): Part => {
  const byName = new Map(parts.map((part) => [branchName(part), part]))
  return {
    label: `union of ${parts.map(({ label }) => label).join(", ")}`,
    type: (name) => parts.map((part, index) => part.type(`${name}_${index}`)),
    values: fc.oneof(
      ...[...byName].map(([branch, part]) => part.values.map((value) => ({ [branch ?? ""]: value })))
    ),
    document: (value) =>
      Object.fromEntries(entriesOf(value).map(([branch, part]) => [branch, byName.get(branch)?.document(part)]))
  }
}

const duration: Part = {
  label: "duration",
  type: (name) => ({ type: "fixed", name, size: 12, logicalType: "duration" }),
  values: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((array) => Buffer.from(array)),
  document: (value) => {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.alloc(12)
    const [months, days, millis] = [0, 4, 8].map((at) => integer(String(bytes.readUInt32LE(at))))
    return { months, days, millis }
  }
}

/** A list as a record inside itself. */
const chain: Part = {
  label: "recursive record",
  type: (name) => ({
    type: "record",
    name,
    fields: [{ name: "value", type: "long" }, { name: "next", type: ["null", name] }]
  }),
  values: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 5 })
    .map((values) => values.reduceRight<unknown>((next, value) => ({ value, next }), null)),
  document: (value) => linkOf(value)
}
const linkOf = (value: unknown): unknown =>
  Predicate.isRecord(value) ? { value: integer(String(value["value"])), next: linkOf(value["next"]) } : null

const distinctBranches = (parts: fc.Arbitrary<Part>): fc.Arbitrary<ReadonlyArray<Part>> =>
  fc.uniqueArray(parts.filter((part) => branchName(part) !== undefined), {
    selector: branchName,
    minLength: 2,
    maxLength: 4
  })

const partsTo = (depth: number): fc.Arbitrary<Part> => {
  const leaf = fc.constantFrom(...plainParts, duration, chain)
  if (depth === 0) return leaf
  const inner = partsTo(depth - 1)
  // A union directly inside a union is none.
  const innerOrNull = inner.chain((part) =>
    fc.boolean().map((nullable) => nullable && !Array.isArray(part.type("name")) ? orNull(part) : part)
  )
  return fc.oneof(
    { weight: 2, arbitrary: leaf },
    { weight: 1, arbitrary: innerOrNull.map(arrayOf) },
    { weight: 1, arbitrary: innerOrNull.map(mapOf) },
    { weight: 1, arbitrary: fc.array(innerOrNull, { maxLength: 3 }).map(recordOf) },
    { weight: 1, arbitrary: distinctBranches(inner).map(wide) }
  )
}

/** Documents of random types, up to three levels deep. */
export const randomDocument: fc.Arbitrary<FieldKind> = partsTo(2).chain((item) =>
  fc.constantFrom(arrayOf(item), mapOf(item), recordOf([item])).map(kindOf)
)

const plain = (...labels: ReadonlyArray<string>): ReadonlyArray<Part> =>
  plainParts.filter(({ label }) => labels.includes(label))

/** Every row of the mapping that is stored as JSON. */
export const documentKinds: ReadonlyArray<FieldKind> = [
  recordOf(plainParts),
  ...plain("long").map(arrayOf),
  ...plain("double").map(orNull).map(arrayOf),
  ...plain("string").map(mapOf),
  ...plain("bytes").map(arrayOf).map(mapOf),
  wide(plain("boolean", "int", "long", "float", "double", "string", "bytes")),
  wide([...plain("timestamp-micros", "decimal(12, 2)", "date"), ...plain("int").map(arrayOf)].slice(0, 4)),
  duration,
  chain
].map(kindOf)

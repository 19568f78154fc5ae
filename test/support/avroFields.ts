import fc from "fast-check"
import { documentKinds, randomDocument } from "./avroDocuments.js"
import { type FieldKind, plainKinds } from "./avroValues.js"

/** Every row of the mapping. */
const fieldKinds: ReadonlyArray<FieldKind> = [...plainKinds, ...documentKinds]

/** A field of a random record: a kind, bare or in a union with null. */
export interface RandomField {
  readonly kind: FieldKind
  readonly union: "none" | "null first" | "null last"
}

export interface RandomRecords {
  readonly fields: ReadonlyArray<RandomField>
  readonly schemaText: string
  readonly values: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** What Avro allows and a database might stumble over: its own words, nothing but lines, as long as a column's name may be. */
const oddNames = ["select", "_", "ORDER", "__", "null", "values", "n".repeat(64), "rank"]

export const fieldName = (index: number): string => oddNames[index] ?? `f${index}`

const typeOf = ({ kind, union }: RandomField, index: number): unknown => {
  const type = kind.type(`T${index}`)
  const branches: ReadonlyArray<unknown> = Array.isArray(type) ? type : [type]
  return union === "none" ? type : union === "null first" ? ["null", ...branches] : [...branches, "null"]
}

const schemaOf = (fields: ReadonlyArray<RandomField>): string =>
  JSON.stringify({
    type: "record",
    name: "Random",
    namespace: "test",
    fields: fields.map((field, index) => ({
      name: fieldName(index),
      type: typeOf(field, index),
      doc: "it's a \\ \n doc"
    }))
  })

const anyField: fc.Arbitrary<RandomField> = fc.record({
  kind: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...fieldKinds) }, { weight: 1, arbitrary: randomDocument }),
  union: fc.constantFrom("none", "null first", "null last")
})

const valuesOf = ({ kind, union }: RandomField): fc.Arbitrary<unknown> =>
  union === "none"
    ? kind.values
    : fc.oneof({ weight: 4, arbitrary: kind.values }, { weight: 1, arbitrary: fc.constant(null) })

const recordsOf = (fields: ReadonlyArray<RandomField>, count: number): fc.Arbitrary<RandomRecords> =>
  fc.array(
    fc.record(Object.fromEntries(fields.map((field, index) => [fieldName(index), valuesOf(field)]))),
    { minLength: count, maxLength: count }
  ).map((values) => ({ fields, schemaText: schemaOf(fields), values }))

/** Records of one random schema of supported types. */
export const randomRecords = (count: number): fc.Arbitrary<RandomRecords> =>
  fc.array(anyField, { minLength: 1, maxLength: 8 }).chain((fields) => recordsOf(fields, count))

/** Records with a field of every kind, bare and nullable. */
export const fullRecords = (count: number): fc.Arbitrary<RandomRecords> =>
  recordsOf(
    fieldKinds.flatMap((kind): ReadonlyArray<RandomField> => [{ kind, union: "none" }, { kind, union: "null first" }]),
    count
  )

/** What a database has to answer for each field of a record. */
export const expectedRow = (
  { fields }: RandomRecords,
  value: Readonly<Record<string, unknown>>
): ReadonlyArray<string | null> =>
  fields.map(({ kind }, index) => {
    const field = value[fieldName(index)]
    return field === null ? null : kind.expected(field)
  })

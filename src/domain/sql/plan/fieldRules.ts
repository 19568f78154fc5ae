import type { AvroSchema, RecordField, RecordSchema } from "../../avro/AvroSchema.js"
import type { Records } from "../../avro/unions.js"
import type { FieldRules, TopicSettings } from "../../TopicSettings.js"
import { fieldsMax } from "./rowBytes.js"

/** A field that becomes a column. */
export interface PlannedField {
  /** From the outside in, more than one where records are flattened. */
  readonly path: ReadonlyArray<string>
  /** Of the column. */
  readonly name: string
  readonly schema: AvroSchema
  /** Whether a record on the way may be null. */
  readonly nullable: boolean
  readonly masking: "none" | "hash" | "redact"
  readonly doc: string | undefined
  readonly default: RecordField["default"]
}

/** A name in a rule, as `fields.redact`. */
export interface RuleName {
  readonly rule: string
  readonly name: string
}

export interface PlannedFields {
  readonly fields: ReadonlyArray<PlannedField>
  /** Names in the rules that are no columns of the schema. */
  readonly unknown: ReadonlyArray<RuleName>
}

/** The name of a field in the rules: those of the records around it come first, with dots between. */
export const dotted = (path: ReadonlyArray<string>): string => path.join(".")

const mentions = (schema: AvroSchema, name: string): boolean => {
  if (schema.type === "reference") return schema.name === name
  if (schema.type === "record") return schema.fields.some((field) => mentions(field.schema, name))
  if (schema.type === "array") return mentions(schema.items, name)
  if (schema.type === "map") return mentions(schema.values, name)
  return schema.type === "union" && schema.branches.some((branch) => mentions(branch, name))
}

/** The record that a field is, null aside, unless it contains itself: then its columns would have no end. */
const flattened = (schema: AvroSchema): RecordSchema | undefined => {
  const branches = schema.type === "union" ? schema.branches.filter(({ type }) => type !== "null") : [schema]
  const [only, ...others] = branches
  if (only === undefined || others.length > 0 || only.type !== "record") return undefined
  return only.fields.some((field) => mentions(field.schema, only.name)) ? undefined : only
}

/** What the walk knows of the records around a field. */
interface Around {
  readonly path: ReadonlyArray<string>
  readonly prefix: string
  readonly nullable: boolean
  readonly included: boolean
  readonly masking: PlannedField["masking"]
}

const outside = ({ include }: FieldRules): Around => ({
  path: [],
  prefix: "",
  nullable: false,
  included: include === undefined,
  masking: "none"
})

/**
 * The columns' fields, in the order of the schema. A rule that names a flattened record holds for all that is in it:
 * renaming it renames the beginning of its columns' names.
 */
export const planFields = (
  schema: RecordSchema,
  rules: FieldRules,
  nested: TopicSettings["types"]["nested"]
): PlannedFields => {
  const fields: Array<PlannedField> = []
  const known = new Set<string>()
  const walk = (record: RecordSchema, around: Around): void => {
    for (const field of record.fields) {
      // Beyond this the plan is refused; a schema whose records multiply must not be walked to its end.
      if (fields.length > fieldsMax) return
      const path = [...around.path, field.name]
      const name = dotted(path)
      known.add(name)
      const inside = {
        path,
        prefix: rules.rename.get(name) ?? around.prefix + field.name,
        included: around.included || rules.include?.has(name) === true,
        masking: rules.redact.has(name) ? "redact" : rules.hash.has(name) ? "hash" : around.masking
      } as const
      const inner = nested === "flatten" ? flattened(field.schema) : undefined
      if (rules.exclude.has(name)) {
        if (inner !== undefined) namesWithin(inner, path, known)
      } else if (inner !== undefined) {
        walk(inner, {
          ...inside,
          prefix: `${inside.prefix}_`,
          nullable: around.nullable || field.schema.type === "union" && field.schema.branches.length > 1
        })
      } else if (inside.included) {
        const { masking, prefix } = inside
        const { default: preset, doc } = field
        fields.push({
          path,
          name: prefix,
          schema: field.schema,
          nullable: around.nullable,
          masking,
          doc,
          default: preset
        })
      }
    }
  }
  walk(schema, outside(rules))
  return { fields, unknown: unknownNames(rules, known) }
}

/** Names of what is left out are known all the same. */
const namesWithin = (record: RecordSchema, around: ReadonlyArray<string>, known: Set<string>): void => {
  for (const field of record.fields) {
    const path = [...around, field.name]
    known.add(dotted(path))
    const inner = flattened(field.schema)
    if (inner !== undefined && known.size <= 2 * fieldsMax) namesWithin(inner, path, known)
  }
}

/** The names in the rules but for those that are known. */
export const unknownNames = (rules: FieldRules, known: ReadonlySet<string>): ReadonlyArray<RuleName> =>
  ([
    ["fields.include", rules.include ?? []],
    ["fields.exclude", rules.exclude],
    ["fields.rename", rules.rename.keys()],
    ["fields.hash", rules.hash],
    ["fields.redact", rules.redact]
  ] as const).flatMap(([rule, names]) => [...names].filter((name) => !known.has(name)).map((name) => ({ rule, name })))

/** Whether a value of the schema may have a field of that name somewhere inside a document, where no rule reaches it. */
export const isWithin = (schema: AvroSchema, path: ReadonlyArray<string>, records: Records): boolean => {
  const [field, ...inner] = path
  switch (schema.type) {
    case "array":
      return isWithin(schema.items, path, records)
    case "map":
      return isWithin(schema.values, path, records)
    case "union":
      return schema.branches.some((branch) => isWithin(branch, path, records))
    case "record":
    case "reference": {
      const found = records.get(schema.name)?.fields.find(({ name }) => name === field)
      return found !== undefined && (inner.length === 0 || isWithin(found.schema, inner, records))
    }
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
      return false
  }
}

import * as Either from "effect/Either"
import type { AvroSchema, RecordSchema } from "../../avro/AvroSchema.js"
import type { TopicSettings } from "../../TopicSettings.js"
import { columnOf } from "./columnType.js"
import type { Problem } from "./Problem.js"
import { columnBytes, keyBytesMax } from "./rowBytes.js"
import { foldedName } from "../Row.js"
import type { Column } from "../TablePlan.js"

/** InnoDB's limit of columns in an index (error 1070). */
const keyColumnsMax = 16

export interface Found {
  readonly columns: ReadonlyArray<Column>
  readonly problems: ReadonlyArray<Problem & { readonly field: string | undefined }>
}

const recordIn = (schema: AvroSchema): RecordSchema | undefined => {
  if (schema.type === "record") return schema
  if (schema.type !== "union") return undefined
  const [only, ...others] = schema.branches.filter(({ type }) => type !== "null")
  return only?.type === "record" && others.length === 0 ? only : undefined
}

/**
 * The columns of a record's key: the fields of a record, those of them that `keyFields` names; else the whole, which
 * `keyFields` gives its name. In an upsert they find the row again, so they are never NULL; appended, they are columns
 * like others, and NULL where a record has no key.
 */
export const recordKeyColumns = (keySchema: AvroSchema, settings: TopicSettings): Found => {
  const { insertMode, keyFields, types } = settings
  const isKey = insertMode === "upsert"
  const problems: Array<Found["problems"][number]> = []
  const columns: Array<Column> = []
  const add = (path: ReadonlyArray<string>, name: string, schema: AvroSchema, doc?: string): void => {
    const mapped = columnOf(schema, types, isKey, keySchema)
    if (Either.isLeft(mapped)) {
      problems.push({ field: name, ...mapped.left })
    } else {
      const { type } = mapped.right
      columns.push({ from: "key", path, name, type, nullable: !isKey, ...(doc === undefined ? {} : { doc }) })
    }
  }
  const record = recordIn(keySchema)
  if (record === undefined) {
    const [name = "key", ...more] = keyFields
    if (more.length > 0) {
      problems.push({
        field: undefined,
        what: `pk.fields names ${keyFields.length} fields, and the record's key is one value`,
        cure: "name its one column"
      })
    }
    add([], name, keySchema)
    return { columns, problems }
  }
  if (record.fields.length === 0) {
    problems.push({
      field: undefined,
      what: "the record's key is a record without fields",
      cure: "choose another pk.mode"
    })
  }
  for (const name of keyFields.length === 0 ? record.fields.map((field) => field.name) : keyFields) {
    const field = record.fields.find((each) => each.name === name)
    if (field === undefined) problems.push(unknownKeyField(name, "the record's key"))
    else add([name], name, field.schema, field.doc)
  }
  return { columns, problems }
}

export const unknownKeyField = (field: string, where: string): Found["problems"][number] => ({
  field,
  what: `pk.fields names it, and ${where} has no such field`,
  cure: "correct pk.fields"
})

/** What is wrong with the key as a whole. */
export const keyProblems = (columns: ReadonlyArray<Column>): ReadonlyArray<Problem> => {
  const bytes = columns.reduce((sum, { type }) => sum + columnBytes(type), 0)
  const cure = "choose fewer or shorter key fields with pk.fields"
  return [
    ...(columns.length > keyColumnsMax
      ? [{ what: `a key of ${columns.length} columns, InnoDB takes ${keyColumnsMax}`, cure }]
      : []),
    ...(bytes > keyBytesMax ? [{ what: `a key of ${bytes} bytes, InnoDB takes ${keyBytesMax}`, cure }] : [])
  ]
}

/** What is masked in the value must not be stored as it is because the key brings it along. */
export const unmaskedProblems = (
  key: Column,
  fromValue: ReadonlyArray<Column>,
  { hash, redact }: TopicSettings["fields"]
): ReadonlyArray<Problem> => {
  const isKey = (name: string): boolean =>
    [key.name, ...key.path.slice(-1)].some((each) => foldedName(each) === foldedName(name))
  const isMasked = [...hash, ...redact].some(isKey)
    || fromValue.some(({ name, redacted, type }) => isKey(name) && (redacted === true || type.kind === "hash"))
  return isMasked
    ? [{
      what: "fields.hash or fields.redact masks it, and the record's key would store it as it is",
      cure: "leave it out of the key's columns with pk.fields, or mask it in the producer and take it out of the rule"
    }]
    : []
}

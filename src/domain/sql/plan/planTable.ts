import * as Either from "effect/Either"
import type { AvroSchema } from "../../avro/AvroSchema.js"
import { defaultValue } from "../../avro/jsonValue.js"
import { type Records, recordsOf } from "../../avro/unions.js"
import type { TopicSettings } from "../../TopicSettings.js"
import { columnOf } from "./columnType.js"
import { dotted, planFields, type PlannedField } from "./fieldRules.js"
import { keyProblems, recordKeyColumns, unknownKeyField } from "./keyColumns.js"
import { metadataColumn } from "../metadata.js"
import { columnNameProblems, type Problem, tableProblems } from "./names.js"
import { foldedName } from "../Row.js"
import { fieldsMax, rowBytes, rowBytesMax } from "./rowBytes.js"
import { SetupProblem } from "./SetupProblem.js"
import type { Column, TablePlan } from "../TablePlan.js"

export interface PlanRequest {
  readonly topic: string
  /** Of the value; 0 where it is not from a registry. */
  readonly schemaId: number
  readonly table: string
  readonly schema: AvroSchema
  /** Of the record's key, where the settings say that it becomes columns. */
  readonly keySchema?: AvroSchema
  readonly settings: TopicSettings
}

type Planned = Either.Either<TablePlan, ReadonlyArray<SetupProblem>>

/** Collects what is wrong, so that every problem is reported, not just the first. */
type Report = (field: string | undefined, found: ReadonlyArray<Problem>) => void

const sizeProblems = (columns: ReadonlyArray<Column>): ReadonlyArray<Problem> => {
  const cure = "split the record, or leave fields out with fields.exclude"
  const bytes = rowBytes(columns)
  return [
    ...(columns.length > fieldsMax ? [{ what: `${columns.length} fields, InnoDB takes ${fieldsMax}`, cure }] : []),
    ...(bytes > rowBytesMax ? [{ what: `a row of ${bytes} bytes, MySQL takes ${rowBytesMax}`, cure }] : [])
  ]
}

/** What a record has whose schema lacks the field; a default that does not fit its type is none. */
const presetOf = ({ default: preset, path, schema }: PlannedField, records: Records): Pick<Column, "default"> => {
  // Of a field in a record it holds only where the record is there.
  if (preset === undefined || path.length > 1) return {}
  return Either.match(defaultValue(schema, preset.json, records), {
    onLeft: () => ({}),
    onRight: (value) => ({ default: { value } })
  })
}

/** The column of a field, with what the rules and the key make of it. */
const fieldColumn = (
  field: PlannedField,
  request: PlanRequest,
  isKey: boolean,
  records: Records,
  report: Report
): Column => {
  const { doc, masking, name, path } = field
  const { schema, settings } = request
  const place = path.length === 0 ? undefined : dotted(path)
  const column = { from: "value", path, name, ...(doc === undefined ? {} : { doc }) } as const
  const mapped = columnOf(field.schema, settings.types, isKey && masking !== "hash", schema)
  if (Either.isLeft(mapped)) {
    report(place, [mapped.left])
    // The plan is refused; its names are checked all the same.
    return { ...column, type: { kind: "null" }, nullable: true }
  }
  const { type } = mapped.right
  const nullable = !isKey && (mapped.right.nullable || field.nullable)
  if (masking === "redact") {
    if (isKey) report(place, [{ what: "a redacted field cannot be a key", cure: "hash it instead" }])
    return { ...column, type, nullable: true, redacted: true }
  }
  if (masking === "none") return { ...column, type, nullable, ...(isKey ? {} : presetOf(field, records)) }
  if (type.kind === "json" || type.kind === "null") {
    const what = `fields.hash names it, and a value of kind ${type.kind} has no bytes of its own`
    report(place, [{ what, cure: "use fields.redact or fields.exclude" }])
  }
  return { ...column, type: { kind: "hash" }, nullable }
}

interface ValueColumns {
  readonly columns: ReadonlyArray<Column>
  /** Those by which `record_value` finds a row again. */
  readonly key: ReadonlyArray<string>
}

/** A column per field, or one column `value` where the value is not a record. */
const valueColumns = (request: PlanRequest, report: Report): ValueColumns => {
  const { schema, settings } = request
  const { fields: rules, insertMode, keyFields, keyMode, types } = settings
  const records = recordsOf(schema)
  const wanted = insertMode === "upsert" && keyMode === "record_value" ? keyFields : []
  if (schema.type !== "record") {
    const whole = { path: [], name: "value", schema, nullable: false, masking: "none", doc: undefined } as const
    const isKey = wanted.includes("value")
    const column = fieldColumn({ ...whole, default: undefined }, request, isKey, records, report)
    return { columns: [column], key: isKey ? ["value"] : [] }
  }
  const { fields, unknown } = planFields(schema, rules, types.nested)
  for (const { name, rule } of unknown) {
    report(name, [{ what: `${rule} names it, and the schema has no such field`, cure: `correct ${rule}` }])
  }
  const key = wanted.flatMap((name) => {
    const field = fields.find(({ path }) => dotted(path) === name)
    if (field !== undefined) return [field.name]
    report(name, [unknownKeyField(name, "what the schema and fields.include leave")])
    return []
  })
  const columns = fields.map((field) =>
    fieldColumn(field, request, wanted.includes(dotted(field.path)), records, report)
  )
  return { columns, key }
}

/** A field of the value that has the name of a key column is that column, and taken from the key. */
const withKeyColumns = (columns: ReadonlyArray<Column>, keys: ReadonlyArray<Column>): ReadonlyArray<Column> => {
  const byName = new Map(keys.map((key) => [foldedName(key.name), key]))
  const names = new Set(columns.map(({ name }) => foldedName(name)))
  return [
    ...keys.filter(({ name }) => !names.has(foldedName(name))),
    ...columns.map((column) => byName.get(foldedName(column.name)) ?? column)
  ]
}

const makeReport = (topic: string, schemaId: number) => {
  const problems: Array<SetupProblem> = []
  const report: Report = (field, found) => {
    for (const { cure, what } of found) problems.push(new SetupProblem({ topic, schemaId, field, what, cure }))
  }
  return { problems, report }
}

const keyOf = (keySchema: AvroSchema | undefined, settings: TopicSettings, report: Report): ReadonlyArray<Column> => {
  if (settings.keyMode !== "record_key") return []
  if (keySchema === undefined) {
    report(undefined, [{ what: "the record's key has no schema", cure: "set key.format, and for json key.schema" }])
    return []
  }
  const { columns, problems } = recordKeyColumns(keySchema, settings)
  for (const { field, ...problem } of problems) report(field, [problem])
  return columns
}

/** The table for the records of one schema. Every problem is reported, not just the first. */
export const planTable = (request: PlanRequest): Planned => {
  const { keySchema, schemaId, settings, table, topic } = request
  const { problems, report } = makeReport(topic, schemaId)
  report(undefined, tableProblems(table))
  const fromKey = keyOf(keySchema, settings, report)
  const { columns: fromValue, key: valueKey } = valueColumns(request, report)
  const columns = withKeyColumns(fromValue, fromKey)
  const metadata = settings.metadataColumns
  const firsts = new Map<string, Column>()
  for (const column of columns) {
    const folded = foldedName(column.name)
    report(dotted(column.path) || column.name, columnNameProblems(column, firsts.get(folded), metadata))
    if (!firsts.has(folded)) firsts.set(folded, column)
  }
  report(undefined, sizeProblems([...columns, ...metadata.map(metadataColumn)]))
  const isUpsert = settings.insertMode === "upsert"
  const key = isUpsert ? [...fromKey.map(({ name }) => name), ...valueKey] : []
  if (isUpsert) report(undefined, keyProblems(columns.filter(({ name }) => key.includes(name))))
  return problems.length > 0
    ? Either.left(problems)
    : Either.right({
      topic,
      schemaId,
      table,
      columns,
      key,
      metadata,
      ...(isUpsert ? { uniqueIndexesAllowed: settings.uniqueIndexesAllowed } : {})
    })
}

export interface DeletePlanRequest {
  readonly topic: string
  readonly table: string
  readonly keySchema: AvroSchema
  readonly settings: TopicSettings
}

/** The key's columns alone: what a record without a value says of a row. The same names and types as in `planTable`. */
export const planDelete = ({ keySchema, settings, table, topic }: DeletePlanRequest): Planned => {
  const { problems, report } = makeReport(topic, 0)
  report(undefined, tableProblems(table))
  const columns = keyOf(keySchema, settings, report)
  report(undefined, keyProblems(columns))
  return problems.length > 0
    ? Either.left(problems)
    : Either.right({ topic, schemaId: 0, table, columns, key: columns.map(({ name }) => name), metadata: [] })
}

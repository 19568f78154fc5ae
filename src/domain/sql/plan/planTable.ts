import * as Either from "effect/Either"
import type { AvroSchema } from "../../avro/AvroSchema.js"
import type { TopicSettings } from "../../TopicSettings.js"
import { metadataColumn } from "../metadata.js"
import { foldedName } from "../Row.js"
import type { Column, TablePlan } from "../TablePlan.js"
import { dotted } from "./fieldRules.js"
import { keyProblems, recordKeyColumns, unmaskedProblems } from "./keyColumns.js"
import { columnNameProblems, tableProblems } from "./names.js"
import { notesOf } from "./notes.js"
import type { PlanRequest } from "./PlanRequest.js"
import { makeReport, type Problem, type Report } from "./Problem.js"
import { fieldsMax, rowBytes, rowBytesMax } from "./rowBytes.js"
import type { SetupProblem } from "./SetupProblem.js"
import { valueColumns } from "./valueColumns.js"

type Planned = Either.Either<TablePlan, ReadonlyArray<SetupProblem>>

const sizeProblems = (columns: ReadonlyArray<Column>): ReadonlyArray<Problem> => {
  const cure = "split the record, or leave fields out with fields.exclude"
  const bytes = rowBytes(columns)
  return [
    ...(columns.length > fieldsMax ? [{ what: `${columns.length} fields, InnoDB takes ${fieldsMax}`, cure }] : []),
    ...(bytes > rowBytesMax ? [{ what: `a row of ${bytes} bytes, MySQL takes ${rowBytesMax}`, cure }] : [])
  ]
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
  const { columns: fromValue, key: valueKey, unknown } = valueColumns(request, report)
  for (const key of fromKey) report(key.name, unmaskedProblems(key, fromValue, settings.fields))
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
  if (
    isUpsert &&
    (settings.keyMode === "none" || (settings.keyMode === "record_value" && settings.keyFields.length === 0))
  ) {
    report(undefined, [{ what: "upsert needs a key, and there is none", cure: "set pk.mode and pk.fields" }])
  }
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
      notes: notesOf(columns, unknown, settings),
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
    : Either.right({
      topic,
      schemaId: 0,
      table,
      columns,
      key: columns.map(({ name }) => name),
      metadata: [],
      notes: []
    })
}

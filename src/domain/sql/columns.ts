import * as Either from "effect/Either"
import type { AvroSchema, RecordField } from "../avro/AvroSchema.js"
import { columnOf } from "./columnType.js"
import type { TopicSettings } from "../TopicSettings.js"
import { fieldsMax, rowBytes, rowBytesMax } from "./rowBytes.js"
import { SetupProblem } from "./SetupProblem.js"
import { type Column, keyColumnNames, type TablePlan } from "./TablePlan.js"

/** MySQL's limit for the names of tables and columns, in characters. */
const nameLengthMax = 64
const ownTables = ["kafka_offsets", "kafka_sources", "dead_letters"]

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

interface Problem {
  readonly what: string
  readonly cure: string
}

/** Column names compare without case everywhere in MySQL; table names where lower_case_table_names says so. */
const folded = (name: string): string => name.toLowerCase()

/** What MySQL does not take as a name, even quoted. */
const nameProblem = (kind: "table" | "column", name: string): string | undefined => {
  if (name === "") return `the ${kind}'s name is empty`
  if (name.includes("\0")) return `the ${kind}'s name contains a NUL`
  if (/[\ud800-\udfff]/.test(name)) return `the ${kind}'s name contains a character beyond U+FFFF`
  if (name.endsWith(" ")) return `the ${kind}'s name ends with a blank`
  return name.length > nameLengthMax
    ? `the ${kind}'s name has ${name.length} characters, more than ${nameLengthMax}`
    : undefined
}

const tableProblems = (table: string): ReadonlyArray<Problem> => {
  const wrong = nameProblem("table", table)
  const own = ownTables.includes(folded(table))
  return [
    ...(wrong === undefined ? [] : [{ what: wrong, cure: "choose another one with table.name.format" }]),
    ...(own ? [{ what: `${table} is Tributary's own table`, cure: "choose another with table.name.format" }] : [])
  ]
}

/** `before`: the first field whose name is the same without case, if it is another one. */
const fieldNameProblems = (field: RecordField, before: RecordField | undefined): ReadonlyArray<Problem> => {
  const wrong = nameProblem("column", field.name)
  const reserved = keyColumnNames.find((name) => name === folded(field.name))
  const cure = "rename the field in the schema"
  return [
    ...(wrong === undefined ? [] : [{ what: wrong, cure }]),
    ...(reserved === undefined ? [] : [{ what: `the name is reserved for Tributary's column ${reserved}`, cure }]),
    ...(before === undefined
      ? []
      : [{ what: `it collides with field ${JSON.stringify(before.name)}: column names have no case`, cure }])
  ]
}

const sizeProblems = (columns: ReadonlyArray<Column>): ReadonlyArray<Problem> => {
  const cure = "split the record, or leave fields out of the schema"
  const bytes = rowBytes(columns)
  return [
    ...(columns.length > fieldsMax ? [{ what: `${columns.length} fields, InnoDB takes ${fieldsMax}`, cure }] : []),
    ...(bytes > rowBytesMax ? [{ what: `a row of ${bytes} bytes, MySQL takes ${rowBytesMax}`, cure }] : [])
  ]
}

/**
 * The table for the records of one schema: a column per field, or one column `value` where the top-level value is not a
 * record. Every problem is reported, not just the first.
 */
export const planTable = (request: PlanRequest): Either.Either<TablePlan, ReadonlyArray<SetupProblem>> => {
  const { schema, schemaId, settings, table, topic } = request
  const problems: Array<SetupProblem> = []
  const report = (field: string | undefined, found: ReadonlyArray<Problem>): void => {
    for (const problem of found) problems.push(new SetupProblem({ topic, schemaId, field, ...problem }))
  }
  const columns: Array<Column> = []
  const map = (path: ReadonlyArray<string>, name: string, type: AvroSchema, doc: string | undefined): void => {
    const mapped = columnOf(type, settings.types, false, schema)
    if (Either.isLeft(mapped)) report(path[0], [mapped.left])
    else columns.push({ from: "value", path, name, ...mapped.right, ...(doc === undefined ? {} : { doc }) })
  }
  report(undefined, tableProblems(table))
  if (schema.type === "record") {
    const firsts = new Map<string, RecordField>()
    for (const field of schema.fields) {
      report(field.name, fieldNameProblems(field, firsts.get(folded(field.name))))
      if (!firsts.has(folded(field.name))) firsts.set(folded(field.name), field)
      map([field.name], field.name, field.schema, field.doc)
    }
  } else {
    map([], "value", schema, undefined)
  }
  report(undefined, sizeProblems(columns))
  return problems.length === 0
    ? Either.right({ topic, schemaId, table, columns, key: [], metadata: settings.metadataColumns })
    : Either.left(problems)
}

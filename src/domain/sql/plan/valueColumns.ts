import * as Either from "effect/Either"
import { defaultValue } from "../../avro/jsonValue.js"
import { type Records, recordsOf } from "../../avro/unions.js"
import type { Column } from "../TablePlan.js"
import { columnOf } from "./columnType.js"
import { dotted, isWithin, planFields, type PlannedField, type RuleName, unknownNames } from "./fieldRules.js"
import { unknownKeyField } from "./keyColumns.js"
import type { PlanRequest } from "./PlanRequest.js"
import type { Problem, Report } from "./Problem.js"

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

export interface ValueColumns {
  readonly columns: ReadonlyArray<Column>
  /** Those by which `record_value` finds a row again. */
  readonly key: ReadonlyArray<string>
  /** Names in the rules that the schema does not have. */
  readonly unknown: ReadonlyArray<RuleName>
}

/** One column `value`, of a value that is not a record. */
const wholeColumn = (request: PlanRequest, keyFields: ReadonlyArray<string>, report: Report): ValueColumns => {
  const { schema, settings: { fields: rules } } = request
  for (const name of keyFields) {
    if (name !== "value") report(name, [unknownKeyField(name, "the value, no record but one column `value`,")])
  }
  const isKey = keyFields.includes("value")
  const masking = rules.redact.has("value") ? "redact" : rules.hash.has("value") ? "hash" : "none"
  const name = rules.rename.get("value") ?? "value"
  const field = { path: [], name, schema, nullable: false, masking, doc: undefined, default: undefined } as const
  const column = fieldColumn(field, request, isKey, recordsOf(schema), report)
  return { columns: [column], key: isKey ? [name] : [], unknown: unknownNames(rules, new Set(["value"])) }
}

/** A rule for what is inside a document would do nothing, to a field that is there. */
const withinDocument = (
  { name, rule }: RuleName,
  fields: ReadonlyArray<PlannedField>,
  records: Records
): ReadonlyArray<Problem> => {
  const document = fields.find(({ path, schema }) =>
    name.startsWith(`${dotted(path)}.`) && isWithin(schema, name.split(".").slice(path.length), records)
  )
  if (document === undefined) return []
  const outer = dotted(document.path)
  return [{
    what: `${rule} names it, and it is inside the JSON of ${outer}, where no rule reaches`,
    cure: `name ${outer} itself, or set nested.mode=flatten where it is a record`
  }]
}

/** A column per field, or one column `value` where the value is not a record. */
export const valueColumns = (request: PlanRequest, report: Report): ValueColumns => {
  const { schema, settings } = request
  const { fields: rules, insertMode, keyFields, keyMode, types } = settings
  const wanted = insertMode === "upsert" && keyMode === "record_value" ? keyFields : []
  if (schema.type !== "record") return wholeColumn(request, wanted, report)
  const records = recordsOf(schema)
  const { fields, unknown } = planFields(schema, rules, types.nested)
  for (const each of unknown) report(each.name, withinDocument(each, fields, records))
  const key = wanted.flatMap((name) => {
    const field = fields.find(({ path }) => dotted(path) === name)
    if (field !== undefined) return [field.name]
    report(name, [unknownKeyField(name, "what the schema and fields.include leave")])
    return []
  })
  const columns = fields.map((field) =>
    fieldColumn(field, request, wanted.includes(dotted(field.path)), records, report)
  )
  return { columns, key, unknown }
}

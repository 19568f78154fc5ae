import { foldedName } from "../Row.js"
import { type Column, keyColumnNames } from "../TablePlan.js"
import type { Problem } from "./Problem.js"

/** MySQL's limit for the names of tables and columns, in characters. */
const nameLengthMax = 64
const ownTables = ["kafka_offsets", "kafka_sources", "dead_letters"]

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

/** Table names compare without case where lower_case_table_names says so, which no plan can know. */
export const tableProblems = (table: string): ReadonlyArray<Problem> => {
  const wrong = nameProblem("table", table)
  const own = ownTables.includes(foldedName(table))
  return [
    ...(wrong === undefined ? [] : [{ what: wrong, cure: "choose another one with table.name.format" }]),
    ...(own ? [{ what: `${table} is Tributary's own table`, cure: "choose another with table.name.format" }] : [])
  ]
}

/** The field of a column in the words of its schema. */
const originOf = ({ from, name, path }: Column): string =>
  `${from === "key" ? "key field" : "field"} ${JSON.stringify(path.length === 0 ? name : path.join("."))}`

/** `before`: the first column whose name is the same, if it is another one; `metadata`: whose names are taken as well. */
export const columnNameProblems = (
  column: Column,
  before: Column | undefined,
  metadata: ReadonlyArray<string>
): ReadonlyArray<Problem> => {
  const { name } = column
  const wrong = nameProblem("column", name)
  const reserved = [...keyColumnNames, ...metadata].find((each) => each === foldedName(name))
  const cure = "rename the field in the schema, or its column with fields.rename"
  return [
    ...(wrong === undefined ? [] : [{ what: wrong, cure }]),
    ...(reserved === undefined ? [] : [{ what: `the name is reserved for Tributary's column ${reserved}`, cure }]),
    ...(before === undefined
      ? []
      : [{ what: `it collides with ${originOf(before)}: column names have no case`, cure }])
  ]
}

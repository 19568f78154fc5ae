import * as Arr from "effect/Array"
import type { MetadataColumn, TopicSettings } from "../../TopicSettings.js"
import type { Column } from "../TablePlan.js"
import type { RuleName } from "./fieldRules.js"

const quoted = (names: ReadonlyArray<string>): string => names.map((name) => JSON.stringify(name)).join(", ")

const masks = ["fields.hash", "fields.redact"]

/**
 * An older version of a schema may lack what a rule names, which nobody can cure; so may every version, where the name is
 * misspelt. Only the owner can tell, and has to be told: a misspelt rule masks nothing.
 */
const unknownNotes = (unknown: ReadonlyArray<RuleName>): ReadonlyArray<string> =>
  Object.entries(Arr.groupBy(unknown, ({ rule }) => rule)).map(([rule, names]) =>
    `${rule} names ${quoted(names.map(({ name }) => name))}, which this schema does not have: ${
      masks.includes(rule) ? "nothing is masked by that" : "that has no effect"
    }`
  )

const cutOffNotes = (columns: ReadonlyArray<Column>): ReadonlyArray<string> => {
  const cutOff = columns.filter(({ redacted, type }) =>
    redacted !== true && type.kind === "nanos" && type.stored === "datetime"
  )
  if (cutOff.length === 0) return []
  return [`nanoseconds of ${quoted(cutOff.map(({ name }) => name))} are cut off to microseconds [types.nanos=datetime]`]
}

const keyNotes = (metadata: ReadonlyArray<MetadataColumn>, { hash, redact }: TopicSettings["fields"]) =>
  metadata.includes("_key") && hash.size + redact.size > 0
    ? ["column _key holds the record's key as it is, also what fields.hash and fields.redact name"]
    : []

/** What does not keep a plan from going ahead, and would surprise the topic's owner later. */
export const notesOf = (
  columns: ReadonlyArray<Column>,
  unknown: ReadonlyArray<RuleName>,
  { fields, metadataColumns }: TopicSettings
): ReadonlyArray<string> => [...unknownNotes(unknown), ...cutOffNotes(columns), ...keyNotes(metadataColumns, fields)]

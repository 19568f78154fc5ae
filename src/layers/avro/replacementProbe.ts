import * as Predicate from "effect/Predicate"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"

type Probe = (value: unknown) => boolean

/** What a UTF-8 decoder puts where it finds no UTF-8. */
const replacement = "\ufffd"

const inText: Probe = (value) => typeof value === "string" && value.includes(replacement)

/** Looks into everything that a decoded value may hold. */
const anywhere: Probe = (value) => {
  if (typeof value === "string") return value.includes(replacement)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false
  return Object.entries(value).some(([key, inner]) => key.includes(replacement) || anywhere(inner))
}

/** Undefined where no value of the schema holds a string. */
const probeOf = (schema: AvroSchema): Probe | undefined => {
  switch (schema.type) {
    case "string":
      return inText
    case "union":
      return schema.branches.every((branch) => branch.type === "null" || branch.type === "string") ? inText : anywhere
    case "record":
    case "array":
    case "map":
    case "reference":
      return anywhere
    case "null":
    case "boolean":
    case "int":
    case "long":
    case "float":
    case "double":
    case "bytes":
    case "enum":
    case "fixed":
      return undefined
  }
}

/**
 * Whether a decoded value holds a replacement character, and so may have been invalid UTF-8. Runs for every record:
 * fields that cannot hold text are not looked at.
 */
export const replacementProbe = (schema: AvroSchema): Probe => {
  if (schema.type !== "record") return probeOf(schema) ?? (() => false)
  const probes = schema.fields.flatMap((field) => {
    const probe = probeOf(field.schema)
    return probe === undefined ? [] : [{ name: field.name, probe }]
  })
  return (value) => Predicate.isRecord(value) && probes.some(({ name, probe }) => probe(value[name]))
}

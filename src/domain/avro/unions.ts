import type { AvroSchema, RecordSchema } from "./AvroSchema.js"

/** What Avro's JSON encoding calls a branch: the full name of what has one, else the type's. */
export const branchName = (schema: AvroSchema): string => "name" in schema ? schema.name : schema.type

/** Whether values say their branch: with more than one beside null, the value alone does not always tell. */
export const isWide = (branches: ReadonlyArray<AvroSchema>): boolean =>
  branches.filter((branch) => branch.type !== "null").length > 1

export type Records = ReadonlyMap<string, RecordSchema>

/** The records of a schema by name, which is what its references mean. Found once: each column of a table asks. */
export const recordsOf = (schema: AvroSchema): Records => {
  const known = found.get(schema)
  if (known !== undefined) return known
  const records = collected(schema)
  found.set(schema, records)
  return records
}

const found = new WeakMap<AvroSchema, Records>()

const collected = (schema: AvroSchema): Records => {
  const records = new Map<string, RecordSchema>()
  const collect = (node: AvroSchema): void => {
    switch (node.type) {
      case "record":
        // A second use of a definition is the same object again.
        if (records.has(node.name)) return
        records.set(node.name, node)
        for (const field of node.fields) collect(field.schema)
        return
      case "union":
        for (const branch of node.branches) collect(branch)
        return
      case "array":
        return collect(node.items)
      case "map":
        return collect(node.values)
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
      case "reference":
    }
  }
  collect(schema)
  return records
}

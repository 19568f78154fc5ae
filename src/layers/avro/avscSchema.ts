import type { Schema, Type } from "avsc"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"

type NotUnion = Exclude<Schema, Type | ReadonlyArray<unknown>>

/**
 * The schema as avsc is to see it: what Tributary has parsed, with full names, without logical types, defaults and
 * aliases. So there is one reading of a schema, and what avsc understands differently (names as objects, attributes on
 * primitives) never reaches it.
 */
export const avscSchema = (schema: AvroSchema): Schema => {
  const defined = new Set<string>()

  const define = (node: Exclude<AvroSchema, { readonly type: "union" }>): NotUnion => {
    switch (node.type) {
      case "array":
        return { type: "array", items: convert(node.items) }
      case "map":
        return { type: "map", values: convert(node.values) }
      case "reference":
        return node.name
      case "record":
      case "enum":
      case "fixed":
        break
      case "null":
      case "boolean":
      case "int":
      case "long":
      case "float":
      case "double":
      case "string":
      case "bytes":
        return node.type
    }
    // A definition is given once, where it is first used; after that its name stands for it.
    if (defined.has(node.name)) return node.name
    defined.add(node.name)
    switch (node.type) {
      case "record":
        return {
          type: "record",
          name: node.name,
          fields: node.fields.map((field) => ({ name: field.name, type: convert(field.schema) }))
        }
      case "enum":
        return { type: "enum", name: node.name, symbols: [...node.symbols] }
      case "fixed":
        return { type: "fixed", name: node.name, size: node.size }
    }
  }

  const convert = (node: AvroSchema): Schema =>
    node.type === "union"
      ? node.branches.flatMap((branch) => branch.type === "union" ? [] : [define(branch)])
      : define(node)

  return convert(schema)
}

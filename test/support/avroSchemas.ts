import fc from "fast-check"

const leaf = fc.constantFrom<unknown>("null", "boolean", "int", "long", "float", "double", "string", "bytes")

/** Schemas of every type, nested, recursive and with unions of any width, as JSON. Names come from their place. */
export const randomSchemas: fc.Arbitrary<unknown> = fc.letrec<{ readonly node: unknown }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.tuple(fc.constant("array"), tie("node")),
    fc.tuple(fc.constant("map"), tie("node")),
    fc.tuple(fc.constant("record"), fc.array(tie("node"), { maxLength: 4 })),
    fc.tuple(fc.constant("list"), tie("node")),
    fc.tuple(fc.constant("union"), fc.array(tie("node"), { minLength: 1, maxLength: 4 })),
    fc.tuple(fc.constant("enum"), fc.integer({ min: 1, max: 3 })),
    fc.tuple(fc.constant("fixed"), fc.integer({ min: 0, max: 3 }))
  )
})).node.map((node) => schemaOf(node, "N"))

const schemaOf = (node: unknown, name: string): unknown => {
  if (!Array.isArray(node)) return node
  const [kind, inner]: ReadonlyArray<unknown> = node
  const parts: ReadonlyArray<unknown> = Array.isArray(inner) ? inner : []
  switch (kind) {
    case "array":
      return { type: "array", items: schemaOf(inner, `${name}i`) }
    case "map":
      return { type: "map", values: schemaOf(inner, `${name}v`) }
    case "record":
      return {
        type: "record",
        name,
        fields: parts.map((part, index) => ({ name: `f${index}`, type: schemaOf(part, `${name}${index}`) }))
      }
    case "list":
      return {
        type: "record",
        name,
        fields: [{ name: "value", type: schemaOf(inner, `${name}l`) }, { name: "next", type: ["null", name] }]
      }
    case "union":
      return unionOf(parts.map((part, index) => schemaOf(part, `${name}u${index}`)))
    case "enum":
      return { type: "enum", name, symbols: ["constructor", "B", "C"].slice(0, Number(inner)).map((s) => `${s}_`) }
    default:
      return { type: "fixed", name, size: Number(inner) }
  }
}

/** A union directly inside a union is none, and of unnamed types each may stand there once. */
const unionOf = (branches: ReadonlyArray<unknown>): unknown => {
  const kinds = new Set<unknown>()
  return branches.flat().filter((branch) => {
    const object = Object(branch)
    const kind = typeof branch === "string" ? branch : object.name ?? object.type
    return kinds.size !== kinds.add(kind).size
  })
}

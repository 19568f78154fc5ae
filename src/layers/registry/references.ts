import * as Effect from "effect/Effect"
import { schemaLengthMax } from "../../domain/avro/parseSchema.js"
import { RegistryRefused, type SchemaReference, type SchemaText } from "../SchemaRegistry.js"

/** What a registry holds under an id or a version. */
export interface StoredSchema {
  readonly schema: string
  readonly references: ReadonlyArray<SchemaReference>
}

/** Far above what people build, far below what a registry can make of a few lines that reference each other. */
export const referencedMax = 100
export const referenceDepthMax = 20

/**
 * Follows the references of a schema to their ends: the text of each referenced schema once, after those that it
 * references itself. All texts together are bounded like one: they cost as much as if they stood in one.
 */
export const withReferences = <E>(
  registry: string,
  what: string,
  root: StoredSchema,
  stored: (reference: SchemaReference) => Effect.Effect<StoredSchema, E>
): Effect.Effect<SchemaText, E | RegistryRefused> => {
  const refuse = (why: string) => new RegistryRefused({ registry, kind: "schema", what: `${what} ${why}` })
  /** By subject and version; open while its own references are being followed. */
  const seen = new Map<string, "open" | "done">()
  const texts = new Set<string>()
  let length = root.schema.length

  const follow = (
    references: ReadonlyArray<SchemaReference>,
    depth: number
  ): Effect.Effect<void, E | RegistryRefused> =>
    Effect.forEach(references, (reference) =>
      Effect.gen(function*() {
        const key = JSON.stringify([reference.subject, reference.version])
        const state = seen.get(key)
        if (state === "done") return
        if (state === "open") return yield* refuse("has references in a circle")
        if (depth > referenceDepthMax) return yield* refuse(`has references deeper than ${referenceDepthMax}`)
        if (seen.size >= referencedMax) return yield* refuse(`has more than ${referencedMax} references`)
        seen.set(key, "open")
        const found = yield* stored(reference)
        length += found.schema.length
        if (length > schemaLengthMax) {
          return yield* refuse(`is longer than ${schemaLengthMax} characters with references`)
        }
        yield* follow(found.references, depth + 1)
        texts.add(found.schema)
        seen.set(key, "done")
      }), { discard: true })

  if (length > schemaLengthMax) return refuse(`is longer than ${schemaLengthMax} characters`)
  return Effect.map(follow(root.references, 1), () => ({ schema: root.schema, references: Array.from(texts) }))
}

export const charactersOf = ({ references, schema }: SchemaText): number =>
  references.reduce((length, text) => length + text.length, schema.length)

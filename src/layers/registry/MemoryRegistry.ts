import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RegistryRefused, SchemaNotFound, SchemaRegistry } from "../SchemaRegistry.js"
import { compactSchema } from "./schemaText.js"

const registry = "memory"

/** A registry in memory, empty at first. Ids count up from 1; the same schema has the same id under every subject. */
export const layerMemory: Layer.Layer<SchemaRegistry> = Layer.sync(SchemaRegistry, () => {
  const schemas: Array<{ readonly compact: string; readonly schema: string }> = []
  /** Ids of each subject's versions, in order. */
  const subjects = new Map<string, Array<number>>()

  const byId = Effect.fnUntraced(function*(id: number) {
    const found = schemas[id - 1]
    if (found === undefined) return yield* new SchemaNotFound({ what: `schema id ${id}`, registry })
    return { id, schema: found.schema }
  })

  const latest = Effect.fnUntraced(function*(subject: string) {
    const versions = subjects.get(subject) ?? []
    const id = versions.at(-1)
    if (id === undefined) return yield* new SchemaNotFound({ what: `subject ${subject}`, registry })
    return { ...yield* byId(id), version: versions.length }
  })

  const register = Effect.fnUntraced(function*(subject: string, schema: string) {
    const compact = compactSchema(schema)
    if (compact === undefined) {
      return yield* new RegistryRefused({ registry, what: `the schema of ${subject} is not JSON` })
    }
    const known = schemas.findIndex((each) => each.compact === compact)
    const id = known === -1 ? schemas.push({ compact, schema }) : known + 1
    const versions = subjects.get(subject) ?? []
    subjects.set(subject, versions.includes(id) ? versions : [...versions, id])
    return id
  })

  return SchemaRegistry.of({ byId, latest, register })
})

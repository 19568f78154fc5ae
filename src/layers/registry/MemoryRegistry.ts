import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RegistryRefused, SchemaNotFound, SchemaRegistry } from "../SchemaRegistry.js"
import { compactSchema } from "./schemaText.js"

const registry = "memory"

/** No schema of ours has a GUID. */
const byGuid = (guid: string) => Effect.fail(new SchemaNotFound({ what: `schema ${guid}`, registry }))

/** A registry in memory, empty at first. Ids count up from 1; the same schema has the same id under every subject. */
export const layerMemory: Layer.Layer<SchemaRegistry> = Layer.sync(SchemaRegistry, () => {
  const schemas: Array<{ readonly compact: string; readonly schema: string }> = []
  /** Ids of each subject's versions, in order. */
  const subjects = new Map<string, Array<number>>()

  const byId = Effect.fnUntraced(function*(id: number) {
    const found = schemas[id - 1]
    if (found === undefined) return yield* new SchemaNotFound({ what: `schema id ${id}`, registry })
    return { id, schema: found.schema, references: [] }
  })

  const latest = Effect.fnUntraced(function*(subject: string, version?: number) {
    const versions = subjects.get(subject) ?? []
    const id = version === undefined ? versions.at(-1) : versions[version - 1]
    const what = version === undefined ? `subject ${subject}` : `version ${version} of subject ${subject}`
    if (id === undefined) return yield* new SchemaNotFound({ what, registry })
    return { ...yield* byId(id), version: version ?? versions.length }
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

  return SchemaRegistry.of({ byId, byGuid, latest, register })
})

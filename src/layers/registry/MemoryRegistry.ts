import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RegistryRefused, SchemaNotFound, type SchemaReference, SchemaRegistry } from "../SchemaRegistry.js"
import { type StoredSchema, withReferences } from "./references.js"
import { guidOf, identityOf } from "./schemaText.js"

const registry = "memory"

const unknown = (what: string) => new SchemaNotFound({ what, registry })

/** A registry in memory, empty at first. Ids count up from 1; the same schema has the same id under every subject. */
export const layerMemory: Layer.Layer<SchemaRegistry> = Layer.sync(SchemaRegistry, () => {
  const schemas: Array<StoredSchema & { readonly identity: string }> = []
  /** Ids of each subject's versions, in order. */
  const subjects = new Map<string, Array<number>>()

  const resolved = (what: string, stored: StoredSchema | undefined) =>
    stored === undefined ? unknown(what) : withReferences(registry, what, stored, ({ subject, version }) => {
      const found = schemas[(subjects.get(subject)?.[version - 1] ?? 0) - 1]
      return found === undefined ? unknown(`version ${version} of subject ${subject}`) : Effect.succeed(found)
    })

  const byId = (id: number) => Effect.map(resolved(`schema id ${id}`, schemas[id - 1]), (text) => ({ id, ...text }))

  const byGuid = (guid: string) => resolved(`schema ${guid}`, schemas.find(({ identity }) => guidOf(identity) === guid))

  const latest = Effect.fnUntraced(function*(subject: string, version?: number) {
    const versions = subjects.get(subject) ?? []
    const id = version === undefined ? versions.at(-1) : versions[version - 1]
    const what = version === undefined ? `subject ${subject}` : `version ${version} of subject ${subject}`
    if (id === undefined) return yield* unknown(what)
    return { ...yield* byId(id), version: version ?? versions.length }
  })

  const register = Effect.fnUntraced(
    function*(subject: string, schema: string, references: ReadonlyArray<SchemaReference> = []) {
      const identity = identityOf(schema, references)
      if (identity === undefined) {
        return yield* new RegistryRefused({ registry, kind: "schema", what: `the schema of ${subject} is not JSON` })
      }
      yield* resolved(`the schema of ${subject}`, { schema, references })
      const known = schemas.findIndex((each) => each.identity === identity)
      const id = known === -1 ? schemas.push({ identity, schema, references }) : known + 1
      const versions = subjects.get(subject) ?? []
      subjects.set(subject, versions.includes(id) ? versions : [...versions, id])
      return id
    }
  )

  return SchemaRegistry.of({ byId, byGuid, latest, register })
})

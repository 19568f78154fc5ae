import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { AvroRefused } from "../../domain/avro/AvroRefused.js"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import { makeAvroReader } from "../../domain/avro/reader.js"
import { type SchemaName, schemaNameText } from "../../domain/WireFormat.js"
import type {
  RegistryRefused,
  RegistryUnavailable,
  SchemaNotFound,
  SchemaRegistry,
  SchemaText
} from "../../layers/SchemaRegistry.js"
import { othersTurn } from "../othersTurn.js"
import type { PartCodec, SchemaProblem } from "./PartDecoder.js"

export class Unusable extends Data.TaggedError("SchemaProblem")<Omit<SchemaProblem, "_tag">> {
  override get message(): string {
    return this.what
  }
}

export type CodecError = Unusable | SchemaNotFound | RegistryUnavailable | RegistryRefused

type Registry = typeof SchemaRegistry.Service

export interface Compiling {
  readonly reader?: AvroSchema | undefined
  /** Of whoever asks for several at once: one is compiled at a time. */
  readonly inTurn?: Effect.Semaphore
}

/**
 * The schema that a record names, from the registry, ready to decode with. Asks once: who has patience asks again.
 * Compiling takes up to 50 ms, so whatever else is due comes first.
 */
export const registryCodec = (
  registry: Registry,
  name: SchemaName,
  { inTurn, reader }: Compiling = {}
): Effect.Effect<PartCodec, CodecError> =>
  Effect.flatMap(textOf(registry, name), (schema) => {
    const codec = Effect.zipRight(othersTurn, compiled(schemaNameText(name), schema, reader))
    return inTurn === undefined ? codec : inTurn.withPermits(1)(codec)
  })

const compiled = (
  schemaKey: string,
  { schemaId, text }: NamedText,
  reader: AvroSchema | undefined
): Effect.Effect<PartCodec, Unusable> =>
  Effect.gen(function*() {
    const writer = yield* Effect.mapError(parseSchema(text.schema, text.references), (refused) =>
      new Unusable({
        kind: "record",
        what: `schema ${schemaKey}: ${refused.message}`,
        cure: "the producer's schema has to be valid Avro, within the limits of docs/mapping.md"
      }))
    const schema = reader ?? writer
    const decode = yield* Effect.mapError(makeAvroReader(writer, schema), (refused) => unreadable(schemaKey, refused))
    return { schemaKey, schemaId, schema, decode }
  })

interface NamedText {
  readonly schemaId: number | undefined
  readonly text: SchemaText
}

const unreadable = (schemaKey: string, refused: AvroRefused) =>
  new Unusable({
    kind: "setup",
    what: `schema ${schemaKey} cannot be read with value.reader.schema: ${refused.message}`,
    cure: "give the reader's schema an alias or a default, or take it out"
  })

/**
 * Through the API that Confluent's and Apicurio's registries share. There Apicurio's ids are its content ids, so that a
 * global id, asked for there, would answer another schema: records would be decoded wrongly instead of not at all.
 */
const textOf = (registry: Registry, name: SchemaName): Effect.Effect<NamedText, CodecError> => {
  switch (name.kind) {
    case "id":
    case "content":
      return Effect.map(registry.byId(name.id), (text) => ({ schemaId: text.id, text }))
    case "guid":
      return Effect.map(registry.byGuid(name.guid), (text) => ({ schemaId: undefined, text }))
    case "global":
      return Effect.fail(
        new Unusable({
          kind: "record",
          what: `the record names its schema by Apicurio's ${
            schemaNameText(name)
          }, which its Confluent API does not know`,
          cure: "have the producer send content ids: apicurio.registry.use-id=contentId"
        })
      )
  }
}

import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import type { TopicSettings } from "../../domain/TopicSettings.js"
import { readFrame } from "../../domain/WireFormat.js"
import { compile } from "../../layers/avro/AvroCodec.js"
import { type RegistryRefused, type SchemaNotFound, SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { type Backoff, throughOutage } from "../outage.js"
import type { PartCodec, PartDecoder, SchemaProblem } from "./PartDecoder.js"

/** A registry that answers 404 may only be behind its own leader: an id counts as unknown after this long. */
const unknownIdTries = 30

class Unusable extends Data.TaggedError("SchemaProblem")<Omit<SchemaProblem, "_tag">> {}

export interface PartDecoderOptions {
  readonly part: "key" | "value"
  readonly topic: string
  readonly settings: TopicSettings
  readonly backoff: Backoff
}

/** Avro in Confluent's wire format. */
export const makePartDecoder = ({
  backoff,
  topic
}: PartDecoderOptions): Effect.Effect<PartDecoder, never, SchemaRegistry> =>
  Effect.map(SchemaRegistry, (registry) => {
    const codecs = new Map<string, PartCodec>()
    const load = (schemaKey: string) =>
      Effect.gen(function*() {
        const id = Number(schemaKey.slice("id ".length))
        const { schema } = yield* registry.byId(id)
        const codec = yield* Effect.mapError(compile(schema), (refused) =>
          new Unusable({
            kind: "record",
            what: `schema id ${id} of topic ${topic}: ${refused.message}`,
            cure: "register a valid Avro schema"
          }))
        const made: PartCodec = { schemaKey, schemaId: id, schema: codec.schema, decode: codec.decode }
        codecs.set(schemaKey, made)
        return made
      })
    return {
      frame: (_, bytes) =>
        Either.mapBoth(readFrame(bytes), {
          onLeft: ({ reason }) => reason,
          onRight: ({ schemaId, start }) => ({ schemaKey: `id ${schemaId}`, start })
        }),
      codec: (schemaKey) => codecs.get(schemaKey),
      load: (schemaKey) => {
        const patient = Effect.retry(load(schemaKey), {
          while: (error) => error._tag === "SchemaNotFound",
          schedule: Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(unknownIdTries))
        })
        return throughOutage(`schema ${schemaKey} of topic ${topic}`, backoff, patient, ["RegistryUnavailable"]).pipe(
          Effect.mapError(unusable)
        )
      }
    }
  })

const unusable = (error: Unusable | SchemaNotFound | RegistryRefused): Unusable => {
  switch (error._tag) {
    case "SchemaProblem":
      return error
    case "SchemaNotFound":
      return new Unusable({
        kind: "record",
        what: error.message,
        cure: "check kafka.schema.registry.url: the producer may use another registry"
      })
    case "RegistryRefused":
      return new Unusable({
        kind: "setup",
        what: error.message,
        cure: "check the registry's URL and access rules"
      })
  }
}

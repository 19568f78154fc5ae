import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { avroJson } from "../../domain/avroJson.js"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import { readFrame } from "../../domain/WireFormat.js"
import { type AvroCodec, compile } from "../../layers/avro/AvroCodec.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { type Backoff, throughOutage } from "../outage.js"
import type { Values, ValueText } from "./formats.js"

const nullValue = Either.right(null)

/**
 * Avro in Confluent's wire format, as JSON. A registry that cannot be reached is waited for: it says nothing about a
 * record. What it does not know, or refuses, is asked for again with the next poll that needs it.
 */
export const makeAvroValues = (backoff: Backoff): Effect.Effect<Values, never, SchemaRegistry> =>
  Effect.map(SchemaRegistry, (registry) => {
    const codecs = new Map<number, AvroCodec>()
    const load = (id: number) =>
      throughOutage(`schema id ${id}`, backoff, registry.byId(id), ["RegistryUnavailable"]).pipe(
        Effect.flatMap(({ schema }) => compile(schema)),
        Effect.either
      )
    return (records) =>
      Effect.gen(function*() {
        const problems = new Map<number, string>()
        for (const id of idsOf(records)) {
          if (codecs.has(id)) continue
          const loaded = yield* load(id)
          if (Either.isRight(loaded)) codecs.set(id, loaded.right)
          else {problems.set(
              id,
              loaded.left._tag === "AvroRefused" ? `schema id ${id}: ${loaded.left.message}` : loaded.left.message
            )}
        }
        return (value) => value === null ? nullValue : decode(codecs, problems, value)
      })
  })

const idsOf = (records: ReadonlyArray<ConsumerRecord>): ReadonlySet<number> => {
  const ids = new Set<number>()
  for (const { value } of records) {
    const framed = readFrame(value)
    if (Either.isRight(framed)) ids.add(framed.right.schemaId)
  }
  return ids
}

const decode = (
  codecs: ReadonlyMap<number, AvroCodec>,
  problems: ReadonlyMap<number, string>,
  value: Uint8Array
): ReturnType<ValueText> => {
  const framed = readFrame(value)
  if (Either.isLeft(framed)) return Either.left(framed.left.reason)
  const { schemaId, start } = framed.right
  const codec = codecs.get(schemaId)
  if (codec === undefined) return Either.left(problems.get(schemaId) ?? `schema id ${schemaId} is not loaded`)
  return Either.mapBoth(codec.decode(value, start), {
    onLeft: (reason) => `it does not fit its schema (id ${schemaId}): ${reason}`,
    onRight: avroJson
  })
}

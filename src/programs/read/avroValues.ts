import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { avroJson } from "../../domain/avroJson.js"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import { readFrame, type SchemaName, schemaNameText } from "../../domain/WireFormat.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import type { PartCodec } from "../decode/PartDecoder.js"
import { registryCodec } from "../decode/registryCodec.js"
import { type Backoff, throughOutage } from "../outage.js"
import type { Values, ValueText } from "./formats.js"

const nullValue = Either.right(null)

/**
 * Avro whose schema the record names, as JSON. A registry that cannot be reached is waited for: it says nothing about a
 * record. What it does not know, or refuses, is asked for again with the next poll that needs it.
 */
export const makeAvroValues = (backoff: Backoff): Effect.Effect<Values, never, SchemaRegistry> =>
  Effect.map(SchemaRegistry, (registry) => {
    const codecs = new Map<string, PartCodec>()
    const load = (schemaKey: string, name: SchemaName) =>
      throughOutage(`schema ${schemaKey}`, backoff, registryCodec(registry, name), ["RegistryUnavailable"]).pipe(
        Effect.either
      )
    return (records) =>
      Effect.gen(function*() {
        const problems = new Map<string, string>()
        for (const [schemaKey, name] of namesOf(records)) {
          if (codecs.has(schemaKey)) continue
          const loaded = yield* load(schemaKey, name)
          if (Either.isRight(loaded)) codecs.set(schemaKey, loaded.right)
          else problems.set(schemaKey, loaded.left.message)
        }
        return (record) => record.value === null ? nullValue : decode(codecs, problems, record, record.value)
      })
  })

const frameOf = ({ headers, value }: ConsumerRecord) => readFrame("value", headers, value)

const namesOf = (records: ReadonlyArray<ConsumerRecord>): ReadonlyMap<string, SchemaName> => {
  const names = new Map<string, SchemaName>()
  for (const record of records) {
    const framed = frameOf(record)
    if (Either.isRight(framed)) names.set(schemaNameText(framed.right.name), framed.right.name)
  }
  return names
}

const decode = (
  codecs: ReadonlyMap<string, PartCodec>,
  problems: ReadonlyMap<string, string>,
  record: ConsumerRecord,
  value: Uint8Array
): ReturnType<ValueText> => {
  const framed = frameOf(record)
  if (Either.isLeft(framed)) return Either.left(framed.left.reason)
  const schemaKey = schemaNameText(framed.right.name)
  const codec = codecs.get(schemaKey)
  if (codec === undefined) return Either.left(problems.get(schemaKey) ?? `schema ${schemaKey} is not loaded`)
  return Either.mapBoth(codec.decode(value, framed.right.start), {
    onLeft: (reason) => `it does not fit its schema (${schemaKey}): ${reason}`,
    onRight: avroJson
  })
}

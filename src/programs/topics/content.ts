import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { avroJson } from "../../domain/avroJson.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { readFrame, readPrefix, type SchemaName, schemaNameText } from "../../domain/WireFormat.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import type { PartCodec } from "../decode/PartDecoder.js"
import { registryCodec } from "../decode/registryCodec.js"

/** Bytes as people read them: Avro where they name a schema that the registry has, else text, else bytes. */
export interface Content {
  readonly format: "avro" | "text" | "hex"
  readonly text: string
}

/** `of`: which part of a record they are, where headers may name the schema. */
export type ContentOf = (
  bytes: Uint8Array | null,
  of?: { readonly part: "key" | "value"; readonly headers: KafkaRecord["headers"] }
) => Content | null

type Parts = Pick<KafkaRecord, "headers" | "key" | "value">

/** Knows the schemas of all `records`. What the registry cannot answer is said once, and such values stay bytes. */
export const contentOf = (records: ReadonlyArray<Parts>): Effect.Effect<ContentOf> =>
  Effect.gen(function*() {
    const registry = yield* Effect.serviceOption(SchemaRegistry)
    const codecs = new Map<string, PartCodec>()
    for (const [schemaKey, name] of namesOf(records)) {
      if (Option.isNone(registry)) {
        yield* Effect.logInfo("values look like Avro, and no kafka.schema.registry.url is named to decode them by")
        break
      }
      const codec = yield* Effect.either(registryCodec(registry.value, name))
      if (Either.isRight(codec)) codecs.set(schemaKey, codec.right)
      else {
        yield* Effect.logWarning(`values of schema ${schemaKey} are shown as bytes: ${codec.left.message}`)
        // Each further schema would wait as long for the same registry.
        if (codec.left._tag === "RegistryUnavailable") break
      }
    }
    return (bytes, of) => bytes === null ? null : avro(codecs, bytes, of) ?? text(bytes) ?? hex(bytes)
  })

const namesOf = (records: ReadonlyArray<Parts>): ReadonlyMap<string, SchemaName> => {
  const names = new Map<string, SchemaName>()
  for (const { headers, key, value } of records) {
    for (const frame of [readFrame("key", headers, key), readFrame("value", headers, value)]) {
      if (Either.isRight(frame)) names.set(schemaNameText(frame.right.name), frame.right.name)
    }
  }
  return names
}

const avro = (
  codecs: ReadonlyMap<string, PartCodec>,
  bytes: Uint8Array,
  of: Parameters<ContentOf>[1]
): Content | undefined =>
  (of === undefined ? readPrefix(bytes) : readFrame(of.part, of.headers, bytes)).pipe(
    Either.flatMap(({ name, start }) => {
      const codec = codecs.get(schemaNameText(name))
      return codec === undefined ? Either.left("unknown schema") : codec.decode(bytes, start)
    }),
    Either.match({
      onLeft: () => undefined,
      onRight: (value): Content => ({ format: "avro", text: avroJson(value) })
    })
  )

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const text = (bytes: Uint8Array): Content | undefined =>
  Either.match(Either.try(() => strict.decode(bytes)), {
    onLeft: () => undefined,
    // Zero bytes and the like are no text, whatever they decode to.
    onRight: (decoded): Content | undefined =>
      /[^\P{Cc}\t\r\n]/u.test(decoded) ? undefined : { format: "text", text: decoded }
  })

const hex = (bytes: Uint8Array): Content => ({ format: "hex", text: Buffer.from(bytes).toString("hex") })

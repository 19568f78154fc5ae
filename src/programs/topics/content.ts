import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { avroJson } from "../../domain/avroJson.js"
import { readFrame } from "../../domain/WireFormat.js"
import { type AvroCodec, compile } from "../../layers/avro/AvroCodec.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"

/** A key or value as people read it: Avro where it names a schema that the registry has, else text, else bytes. */
export interface Content {
  readonly format: "avro" | "text" | "hex"
  readonly text: string
}

export type ContentOf = (bytes: Uint8Array | null) => Content | null

/** Knows the schemas of all of `values`. What the registry cannot answer is said once, and such values stay bytes. */
export const contentOf = (values: ReadonlyArray<Uint8Array | null>): Effect.Effect<ContentOf> =>
  Effect.gen(function*() {
    const registry = yield* Effect.serviceOption(SchemaRegistry)
    const codecs = new Map<number, AvroCodec>()
    for (const id of idsOf(values)) {
      if (Option.isNone(registry)) {
        yield* Effect.logInfo("values look like Avro, and no kafka.schema.registry.url is named to decode them by")
        break
      }
      const codec = yield* registry.value.byId(id).pipe(Effect.flatMap(({ schema }) => compile(schema)), Effect.either)
      if (Either.isRight(codec)) codecs.set(id, codec.right)
      else {
        yield* Effect.logWarning(`values of schema id ${id} are shown as bytes: ${codec.left.message}`)
        // Each further id would wait as long for the same registry.
        if (codec.left._tag === "RegistryUnavailable") break
      }
    }
    return (bytes) => bytes === null ? null : avro(codecs, bytes) ?? text(bytes) ?? hex(bytes)
  })

const idsOf = (values: ReadonlyArray<Uint8Array | null>): ReadonlySet<number> => {
  const ids = new Set<number>()
  for (const value of values) {
    const frame = readFrame(value)
    if (Either.isRight(frame)) ids.add(frame.right.schemaId)
  }
  return ids
}

const avro = (codecs: ReadonlyMap<number, AvroCodec>, bytes: Uint8Array): Content | undefined =>
  readFrame(bytes).pipe(
    Either.flatMap(({ schemaId, start }) => {
      const codec = codecs.get(schemaId)
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

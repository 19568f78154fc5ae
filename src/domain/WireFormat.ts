import * as Either from "effect/Either"
import type { KafkaRecord } from "./KafkaRecord.js"
import type { IdFormat } from "./TopicSettings.js"

/** How a record names the schema of its key or value. Apicurio's registry knows two kinds of ids of its own. */
export type SchemaName =
  | { readonly kind: "id" | "content" | "global"; readonly id: number }
  | { readonly kind: "guid"; readonly guid: string }

/** Why bytes are in no wire format. A tombstone is a value that is not there at all. */
export interface WireProblem {
  readonly kind: "tombstone" | "too-short" | "magic" | "header"
  readonly reason: string
}

export interface Frame {
  readonly name: SchemaName
  /** Where the Avro data begins. */
  readonly start: number
}

export type Framed = Either.Either<Frame, WireProblem>

const magic = 0
const magicOfGuid = 1
const idBytes = 4
const longIdBytes = 8
const guidBytes = 16

const tombstone: Framed = Either.left({ kind: "tombstone", reason: "the value is null (a tombstone)" })

const looksLike = (what: string): string => `; it looks like ${what}, not like Avro from a registry's serializer`

const hintOf = (first: number): string => {
  if (first === 0x7b || first === 0x5b) return looksLike("JSON")
  if (first === 0x4f) return looksLike("an Avro file")
  return first >= 0x20 && first < 0x7f ? looksLike("text") : ""
}

/** Big-endian. Java writes ids as signed numbers, but registries give none below zero. */
const unsignedAt = (bytes: Uint8Array, start: number, length: number): number => {
  let value = 0
  for (let index = start; index < start + length; index++) value = value * 256 + (bytes[index] ?? 0)
  return value
}

const guidAt = (bytes: Uint8Array, start: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + start, guidBytes).toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

/**
 * Reads what stands before the data: a zero byte and the schema id, as four bytes, or as the eight of Apicurio's own
 * serializers (nothing in the bytes tells the two apart); or a one and the schema's GUID, which newer serializers write.
 */
export const readPrefix = (bytes: Uint8Array | null, format: IdFormat = "confluent"): Framed => {
  if (bytes === null) return tombstone
  const [first] = bytes
  if (first !== undefined && first !== magic && first !== magicOfGuid) {
    const hex = first.toString(16).padStart(2, "0")
    return Either.left({ kind: "magic", reason: `it starts with 0x${hex} instead of the magic byte 0${hintOf(first)}` })
  }
  const length = first === magicOfGuid ? guidBytes : format === "apicurio" ? longIdBytes : idBytes
  const start = 1 + length
  if (bytes.length < start) {
    const what = first === magicOfGuid ? "a schema's GUID" : "a schema id"
    return Either.left({
      kind: "too-short",
      reason: `${bytes.length} bytes are too short for the magic byte and ${what} (${start} bytes)`
    })
  }
  if (first === magicOfGuid) return Either.right({ name: { kind: "guid", guid: guidAt(bytes, 1) }, start })
  const id = unsignedAt(bytes, 1, length)
  if (Number.isSafeInteger(id)) return Either.right({ name: { kind: "id", id }, start })
  return Either.left({ kind: "magic", reason: "its 8-byte schema id is no id of a registry" })
}

/** Header names of Confluent's and of Apicurio's serializers, of those that name a schema by an id. */
const headerNames = {
  key: { schema: "__key_schema_id", content: "apicurio.key.contentId", global: "apicurio.key.globalId" },
  value: { schema: "__value_schema_id", content: "apicurio.value.contentId", global: "apicurio.value.globalId" }
}

/** What headers say of the schema, the data being without a prefix then; undefined where they say nothing. */
const readHeaders = (part: "key" | "value", headers: KafkaRecord["headers"]): Framed | undefined => {
  const names = headerNames[part]
  for (const [name, value] of headers) {
    if (name === names.schema) {
      const named = readPrefix(value ?? new Uint8Array())
      const whole = Either.isRight(named) && named.right.start === value?.length
      return whole ? Either.right({ name: named.right.name, start: 0 }) : badHeader(name, "an id or GUID of a schema")
    }
    if (name !== names.content && name !== names.global) continue
    const id = value?.length === longIdBytes ? unsignedAt(value, 0, longIdBytes) : undefined
    if (id === undefined || !Number.isSafeInteger(id)) return badHeader(name, "an id of 8 bytes")
    return Either.right({ name: { kind: name === names.content ? "content" : "global", id }, start: 0 })
  }
  return undefined
}

const badHeader = (name: string, what: string): Framed =>
  Either.left({ kind: "header", reason: `its header ${name} does not hold ${what}` })

/** Headers first, as Confluent's and Apicurio's deserializers do, then what stands before the data. */
export const readFrame = (
  part: "key" | "value",
  headers: KafkaRecord["headers"],
  bytes: Uint8Array | null,
  format: IdFormat = "confluent"
): Framed => (headers.length === 0 ? undefined : readHeaders(part, headers)) ?? readPrefix(bytes, format)

/** The inverse of `readPrefix`, for ids of four bytes. */
export const writeFrame = (schemaId: number, payload: Uint8Array): Uint8Array => {
  const framed = Buffer.allocUnsafe(1 + idBytes + payload.length)
  framed.writeUInt8(magic, 0)
  framed.writeUInt32BE(schemaId, 1)
  framed.set(payload, 1 + idBytes)
  return framed
}

const nameText = /^(id|content id|global id|guid) (\S+)$/

/** The inverse of `schemaNameText`. */
export const schemaNameOf = (text: string): SchemaName | undefined => {
  const [, kind, rest = ""] = nameText.exec(text) ?? []
  switch (kind) {
    case "id":
      return { kind, id: Number(rest) }
    case "content id":
      return { kind: "content", id: Number(rest) }
    case "global id":
      return { kind: "global", id: Number(rest) }
    case "guid":
      return { kind, guid: rest }
    case undefined:
    default:
      return undefined
  }
}

/** A name as one text: the key of a cache, and what people are told. */
export const schemaNameText = (name: SchemaName): string => {
  switch (name.kind) {
    case "id":
      return `id ${name.id}`
    case "content":
      return `content id ${name.id}`
    case "global":
      return `global id ${name.id}`
    case "guid":
      return `guid ${name.guid}`
  }
}

import * as Data from "effect/Data"
import * as Either from "effect/Either"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import type { Change } from "../../domain/sql/changes.js"
import type { DecodedRecord, DeleteEncoder, RowEncoder } from "../../domain/sql/rowEncoder.js"
import { namesRecord } from "../../domain/tableName.js"
import type { TopicSettings } from "../../domain/TopicSettings.js"
import type { PartCodec, PartDecoder } from "../decode/PartDecoder.js"
import { needsValue, type RecordProblem, undecodable, unstorable } from "./RecordProblem.js"

/** What has to be compiled before a record can be encoded. Compares by value, so that one request serves all who wait. */
export type Wanted = Data.TaggedEnum<{
  Schema: { readonly part: "key" | "value"; readonly schemaKey: string }
  /** `keyKey`: "" where keys are not decoded. */
  Rows: { readonly valueKey: string; readonly keyKey: string }
  Deletes: { readonly keyKey: string }
}>
export const Wanted = Data.taggedEnum<Wanted>()

/** All that has been compiled for one topic, by the names of the schemas. */
export interface Compiled {
  readonly settings: TopicSettings
  readonly values: PartDecoder
  readonly keys: PartDecoder
  readonly rows: Map<string, RowEncoder>
  /** Undefined: there is no table yet, so that there is nothing to delete. */
  readonly deletes: Map<string, DeleteEncoder | undefined>
  /** Schemas that nobody can use, by `refusedKey`: the records that name them are to blame. */
  readonly refused: Map<string, RecordProblem>
}

export const refusedKey = (part: "key" | "value", schemaKey: string): string => `${part} ${schemaKey}`
export const rowsKey = (valueKey: string, keyKey: string): string => `${valueKey}\n${keyKey}`

export type EncodedRecord =
  | { readonly _tag: "Change"; readonly change: Change }
  /** A tombstone that deletes nothing. */
  | { readonly _tag: "Ignored" }
  | { readonly _tag: "Problem"; readonly problem: RecordProblem }
  | { readonly _tag: "Missing"; readonly wanted: Wanted }

const ignored: EncodedRecord = { _tag: "Ignored" }
const bad = (problem: RecordProblem): EncodedRecord => ({ _tag: "Problem", problem })
const missing = (wanted: Wanted): EncodedRecord => ({ _tag: "Missing", wanted })

/** Only these modes look into the key; elsewhere one of any form may pass. */
export const decodesKeys = ({ keyMode }: TopicSettings): boolean => keyMode === "record_key"

/** The id in a schema's name, where the registry has given it one. */
const idOf = (schemaKey: string): number | undefined => {
  const [, id] = /^id (\d+)/u.exec(schemaKey) ?? []
  return id === undefined ? undefined : Number(id)
}

/** Where a part of the record begins, and what decodes it. */
interface Part {
  readonly codec: PartCodec
  readonly start: number
}

const partOf = (
  { keys, refused, values }: Compiled,
  part: "key" | "value",
  record: KafkaRecord,
  bytes: Uint8Array
): Either.Either<Part, EncodedRecord> => {
  const decoder = part === "key" ? keys : values
  const framed = decoder.frame(record, bytes)
  if (Either.isLeft(framed)) return Either.left(bad(undecodable(undefined, ofPart(part, framed.left))))
  const { schemaKey, start } = framed.right
  const codec = decoder.codec(schemaKey)
  if (codec !== undefined) return Either.right({ codec, start })
  const problem = refused.get(refusedKey(part, schemaKey))
  return Either.left(problem === undefined ? missing(Wanted.Schema({ part, schemaKey })) : bad(problem))
}

/** The schemas that a record names and that are not loaded. Nothing is decoded for that. */
export const missingSchemas = (
  compiled: Compiled,
  record: KafkaRecord
): ReadonlyArray<Extract<Wanted, { readonly _tag: "Schema" }>> => {
  const { key, value } = record
  const needsKey = decodesKeys(compiled.settings) && (value !== null || compiled.settings.deleteEnabled)
  const parts = [
    value === null ? undefined : partOf(compiled, "value", record, value),
    key === null || !needsKey ? undefined : partOf(compiled, "key", record, key)
  ]
  return parts.flatMap((part) => {
    const found = part !== undefined && Either.isLeft(part) && part.left._tag === "Missing"
      ? part.left.wanted
      : undefined
    return found?._tag === "Schema" ? [found] : []
  })
}

const ofPart = (part: "key" | "value", why: string): string => part === "key" ? `the key: ${why}` : why

const decodePart = (
  part: "key" | "value",
  { codec, start }: Part,
  bytes: Uint8Array
): Either.Either<unknown, EncodedRecord> =>
  Either.mapLeft(codec.decode(bytes, start), (why) => {
    const schemaId = part === "value" ? codec.schemaId : undefined
    return bad(undecodable(schemaId, ofPart(part, `does not fit its schema (${codec.schemaKey}): ${why}`)))
  })

/** What one record does to its table: plain code, no effects. */
export const encodeRecord = (
  compiled: Compiled,
  record: KafkaRecord,
  sourceId: number,
  partition: number
): EncodedRecord =>
  record.value === null
    ? encodeTombstone(compiled, record, sourceId, partition)
    : encodeRow(compiled, record, record.value, sourceId, partition)

const encodeRow = (
  compiled: Compiled,
  record: KafkaRecord,
  bytes: Uint8Array,
  sourceId: number,
  partition: number
): EncodedRecord => {
  const framed = partOf(compiled, "value", record, bytes)
  if (Either.isLeft(framed)) return framed.left
  const { codec } = framed.right
  let key: unknown = undefined
  let keyKey = ""
  if (decodesKeys(compiled.settings)) {
    if (record.key === null) return bad(unstorable(codec.schemaId, { column: "", reason: "the record has no key" }))
    const framedKey = partOf(compiled, "key", record, record.key)
    if (Either.isLeft(framedKey)) return framedKey.left
    const decodedKey = decodePart("key", framedKey.right, record.key)
    if (Either.isLeft(decodedKey)) return decodedKey.left
    key = decodedKey.right
    keyKey = framedKey.right.codec.schemaKey
  }
  const encoder = compiled.rows.get(rowsKey(codec.schemaKey, keyKey))
  if (encoder === undefined) return missing(Wanted.Rows({ valueKey: codec.schemaKey, keyKey }))
  const value = decodePart("value", framed.right, bytes)
  if (Either.isLeft(value)) return value.left
  return changed(codec.schemaId, encoder.write({ record, key, value: value.right, sourceId, partition }))
}

/** A record without a value: deletes the row of its key where the topic is told so. */
const encodeTombstone = (
  compiled: Compiled,
  record: KafkaRecord,
  sourceId: number,
  partition: number
): EncodedRecord => {
  const { deletes, settings } = compiled
  if (!settings.deleteEnabled || !decodesKeys(settings)) {
    return settings.tombstones === "ignore" ? ignored : bad(needsValue("nothing can be written for it"))
  }
  if (record.key === null) return bad(needsValue("without a key nobody can tell what it deletes"))
  if (namesRecord(settings)) return bad(needsValue("nobody can tell of which type's table it deletes a row"))
  const framed = partOf(compiled, "key", record, record.key)
  if (Either.isLeft(framed)) return framed.left
  const key = decodePart("key", framed.right, record.key)
  if (Either.isLeft(key)) return key.left
  const keyKey = framed.right.codec.schemaKey
  if (!deletes.has(keyKey)) return missing(Wanted.Deletes({ keyKey }))
  const decoded: DecodedRecord = { record, key: key.right, value: null, sourceId, partition }
  const encoder = deletes.get(keyKey)
  return encoder === undefined ? ignored : changed(undefined, encoder.remove(decoded))
}

const changed = (
  schemaId: number | undefined,
  change: ReturnType<RowEncoder["write"]>
): EncodedRecord =>
  Either.isLeft(change) ? bad(unstorable(schemaId, change.left)) : { _tag: "Change", change: change.right }

/** The id of the schema of the record's value; undefined where it has no value, or none that can be read. */
export const schemaIdOf = ({ values }: Compiled, record: KafkaRecord): number | undefined => {
  if (record.value === null) return undefined
  const framed = values.frame(record, record.value)
  return Either.isLeft(framed) ? undefined : values.codec(framed.right.schemaKey)?.schemaId
}

/** The schema's own number, for a letter about a record whose schema cannot be used. */
export const refusedRecord = (
  { part, schemaKey }: { readonly part: "key" | "value"; readonly schemaKey: string },
  { cure, what }: { readonly what: string; readonly cure: string }
): RecordProblem => {
  const { record } = undecodable(part === "value" ? idOf(schemaKey) : undefined, ofPart(part, what))
  return { what: `cannot be decoded: ${ofPart(part, what)}`, cure, ...(record === undefined ? {} : { record }) }
}

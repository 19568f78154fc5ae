import * as Either from "effect/Either"
import { compile } from "../../src/layers/avro/AvroCodec.js"

export const schemaId = 7
export const schema = JSON.stringify({ type: "record", name: "Payment", fields: [{ name: "id", type: "long" }] })
/** Compiled once: it is the same in every run. */
export const codec = Either.getOrThrow(compile(schema))

/** Bytes that no schema has made. */
export const garbage = (id: number): Uint8Array => new TextEncoder().encode(`{"id": ${id}}`)

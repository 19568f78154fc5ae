import * as Either from "effect/Either"
import type { AvroRefused } from "../../domain/avro/AvroRefused.js"
import { jsonReader } from "../../domain/avro/jsonValue.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import { parseExactJson } from "../../domain/exactJson.js"
import type { PartCodec } from "./PartDecoder.js"

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const textOf = (bytes: Uint8Array, start: number): Either.Either<string, string> =>
  Either.try({ try: () => strict.decode(bytes.subarray(start)), catch: () => "it is not valid UTF-8" })

/** Of keys or values that are text. */
export const stringCodec: PartCodec = {
  schemaKey: "string",
  schemaId: undefined,
  schema: { type: "string" },
  decode: textOf
}

/** Of keys or values that are bytes. */
export const bytesCodec: PartCodec = {
  schemaKey: "bytes",
  schemaId: undefined,
  schema: { type: "bytes" },
  decode: (bytes, start) => Either.right(Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start))
}

/** What is read in about 30 ms; what becomes of it is counted by its schema. */
export const jsonValuesMax = 150_000

/** Of keys or values that are JSON; `schemaText` says what becomes of it. */
export const jsonCodec = (schemaText: string): Either.Either<PartCodec, AvroRefused> =>
  Either.map(parseSchema(schemaText), (schema) => {
    const read = jsonReader(schema)
    return {
      schemaKey: "json",
      schemaId: undefined,
      schema,
      decode: (bytes, start) =>
        textOf(bytes, start).pipe(
          Either.flatMap((text) => parseExactJson(text, jsonValuesMax)),
          Either.flatMap((json) => read(json, bytes.length - start))
        )
    }
  })

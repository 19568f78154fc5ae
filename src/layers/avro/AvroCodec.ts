import avsc from "avsc"
import * as Either from "effect/Either"
import type { AvroRefused } from "../../domain/avro/AvroRefused.js"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import { type AvroReader, makeAvroReader } from "../../domain/avro/reader.js"
import { avscSchema } from "./avscSchema.js"
import { bigintLong } from "./bigintLong.js"

/**
 * Avro's binary encoding for one schema. Values: boolean, number, bigint (every long), string (also enums), Buffer (bytes
 * and fixed), null, arrays, and objects for maps and records; logical types are not applied. A value of a union of more
 * than one type beside null is an object with its branch's name, as in Avro's JSON encoding.
 */
export interface AvroCodec {
  readonly schema: AvroSchema
  readonly decode: AvroReader
  /** A value that does not fit the schema is a defect of the caller: it throws. */
  readonly encode: (value: unknown) => Uint8Array
}

/** avsc writes what Tributary produces; nothing that comes from outside reaches it. */
const makeType = (schema: AvroSchema): avsc.Type =>
  avsc.Type.forSchema(avscSchema(schema), {
    typeHook: (node, options) => {
      if (node === "long") return bigintLong
      if (!Array.isArray(node)) return undefined
      // By itself it would wrap only what it finds ambiguous.
      const wide = node.filter((branch) => branch !== "null").length > 1
      const Union = wide ? avsc.types.WrappedUnionType : avsc.types.UnwrappedUnionType
      return new Union(node, options)
    },
    omitRecordMethods: true
  })

/**
 * Compiles a schema, given as JSON text; `references` as for `parseSchema`. Costs milliseconds; keep the codec as long
 * as the schema id is in use.
 */
export const compile = (
  schemaText: string,
  references: ReadonlyArray<string> = []
): Either.Either<AvroCodec, AvroRefused> =>
  Either.gen(function*() {
    const schema = yield* parseSchema(schemaText, references)
    let type: avsc.Type | undefined
    return {
      schema,
      decode: yield* makeAvroReader(schema),
      // Only producers need it.
      encode: (value) => (type ??= makeType(schema)).toBuffer(value)
    }
  })

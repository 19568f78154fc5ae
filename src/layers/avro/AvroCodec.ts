import avsc from "avsc"
import * as Either from "effect/Either"
import { AvroRefused } from "../../domain/avro/AvroRefused.js"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import { parseSchema } from "../../domain/avro/parseSchema.js"
import { avscSchema } from "./avscSchema.js"
import { bigintLong } from "./bigintLong.js"
import { replacementProbe } from "./replacementProbe.js"

/**
 * Avro's binary encoding for one schema. Values: boolean, number, bigint (every long), string (also enums), Buffer (bytes
 * and fixed), null, and objects with the fields of a record; logical types are not applied.
 */
export interface AvroCodec {
  readonly schema: AvroSchema
  /** The value that begins at `start` and ends where `buffer` ends; else why not, without quoting the data. */
  readonly decode: (buffer: Uint8Array, start: number) => Either.Either<unknown, string>
  /** A value that does not fit the schema is a defect of the caller: it throws. */
  readonly encode: (value: unknown) => Uint8Array
}

const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const truncated = Either.left("it ends before the schema does")
const invalidText = Either.left("a string in it is not valid UTF-8")

const makeType = (schema: AvroSchema): Either.Either<avsc.Type, AvroRefused> =>
  Either.try({
    try: () =>
      avsc.Type.forSchema(avscSchema(schema), {
        typeHook: (node) => node === "long" ? bigintLong : undefined,
        omitRecordMethods: true
      }),
    catch: (cause) => new AvroRefused({ where: "", what: messageOf(cause) })
  })

const makeCodec = (schema: AvroSchema, type: avsc.Type): AvroCodec => {
  const mayBeInvalid = replacementProbe(schema)
  const decode = (bytes: Uint8Array, start: number): Either.Either<unknown, string> => {
    const buffer = asBuffer(bytes)
    // avsc throws for what it cannot read (indexes out of range, stacks too deep), and answers -1 at a premature end.
    try {
      const { offset, value }: { readonly offset: number; readonly value: unknown } = type.decode(buffer, start)
      if (offset < 0) return truncated
      if (offset < buffer.length) return Either.left(`${buffer.length - offset} bytes follow after its end`)
      // Decoding puts U+FFFD for what is not UTF-8. Sent as such it is valid: encoded again, the bytes are the same.
      if (mayBeInvalid(value) && !type.toBuffer(value).equals(buffer.subarray(start))) return invalidText
      return Either.right(value)
    } catch (cause) {
      return Either.left(messageOf(cause))
    }
  }
  return { schema, decode, encode: (value) => type.toBuffer(value) }
}

/** Compiles a schema, given as JSON text. Costs milliseconds; keep the codec as long as the schema id is in use. */
export const compile = (schemaText: string): Either.Either<AvroCodec, AvroRefused> =>
  Either.gen(function*() {
    const schema = yield* parseSchema(schemaText)
    return makeCodec(schema, yield* makeType(schema))
  })

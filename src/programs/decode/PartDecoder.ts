import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { AvroSchema } from "../../domain/avro/AvroSchema.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"

/** One schema, ready to decode with. */
export interface PartCodec {
  /** What `frame` calls it. */
  readonly schemaKey: string
  /** The writer's id in the registry; undefined where the schema is not from there. */
  readonly schemaId: number | undefined
  /** What the decoded values are of: the writer's schema, or the reader's where one is configured. */
  readonly schema: AvroSchema
  /** The value that begins at `start` and ends where the bytes end; else why not, without quoting the data. */
  readonly decode: (bytes: Uint8Array, start: number) => Either.Either<unknown, string>
}

export interface PartFrame {
  /** Names the schema among those of one decoder: `id 37`, `guid …`, `string`. */
  readonly schemaKey: string
  /** Where the data begins. */
  readonly start: number
}

/** Why a schema cannot be used: only the records that name it are affected, or somebody has to set something right. */
export interface SchemaProblem {
  readonly _tag: "SchemaProblem"
  readonly kind: "record" | "setup"
  readonly what: string
  readonly cure: string
}

/** Decodes the keys, or the values, of one topic. `frame` and `codec` are plain code, called per record. */
export interface PartDecoder {
  /** `bytes` is the record's key or value; else why it cannot be framed, without quoting it. */
  readonly frame: (record: KafkaRecord, bytes: Uint8Array) => Either.Either<PartFrame, string>
  readonly codec: (schemaKey: string) => PartCodec | undefined
  /** Makes `codec` answer. Waits for as long as the registry is out; a failure is tried again by the next call. */
  readonly load: (schemaKey: string) => Effect.Effect<PartCodec, SchemaProblem>
}

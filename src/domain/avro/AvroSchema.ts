/** An Avro schema, parsed and with names resolved, as far as the mapping to columns needs it. */
export type AvroSchema =
  | {
    readonly type: "null" | "boolean" | "int" | "long" | "float" | "double" | "string" | "bytes"
    readonly logical?: LogicalType
    /** Of a string in characters, of bytes in bytes: attribute `maxLength`, as Hive and Trino have it. */
    readonly maxLength?: number
  }
  | {
    readonly type: "fixed"
    readonly name: string
    readonly size: number
    readonly logical?: LogicalType
    readonly aliases?: ReadonlyArray<string>
  }
  | {
    readonly type: "enum"
    readonly name: string
    readonly symbols: ReadonlyArray<string>
    readonly aliases?: ReadonlyArray<string>
    /** What a reader takes for a symbol that it does not know. */
    readonly default?: string
  }
  | { readonly type: "array"; readonly items: AvroSchema }
  | { readonly type: "map"; readonly values: AvroSchema }
  | { readonly type: "union"; readonly branches: ReadonlyArray<AvroSchema> }
  | RecordSchema
  /** A use of a record inside itself. */
  | { readonly type: "reference"; readonly name: string }

export interface RecordSchema {
  readonly type: "record"
  readonly name: string
  /** Full names under which a writer may know it. */
  readonly aliases?: ReadonlyArray<string>
  readonly fields: ReadonlyArray<RecordField>
}

export interface RecordField {
  readonly name: string
  readonly schema: AvroSchema
  readonly doc?: string
  readonly aliases?: ReadonlyArray<string>
  /** As the schema says it, in JSON; an integer that a number cannot hold is a bigint. Of a union, of its first branch. */
  readonly default?: { readonly json: unknown }
}

/** `name` as the schema says; a logical type that is unknown or does not fit its underlying type is absent (Avro: ignored). */
export type LogicalType =
  | { readonly name: "decimal"; readonly precision: number; readonly scale: number }
  | {
    readonly name:
      | "big-decimal"
      | "uuid"
      | "date"
      | "time-millis"
      | "time-micros"
      | "timestamp-millis"
      | "timestamp-micros"
      | "timestamp-nanos"
      | "local-timestamp-millis"
      | "local-timestamp-micros"
      | "local-timestamp-nanos"
      | "duration"
  }

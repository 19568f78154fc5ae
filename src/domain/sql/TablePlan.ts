import type { AvroSchema } from "../avro/AvroSchema.js"
import type { MetadataColumn } from "../TopicSettings.js"

/** What a column holds, independent of the database's own type names. */
export type ColumnType =
  | { readonly kind: "boolean" | "int" | "long" | "double" | "date" }
  /** Avro's type `null`: only ever NULL. */
  | { readonly kind: "null" }
  | { readonly kind: "float"; readonly stored: "double" | "float" }
  /** `length`: at most so many characters. `key`: compares byte for byte and without padding, as a key must. */
  | { readonly kind: "string"; readonly length?: number; readonly key?: true }
  /** `length`: at most so many bytes. */
  | { readonly kind: "bytes"; readonly length?: number }
  | { readonly kind: "uuid"; readonly stored: "char" | "binary" }
  | { readonly kind: "fixed"; readonly size: number }
  | { readonly kind: "enum"; readonly symbols: ReadonlyArray<string>; readonly stored: "varchar" | "enum" }
  | {
    readonly kind: "decimal"
    readonly precision: number
    readonly scale: number
    readonly stored: "decimal" | "varchar"
  }
  | { readonly kind: "big-decimal" }
  | { readonly kind: "time" | "timestamp" | "local-timestamp"; readonly unit: "millis" | "micros" }
  /** Nanoseconds since the epoch: exact, or cut off to microseconds. */
  | { readonly kind: "nanos"; readonly stored: "bigint" | "datetime" }
  /** Arrays, maps, records in records, unions of several types, durations. */
  | {
    readonly kind: "json"
    readonly schema: AvroSchema
    /** Where `schema` uses a record inside which it is itself: the schema that defines it. */
    readonly root?: AvroSchema
  }
  /** SHA-256 of the value, in hexadecimal. */
  | { readonly kind: "hash" }

export interface Column {
  /** The part of the record that it is taken from. */
  readonly from: "value" | "key"
  /** The field's names from the outside in, more than one where a record is flattened; none where the whole is the column. */
  readonly path: ReadonlyArray<string>
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  /** Whatever the record says, NULL is stored. */
  readonly redacted?: true
  readonly doc?: string
  /** The field's default, decoded: what a record has whose schema lacks the field. */
  readonly default?: { readonly value: unknown }
}

/** The table that a schema needs. Tributary's own columns `_source`, `_partition`, `_offset` come on top. */
export interface TablePlan {
  readonly topic: string
  /** Of the value; 0 where the schema is not from a registry. */
  readonly schemaId: number
  readonly table: string
  readonly columns: ReadonlyArray<Column>
  /** Names of the columns by which a row is found again, in order. None: rows are appended, their key is their origin. */
  readonly key: ReadonlyArray<string>
  readonly metadata: ReadonlyArray<MetadataColumn>
  /** What the topic's owner should know although it goes ahead: sentences without a full stop, each said once. */
  readonly notes: ReadonlyArray<string>
  /** Unique indexes of an existing table, beside the key, that an upsert may hit; absent: none. */
  readonly uniqueIndexesAllowed?: ReadonlySet<string>
}

/** The columns of a row's origin, in the order of the primary key. They are Tributary's, so no field may have their names. */
export const keyColumnNames = ["_source", "_partition", "_offset"] as const

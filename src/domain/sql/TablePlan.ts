/** What a column holds, independent of the database's own type names. */
export type ColumnType =
  | { readonly kind: "boolean" | "int" | "long" | "float" | "double" | "string" | "bytes" | "date" | "uuid" }
  /** Avro's type `null`: only ever NULL. */
  | { readonly kind: "null" }
  | { readonly kind: "fixed"; readonly size: number }
  | { readonly kind: "enum"; readonly symbols: ReadonlyArray<string> }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "time" | "timestamp" | "local-timestamp"; readonly unit: "millis" | "micros" }
  /** Nanoseconds since the epoch, exact. */
  | { readonly kind: "nanos" }

export interface Column {
  /** The field's name in the record; `undefined` when the whole value is the column. */
  readonly field: string | undefined
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  readonly doc?: string
}

/** The table that a schema needs. Tributary's own key columns `_source`, `_partition`, `_offset` come on top. */
export interface TablePlan {
  readonly topic: string
  readonly schemaId: number
  readonly table: string
  readonly columns: ReadonlyArray<Column>
}

/** The columns of a row's origin, in the order of the primary key. They are Tributary's, so no field may have their names. */
export const keyColumnNames = ["_source", "_partition", "_offset"] as const

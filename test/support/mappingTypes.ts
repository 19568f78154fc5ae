import type { TypeOptions } from "../../src/domain/TopicSettings.js"

/** A row of the mapping's table: what the column is, and what becomes of values at its edges. */
export interface MappingRow {
  readonly row: string
  /** Avro, as JSON. */
  readonly type: unknown
  readonly options?: Partial<TypeOptions>
  /** As information_schema tells it, lower case. */
  readonly column: string
  /** Value and answer, as text: bytes in hexadecimal, documents as `documentText`. */
  readonly stored: ReadonlyArray<readonly [value: unknown, answer: string | null]>
  readonly poison?: ReadonlyArray<readonly [value: unknown, reason: RegExp]>
}

export const logical = (type: string, logicalType: string, rest = {}): object => ({ type, logicalType, ...rest })
export const fixed = (size: number, rest = {}): object => ({ type: "fixed", name: "F", size, ...rest })
export const bytes = (hex: string): Buffer => Buffer.from(hex, "hex")
/** Two's complement in `size` bytes. */
export const number = (value: bigint, size: number): Buffer =>
  bytes(BigInt.asUintN(size * 8, value).toString(16).padStart(size * 2, "0"))
export const uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
export const outside = /outside 0000-01-01 to 9999-12-31/
export const notFinite = /NaN and infinity/

import type { RecordError } from "../../domain/DeadLetter.js"
import type { Poison } from "../../domain/sql/Dialect.js"

/** What is wrong with one record, and the schema of its value as far as that could be read. */
export interface BadRecord {
  readonly schemaId: number | undefined
  readonly error: RecordError
}

/** Why records cannot be written, and what to do about it. */
export interface RecordProblem {
  readonly what: string
  readonly cure: string
  /** Where the record alone is to blame: it can become a dead letter. Absent: somebody has to set something right. */
  readonly record?: BadRecord
}

export const undecodable = (schemaId: number | undefined, why: string): RecordProblem => ({
  what: `cannot be decoded: ${why}`,
  cure: "check kafka.schema.registry.url and the producer's serializer",
  record: { schemaId, error: { class: "undecodable", code: 0, message: why, column: undefined } }
})

export const unstorable = (schemaId: number | undefined, { column, reason }: Poison): RecordProblem => ({
  what: `cannot be stored exactly: ${column === "" ? "" : `field ${column}: `}${reason}`,
  cure: "the record itself is wrong: correct its producer",
  record: {
    schemaId,
    error: { class: "unstorable", code: 0, message: reason, column: column === "" ? undefined : column }
  }
})

export const needsValue = (why: string): RecordProblem => ({
  what: `has no value: ${why}`,
  cure: "tombstones = ignore passes over such records; delete.enabled = true lets them delete the row of their key",
  record: { schemaId: undefined, error: { class: "tombstone", code: 0, message: why, column: undefined } }
})

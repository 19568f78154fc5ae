import type { KafkaRecord } from "./KafkaRecord.js"

/** Why a record has become a dead letter. Texts never quote the record. */
export interface RecordError {
  /**
   * `undecodable`: not the bytes of its schema; `unstorable`: a value that no column keeps exactly; `rejected`: the
   * database refused the row; `tombstone`: no value where one is needed.
   */
  readonly class: "undecodable" | "unstorable" | "rejected" | "tombstone"
  /** Of the database; 0 where Tributary itself has refused the record. */
  readonly code: number
  readonly message: string
  readonly column: string | undefined
}

/** A record that cannot become a row, as it came from Kafka, with the reason: a row of `dead_letters`. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly sourceId: number
  readonly record: KafkaRecord
  /** Of the value; undefined where none could be read. */
  readonly schemaId: number | undefined
  readonly error: RecordError
}

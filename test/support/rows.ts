import { Either } from "effect"
import type { AvroSchema } from "../../src/domain/avro/AvroSchema.js"
import type { KafkaRecord } from "../../src/domain/KafkaRecord.js"
import { makeChangeBatch } from "../../src/domain/sql/changes.js"
import { planTable } from "../../src/domain/sql/plan/planTable.js"
import type { Dialect, Poison } from "../../src/domain/sql/Dialect.js"
import { makeRowEncoder } from "../../src/domain/sql/rowEncoder.js"
import type { SetupProblem } from "../../src/domain/sql/plan/SetupProblem.js"
import type { TablePlan } from "../../src/domain/sql/TablePlan.js"
import { defaultTopicSettings } from "../../src/domain/TopicSettings.js"
import { sha256 } from "../../src/layers/sha256.js"

export const recordAt = (offset: bigint): KafkaRecord => ({
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.alloc(0),
  headers: []
})

/** The plan with the default settings, as the topic `t` unless told. */
export const plannedBy = (
  schema: AvroSchema,
  table: string,
  topic = "t"
): Either.Either<TablePlan, ReadonlyArray<SetupProblem>> =>
  planTable({ topic, schemaId: 1, table, schema, settings: defaultTopicSettings })

/** What the encoder writes into an INSERT for a value, in two parts. */
export const insertEncoder = (dialect: Dialect, plan: TablePlan, keyColumns = true) => {
  const encoder = makeRowEncoder(dialect, plan, { keyColumns, ignored: new Set() }, sha256)
  const change = (value: unknown, sourceId: number, partition: number, offset: bigint) =>
    encoder.write({ record: recordAt(offset), key: undefined, value, sourceId, partition })
  return {
    change,
    row: (value: unknown, sourceId: number, partition: number, offset: bigint): Either.Either<string, Poison> =>
      Either.map(change(value, sourceId, partition, offset), ({ cells }) => `(${cells.join(",")})`),
    head: (value: unknown): string => {
      const batch = makeChangeBatch(dialect, Infinity)
      batch.add(Either.getOrThrow(change(value, 1, 2, 3n)))
      return batch.take().join(";").replace(/(?<= VALUES )\(.*/su, "")
    }
  }
}

import type * as Either from "effect/Either"
import type { AvroSchema } from "../avro/AvroSchema.js"
import type { KafkaRecord } from "../KafkaRecord.js"
import type { MetadataColumn } from "../TopicSettings.js"
import type { Dialect, Poison } from "./Dialect.js"
import type { Column, ColumnType } from "./TablePlan.js"

const headersSchema: AvroSchema = {
  type: "array",
  items: {
    type: "record",
    name: "Header",
    fields: [
      { name: "key", schema: { type: "string" } },
      { name: "value", schema: { type: "union", branches: [{ type: "null" }, { type: "bytes" }] } }
    ]
  }
}

const types: Readonly<Record<MetadataColumn, ColumnType>> = {
  _timestamp: { kind: "timestamp", unit: "millis" },
  _key: { kind: "bytes" },
  _headers: { kind: "json", schema: headersSchema },
  _schema_id: { kind: "int" }
}

/** As a table declares it: every one may be NULL, because a record need not have one. */
export const metadataColumn = (name: MetadataColumn): Column => ({
  from: "value",
  path: [],
  name,
  type: types[name],
  nullable: true
})

/** What the column says of a record; `schemaId` of its value, 0 where it is not from a registry. */
const valueOf = (name: MetadataColumn, schemaId: number): (record: KafkaRecord) => unknown => {
  switch (name) {
    case "_timestamp":
      // Kafka's word for "none" is -1.
      return ({ timestampMs }) => timestampMs < 0 ? null : BigInt(timestampMs)
    case "_key":
      return ({ key }) => key
    case "_headers":
      // A list: names may repeat, and their order counts.
      return ({ headers }) => headers.map(([key, value]) => ({ key, value }))
    case "_schema_id": {
      const id = schemaId === 0 ? null : schemaId
      return () => id
    }
  }
}

export const metadataCell = (
  dialect: Dialect,
  name: MetadataColumn,
  schemaId: number
): (record: KafkaRecord) => Either.Either<string, Poison> => {
  const read = valueOf(name, schemaId)
  const write = dialect.literal(metadataColumn(name))
  return (record) => write(read(record))
}

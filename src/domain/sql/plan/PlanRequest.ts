import type { AvroSchema } from "../../avro/AvroSchema.js"
import type { TopicSettings } from "../../TopicSettings.js"

export interface PlanRequest {
  readonly topic: string
  /** Of the value; 0 where it is not from a registry. */
  readonly schemaId: number
  readonly table: string
  readonly schema: AvroSchema
  /** Of the record's key, where the settings say that it becomes columns. */
  readonly keySchema?: AvroSchema
  readonly settings: TopicSettings
}

/** What a record's key or value is on the wire. `json` needs a schema, which says what each field becomes. */
export type RecordFormat = "avro" | "json" | "string" | "bytes"

/** How wide the schema id before Avro data is: Confluent's 4 bytes, or the 8 of Apicurio's own serializers. */
export type IdFormat = "confluent" | "apicurio"

/** Columns about the record itself that a table gets on request, invisible as Tributary's key. */
export type MetadataColumn = "_timestamp" | "_key" | "_headers" | "_schema_id"

/** Which fields become columns, under which names, and which of them only masked. Names are those of the schema. */
export interface FieldRules {
  /** Undefined: all. */
  readonly include: ReadonlySet<string> | undefined
  readonly exclude: ReadonlySet<string>
  readonly rename: ReadonlyMap<string, string>
  /** Stored as the SHA-256 of the value, in hexadecimal. */
  readonly hash: ReadonlySet<string>
  /** Stored as NULL. */
  readonly redact: ReadonlySet<string>
}

/** Where the mapping has a choice (docs/mapping.md). The first of each is the default. */
export interface TypeOptions {
  readonly float: "double" | "float"
  readonly enumeration: "varchar" | "enum"
  readonly uuid: "char" | "binary"
  /** `datetime`: microseconds, the rest cut off, which is said once. */
  readonly nanos: "bigint" | "datetime"
  readonly nested: "json" | "flatten"
  /** Decimals beyond DECIMAL(65, 30). */
  readonly wideDecimal: "refuse" | "varchar"
}

export interface EvolutionPolicy {
  /** MAPPING section 4: what a schema may change of a table that is there. */
  readonly mode: "none" | "additive" | "widen"
  /** Whether an ALTER may copy the table, or run for as long as a copy would. */
  readonly allowCopy: boolean
}

export interface ErrorPolicy {
  readonly records: "dead-letter" | "stop"
  /** Share of dead letters among the last records, 0 to 1, beyond which a partition stops. */
  readonly maxRate: number
  /** A row whose parent is missing (1452): how long it waits for it; 0: not at all. */
  readonly foreignKeyWaitMs: number
}

/** How the records of one topic become rows. */
export interface TopicSettings {
  /** `${topic}` stands for the topic, `${record}` for the name of the value's record type. */
  readonly tableNameFormat: string
  /** Says the table without the format: `topic.to.table.map`. */
  readonly table: string | undefined
  readonly insertMode: "insert" | "upsert"
  readonly keyMode: "none" | "record_key" | "record_value"
  /** Key columns of an upsert: fields of the value, or the names of the record key's columns. */
  readonly keyFields: ReadonlyArray<string>
  readonly deleteEnabled: boolean
  /** Records without a value where they delete nothing. */
  readonly tombstones: "ignore" | "dead-letter"
  /** Unique indexes beside the key that ON DUPLICATE KEY UPDATE may hit. */
  readonly uniqueIndexesAllowed: ReadonlySet<string>
  readonly fields: FieldRules
  readonly types: TypeOptions
  readonly metadataColumns: ReadonlyArray<MetadataColumn>
  readonly keyFormat: RecordFormat
  readonly valueFormat: RecordFormat
  readonly keyWireFormat: IdFormat
  readonly valueWireFormat: IdFormat
  /** A larger key or value is a dead letter: what reading it costs is bounded by its size. */
  readonly recordMaxBytes: number
  /** The schemas of JSON keys and values, as text. The configuration names files, which are read once at the start. */
  readonly keySchema: string | undefined
  readonly valueSchema: string | undefined
  /** The schema as which values are read, by Avro's rules of schema resolution, as text; undefined: the writer's own. */
  readonly valueReaderSchema: string | undefined
  readonly evolution: EvolutionPolicy
  readonly errors: ErrorPolicy
}

export const defaultTopicSettings: TopicSettings = {
  tableNameFormat: "${topic}",
  table: undefined,
  insertMode: "insert",
  keyMode: "none",
  keyFields: [],
  deleteEnabled: false,
  tombstones: "ignore",
  uniqueIndexesAllowed: new Set(),
  fields: { include: undefined, exclude: new Set(), rename: new Map(), hash: new Set(), redact: new Set() },
  types: {
    float: "double",
    enumeration: "varchar",
    uuid: "char",
    nanos: "bigint",
    nested: "json",
    wideDecimal: "refuse"
  },
  metadataColumns: [],
  keyFormat: "avro",
  valueFormat: "avro",
  keyWireFormat: "confluent",
  valueWireFormat: "confluent",
  recordMaxBytes: 16_777_216,
  keySchema: undefined,
  valueSchema: undefined,
  valueReaderSchema: undefined,
  evolution: { mode: "additive", allowCopy: false },
  errors: { records: "dead-letter", maxRate: 0.5, foreignKeyWaitMs: 30_000 }
}

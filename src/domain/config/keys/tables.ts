import { isTopicName } from "../addresses.js"
import { boolean, choice, fraction, integer, jsonFile, key, list, names, pairs, text } from "../KeySpec.js"

const hour = 3_600_000

const metadataNames = ["partition", "offset", "timestamp", "key", "headers", "schema_id"]
const metadata = list(
  (name) => metadataNames.includes(name.replace(/^_/, "")), // as the column is called, or without its underscore
  `some of ${metadataNames.join(", ")} between commas, none twice`
)

const avroFile = jsonFile("a file with an Avro schema, or nothing")

/** What looks like a placeholder is one of the two. */
const tableName = /^(?=.{1,255}$)(?:\$\{(?:topic|record)\}|(?!\$\{)[^\s\0/\\.])+$/

/** What may be said for all topics, and differently for one: `table.TOPIC.KEY`. */
export const topicKeys = {
  tableNameFormat: key(
    "table.name.format",
    text(tableName, "a table name, ${topic} for the topic, ${record} for the record type"),
    {
      fallback: "${topic}",
      doc:
        "Name of a topic's table, at most 64 characters when put in. ${topic} stands for the topic, ${record} for the name " +
        "of the value's record type without its namespace: a topic with several types then has a table for each."
    }
  ),
  insertMode: key("insert.mode", choice("insert", "upsert"), {
    fallback: "insert",
    doc: "insert: every record is a row of its own. upsert: a record takes the place of the row with its key (pk.mode)."
  }),
  pkMode: key("pk.mode", choice("none", "record_key", "record_value"), {
    fallback: "none",
    doc: "Where the key of an upsert comes from: the record's key, or fields of its value (pk.fields). With " +
      "insert.mode=insert the key is where the record comes from: source, partition and offset."
  }),
  pkFields: key("pk.fields", names("field names"), {
    doc:
      "Key columns: fields of the value with pk.mode=record_value, the key's columns with record_key (default: all " +
      "its fields, or `key` where it is not a record)."
  }),
  deleteEnabled: key("delete.enabled", boolean, {
    fallback: "false",
    doc: "A record without a value deletes the row with its key. Needs insert.mode=upsert and pk.mode=record_key."
  }),
  tombstones: key("tombstones", choice("ignore", "dead-letter"), {
    fallback: "ignore",
    doc: "What becomes of a record without a value that deletes nothing: passed over and counted, or a dead letter."
  }),
  uniqueIndexesAllowed: key("unique.indexes.allowed", names("names of indexes"), {
    doc: "Unique indexes beside the key that an upsert may hit. Any other is refused: ON DUPLICATE KEY UPDATE would " +
      "change the row of another key through it."
  }),
  fieldsInclude: key("fields.include", names("field names"), {
    aliases: ["fields.whitelist"],
    doc: "Only these fields become columns. Nothing: all."
  }),
  fieldsExclude: key("fields.exclude", names("field names"), {
    doc: "These fields become no columns."
  }),
  fieldsRename: key(
    "fields.rename",
    pairs((field, column) => field !== "" && column !== "", "field:column,field:column,… or nothing"),
    { doc: "Columns that are called otherwise than their fields." }
  ),
  fieldsHash: key("fields.hash", names("field names"), {
    doc: "These are stored as the SHA-256 of their value, in hexadecimal. What can be guessed can be found again by it."
  }),
  fieldsRedact: key("fields.redact", names("field names"), {
    doc: "These are stored as NULL. A dead letter still holds the record as it came."
  }),
  metadataColumns: key(
    "metadata.columns",
    metadata,
    {
      fallback: "partition,offset",
      doc:
        "Invisible columns about the record: partition and offset are always there (with the source); timestamp, key, " +
        "headers and schema_id add _timestamp, _key, _headers and _schema_id."
    }
  ),
  nestedMode: key("nested.mode", choice("json", "flatten"), {
    fallback: "json",
    doc: "A record inside a record: one JSON column, or a column for each of its fields (outer_inner)."
  }),
  typesFloat: key("types.float", choice("double", "float"), {
    fallback: "double",
    doc: "Column of Avro's float. MySQL prints a FLOAT 16777216 as 16777200; a DOUBLE shows what was sent."
  }),
  typesEnum: key("types.enum", choice("varchar", "enum"), {
    fallback: "varchar",
    doc: "Column of Avro's enum. A new symbol alters an ENUM, and leaves a VARCHAR that is long enough as it is."
  }),
  typesUuid: key("types.uuid", choice("char", "binary"), {
    fallback: "char",
    doc: "Column of a uuid: CHAR(36), or BINARY(16) that is read with BIN_TO_UUID."
  }),
  typesNanos: key("types.nanos", choice("bigint", "datetime"), {
    fallback: "bigint",
    doc: "Column of timestamps in nanoseconds: all digits as a number, or DATETIME(6) with the last three cut off."
  }),
  typesDecimalBeyond: key("types.decimal.beyond", choice("refuse", "varchar"), {
    fallback: "refuse",
    doc: "Decimals beyond DECIMAL(65, 30): refused when the table is made, or kept as text."
  }),
  keyFormat: key("key.format", choice("avro", "json", "string", "bytes"), {
    fallback: "avro",
    doc: "What a record's key is. json needs key.schema. Read only where the key is used."
  }),
  keySchema: key("key.schema", avroFile, { doc: "Schema of JSON keys: says what each of their fields becomes." }),
  valueFormat: key("value.format", choice("avro", "json", "string", "bytes"), {
    fallback: "avro",
    doc: "What a record's value is. json needs value.schema; string and bytes make one column, value."
  }),
  valueSchema: key("value.schema", avroFile, { doc: "Schema of JSON values: says what each of their fields becomes." }),
  valueReaderSchema: key("value.reader.schema", avroFile, {
    doc:
      "Schema as which Avro values are read, by Avro's rules of schema resolution: its aliases and defaults count. " +
      "Nothing: as they were written."
  }),
  keyWireFormat: key("key.wire.format", choice("confluent", "apicurio"), {
    fallback: "confluent",
    doc: "As value.wire.format, for keys."
  }),
  valueWireFormat: key("value.wire.format", choice("confluent", "apicurio"), {
    fallback: "confluent",
    doc:
      "Width of the schema id before Avro data: 4 bytes, or the 8 of Apicurio's own serializers. Where headers name the " +
      "schema they count, in either case."
  }),
  recordMaxBytes: key("record.max.bytes", integer(1_024, 1_073_741_824), {
    fallback: "16777216",
    doc: "A record with a larger key or value is a dead letter. Reading one takes up to 20 ms per MiB, during which " +
      "nothing else happens: lower it if consumers leave their group, raise it for records that are meant to be so large."
  }),
  schemaEvolution: key("schema.evolution", choice("none", "additive", "widen"), {
    fallback: "additive",
    doc:
      "What a new schema may change of a table that is there. none: nothing. additive: add columns, and let a column " +
      "be NULL whose field is gone. widen: also widen types."
  }),
  schemaEvolutionAllowCopy: key("schema.evolution.allow.copy", boolean, {
    fallback: "false",
    doc: "Whether such a change may copy the table. It may take hours, and holds up the writers for a part of them."
  }),
  errors: key("errors", choice("dead-letter", "stop"), {
    fallback: "dead-letter",
    doc: "A record that cannot become a row: stored in dead_letters in the same transaction, or it stops its partition."
  }),
  errorsMaxRate: key("errors.max.rate", fraction, {
    fallback: "0.5",
    doc:
      "Share of dead letters among the last records beyond which a partition stops: a wrong schema must not empty a " +
      "topic into dead_letters. Lower: a few bad records stop it. 1: never."
  }),
  fkWaitMs: key("fk.wait.ms", integer(0, hour), {
    fallback: "30000",
    doc:
      "How long a row whose parent is missing (error 1452) waits for it before it is a dead letter. 0: not at all. " +
      "Higher: the partition stands still for longer."
  })
} as const

/** What is said of topics by name, once for all of them. */
export const tableKeys = {
  tableMap: key(
    "topic.to.table.map",
    pairs((topic, table) => isTopicName(topic) && tableName.test(table), "topic:table,topic:table,… or nothing"),
    {
      doc: "Tables of topics, before table.name.format. Several topics may be sent to one table here: their rows are " +
        "told apart by _source."
    }
  )
} as const

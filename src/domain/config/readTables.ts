import * as Option from "effect/Option"
import type { TablesConfig } from "../Config.js"
import { defaultTopicSettings, type MetadataColumn, type TopicSettings } from "../TopicSettings.js"
import { keys } from "./keys.js"
import type { KeySpec } from "./KeySpec.js"
import type { Read, Reader } from "./reader.js"

/** What is said of all topics, and of those of which something of their own is said. */
export const readTables = ({ ofTopic, ofTopics, optional }: Reader): TablesConfig => {
  const tables = Option.getOrElse(optional(keys.tableMap), () => new Map<string, string>())
  const named = new Set([...ofTopics.keys(), ...tables.keys()])
  return {
    defaults: readTopicSettings(optional),
    byTopic: new Map(
      [...named].map((topic) => [topic, { ...readTopicSettings(ofTopic(topic)), table: tables.get(topic) }])
    )
  }
}

/** A value that is wrong has its default here: the reader remembers it, and nothing of the whole is used. */
const readTopicSettings = (read: Read): TopicSettings => {
  const or = <A>(spec: KeySpec<A>, absent: A): A => Option.getOrElse(read(spec), () => absent)
  const setOf = (spec: KeySpec<ReadonlyArray<string>>): ReadonlySet<string> => new Set(or(spec, []))
  const { errors, evolution, types, ...defaults } = defaultTopicSettings
  const include = setOf(keys.fieldsInclude)
  return {
    tableNameFormat: or(keys.tableNameFormat, defaults.tableNameFormat),
    table: undefined,
    insertMode: or(keys.insertMode, defaults.insertMode),
    keyMode: or(keys.pkMode, defaults.keyMode),
    keyFields: or(keys.pkFields, defaults.keyFields),
    deleteEnabled: or(keys.deleteEnabled, defaults.deleteEnabled),
    tombstones: or(keys.tombstones, defaults.tombstones),
    uniqueIndexesAllowed: setOf(keys.uniqueIndexesAllowed),
    fields: {
      include: include.size === 0 ? undefined : include,
      exclude: setOf(keys.fieldsExclude),
      rename: or(keys.fieldsRename, new Map()),
      hash: setOf(keys.fieldsHash),
      redact: setOf(keys.fieldsRedact)
    },
    types: {
      float: or(keys.typesFloat, types.float),
      enumeration: or(keys.typesEnum, types.enumeration),
      uuid: or(keys.typesUuid, types.uuid),
      nanos: or(keys.typesNanos, types.nanos),
      nested: or(keys.nestedMode, types.nested),
      wideDecimal: or(keys.typesDecimalBeyond, types.wideDecimal)
    },
    metadataColumns: metadataColumnsOf(or(keys.metadataColumns, [])),
    keyFormat: or(keys.keyFormat, defaults.keyFormat),
    valueFormat: or(keys.valueFormat, defaults.valueFormat),
    keyWireFormat: or(keys.keyWireFormat, defaults.keyWireFormat),
    valueWireFormat: or(keys.valueWireFormat, defaults.valueWireFormat),
    recordMaxBytes: or(keys.recordMaxBytes, defaults.recordMaxBytes),
    keySchema: Option.getOrUndefined(read(keys.keySchema)),
    valueSchema: Option.getOrUndefined(read(keys.valueSchema)),
    valueReaderSchema: Option.getOrUndefined(read(keys.valueReaderSchema)),
    evolution: {
      mode: or(keys.schemaEvolution, evolution.mode),
      allowCopy: or(keys.schemaEvolutionAllowCopy, evolution.allowCopy)
    },
    errors: {
      records: or(keys.errors, errors.records),
      maxRate: or(keys.errorsMaxRate, errors.maxRate),
      foreignKeyWaitMs: or(keys.fkWaitMs, errors.foreignKeyWaitMs)
    }
  }
}

const metadataColumnsOf = (names: ReadonlyArray<string>): ReadonlyArray<MetadataColumn> => [
  ...new Set(names.flatMap((name) => metadataColumns.get(name.replace(/^_/, "")) ?? []))
]

/** Those that are always there are no choice. */
const metadataColumns: ReadonlyMap<string, MetadataColumn> = new Map([
  ["timestamp", "_timestamp"],
  ["key", "_key"],
  ["headers", "_headers"],
  ["schema_id", "_schema_id"]
])

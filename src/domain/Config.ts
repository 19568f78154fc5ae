import type * as Redacted from "effect/Redacted"
import { nameOf } from "./tableName.js"
import type { RegistryAccess } from "./RegistryAccess.js"
import type { TopicSettings } from "./TopicSettings.js"

/** Everything that the programs are told. Times in milliseconds, sizes in bytes, as the keys' names say. */
export interface Config {
  readonly pipelineName: string
  /** `kafka.bootstrap.servers`: host:port of real brokers, or one `file:` URL of an embedded log. */
  readonly bootstrapServers: ReadonlyArray<string>
  /** By name; empty where there is a pattern. */
  readonly topics: ReadonlyArray<string>
  readonly topicPattern: TopicPattern | undefined
  /** How often the pattern looks for new topics. */
  readonly metadataMaxAgeMs: number
  /** `kafka.schema.registry.url`: http(s) URLs, tried in order, or one `file:` URL of a schema directory. */
  readonly registryUrls: ReadonlyArray<string>
  readonly registryAccess: RegistryAccess
  /** `${topic}` stands for the topic. */
  readonly consumerGroup: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly autoOffsetReset: "earliest" | "latest" | "none"
  readonly stateDir: string | undefined
  /** `max.poll.records`: largest slice handed to a partition's queue at once. */
  readonly maxPollRecords: number
  /** `poll.interval.ms`: longest wait of one fetch. */
  readonly pollIntervalMs: number
  /** `blocking.queue.size`: records queued at or above which a partition pauses. */
  readonly blockingQueueSize: number
  readonly queueMaxBytes: number
  readonly fetchMaxBytesPerPartition: number
  readonly batchMaxRows: number
  readonly batchMaxBytes: number
  readonly lingerMs: number
  readonly mysql: DatabaseConfig
  readonly autoCreate: boolean
  readonly tables: TablesConfig
  readonly ddlLockTimeoutMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly shutdownTimeoutMs: number
  readonly kafkaCommitAdvisory: boolean
  readonly logLevel: "debug" | "info" | "warn" | "error"
  readonly logFormat: "text" | "json" | "logfmt"
}

/** `kafka.topics.regex` without `kafka.topics.exclude`. Both match whole names. */
export interface TopicPattern {
  readonly include: RegExp
  readonly exclude: RegExp
}

export interface TablesConfig {
  /** Of the topics that nothing more is said of. */
  readonly defaults: TopicSettings
  readonly byTopic: ReadonlyMap<string, TopicSettings>
}

export type DatabaseConfig =
  | {
    readonly kind: "mysql"
    readonly host: string
    readonly port: number
    readonly database: string
    readonly username: string
    readonly password: Redacted.Redacted
    readonly maxPoolSize: number
    readonly connectTimeoutMs: number
    readonly statementTimeoutMs: number
  }
  | { readonly kind: "libsql"; readonly file: string }

/** What commands get that use Kafka and the registry but no database. `topics` may be empty. */
export type ClientConfig = Omit<Config, "mysql">

export const matches = ({ exclude, include }: TopicPattern, topic: string): boolean =>
  include.test(topic) && !exclude.test(topic)

/** The group that reads a topic. */
export const groupOf = (config: Pick<Config, "consumerGroup">, topic: string): string =>
  config.consumerGroup.replaceAll("${topic}", topic)

/** The table that takes a topic's records; with `${record}` in it where there is one for each record type. */
export const tableOf = (config: Pick<Config, "tables">, topic: string): string =>
  nameOf(settingsOf(config, topic), topic)

export const settingsOf = ({ tables }: Pick<Config, "tables">, topic: string): TopicSettings =>
  tables.byTopic.get(topic) ?? tables.defaults

import {
  DatabaseAddress,
  displayDatabaseUrl,
  isFileUrl,
  isHostAndPort,
  isRegistryUrl,
  isTopicName
} from "./addresses.js"
import { parseDatabaseUrl, writeDatabaseUrl } from "./addresses.js"
import { boolean, choice, integer, key, type KeyInfo, list, parsed, secretText, text } from "./KeySpec.js"

const hour = 3_600_000
const gibibyte = 1_073_741_824

/** Every key, by the name of its field in `Config`. The one list that checks, documents and completion are made from. */
export const keys = {
  pipelineName: key("pipeline.name", text(/^\S{1,255}$/, "1 to 255 characters without blanks"), {
    fallback: "tributary",
    doc: "Names this pipeline in kafka_sources, so that two pipelines that share a database are told apart."
  }),
  bootstrapServers: key(
    "kafka.bootstrap.servers",
    list((item) => isHostAndPort(item) || isFileUrl(item), "host:port,host:port,… (or one file: URL, embedded)"),
    {
      aliases: ["bootstrap.servers"],
      doc:
        "Brokers to ask first; the rest of the cluster is found through them. Name several, one may be down at start."
    }
  ),
  topics: key("kafka.topics", list(isTopicName, "topic names (letters, digits, . _ -) between commas, none twice"), {
    aliases: ["topics"],
    doc: "Topics to read. Each has its own table, and unless consumer.group says otherwise its own consumer group."
  }),
  registryUrls: key(
    "kafka.schema.registry.url",
    list(
      (item) => isRegistryUrl(item) || isFileUrl(item),
      "http(s)://host:port/path,… without user or password (or one file: URL, embedded)"
    ),
    {
      aliases: ["schema.registry.url"],
      doc: "Schema registries with Confluent's API, tried in order. A path belongs to it, such as /apis/ccompat/v7."
    }
  ),
  consumerGroup: key("consumer.group", text(/^\S{1,255}$/, "1 to 255 characters without blanks"), {
    fallback: "group-${topic}",
    aliases: ["group.id", "kafka.group.id"],
    doc:
      "Consumer group, ${topic} stands for the topic. It is part of the key of kafka_offsets: another group starts anew."
  }),
  sessionTimeoutMs: key("kafka.session.timeout.ms", integer(1_000, hour), {
    fallback: "6000",
    aliases: ["session.timeout.ms"],
    doc:
      "After this silence the group gives the partitions to others. 6000 is the least that brokers accept by default " +
      "(group.min.session.timeout.ms). Lower: refused by the broker. Higher: a take-over after a power cut waits longer."
  }),
  heartbeatIntervalMs: key("kafka.heartbeat.interval.ms", integer(100, hour), {
    fallback: "1000",
    aliases: ["heartbeat.interval.ms"],
    doc: "How often a member shows that it lives: a sixth of the session, so that five may get lost. Lower: more " +
      "requests. Higher than a third of the session: one lost heartbeat may cost the membership."
  }),
  autoOffsetReset: key("kafka.auto.offset.reset", choice("earliest", "latest", "none"), {
    fallback: "earliest",
    aliases: ["auto.offset.reset"],
    doc: "Where a group starts that has no row for the topic yet. Never used afterwards: records that retention has " +
      "deleted stop their partition instead of being skipped."
  }),
  fetchMaxBytesPerPartition: key("kafka.max.partition.fetch.bytes", integer(1_024, gibibyte), {
    fallback: "1048576",
    aliases: ["max.partition.fetch.bytes"],
    doc:
      "Most bytes of one partition in one fetch (a larger single batch still comes whole). 256 KiB cost a fifth of " +
      "the throughput, 4 MiB cost memory and gained nothing."
  }),
  kafkaCommitAdvisory: key("kafka.commit.advisory", boolean, {
    fallback: "true",
    doc: "Commits the stored offset to Kafka as well, after the database has it, for lag tools only."
  }),
  autoCommit: key("kafka.enable.auto.commit", { ...choice("false"), expected: "false: offsets live in MySQL" }, {
    fallback: "false",
    aliases: ["enable.auto.commit"],
    doc: "Understood so that a consumer's file can be used as it is. Only false is possible."
  }),
  stateDir: key("state.dir", text(/^[^\0]*$/, "a folder, or nothing"), {
    fallback: ".tributary/state",
    doc: "Where a process leaves its member ids, so that after a crash its successor on this host takes over at once " +
      "instead of after the session timeout. Empty: never."
  }),
  maxPollRecords: key("max.poll.records", integer(1, 1_000_000), {
    fallback: "500",
    aliases: ["kafka.max.poll.records"],
    doc:
      "Largest slice handed to a partition's queue at once. Not more than blocking.queue.size (its default follows). " +
      "Lower: more hand-overs. Higher: the queue overshoots its bound by as much."
  }),
  pollIntervalMs: key("poll.interval.ms", integer(1, 30_000), {
    fallback: "100",
    aliases: ["fetch.max.wait.ms", "kafka.fetch.max.wait.ms"],
    doc:
      "Longest wait of one fetch for new records. Lower: more empty requests. Higher: a fetcher whose partitions are " +
      "all paused wakes up later."
  }),
  blockingQueueSize: key("blocking.queue.size", integer(1, 10_000_000), {
    fallback: "5000",
    doc: "Records queued at or above which a partition pauses; it resumes at half. A few transactions' worth. Lower: " +
      "the database waits for Kafka. Higher: only memory."
  }),
  queueMaxBytes: key("queue.max.bytes", integer(65_536, 64 * gibibyte), {
    fallback: "33554432",
    doc:
      "Most bytes that wait in all queues of the process, beyond one fetch per partition; each partition may use its " +
      "equal share at any time. Bounds memory where records are large; blocking.queue.size bounds it where they are small."
  }),
  batchMaxRows: key("batch.max.rows", integer(1, 100_000), {
    fallback: "1000",
    aliases: ["batch.size"],
    doc: "Most rows in one transaction. 1000 to 2000 measured best; 200 cost a quarter, 5000 cost the server more " +
      "time per row."
  }),
  batchMaxBytes: key("batch.max.bytes", integer(1_024, gibibyte), {
    fallback: "4194304",
    doc: "Most bytes of records in one transaction, a single larger record excepted. Must stay well below MySQL's " +
      "max_allowed_packet (64 MiB by default)."
  }),
  lingerMs: key("linger.ms", integer(0, 60_000), {
    fallback: "5",
    doc:
      "How long a transaction that is not full waits for more records. 0: none. Higher: fewer, larger transactions " +
      "under light load, and later rows."
  }),
  mysqlUrl: key(
    "mysql.url",
    {
      ...parsed(
        DatabaseAddress,
        parseDatabaseUrl,
        writeDatabaseUrl,
        "jdbc:mysql://host:port/database, mysql://user:password@host:port/database (percent-encoded) " +
          "or libsql:file:PATH (embedded)"
      ),
      secret: true,
      display: displayDatabaseUrl
    },
    { aliases: ["connection.url"], doc: "The database that takes rows and offsets. Port 3306 where none is given." }
  ),
  mysqlUsername: key("mysql.username", text(/^[^\0]{1,255}$/, "a user name"), {
    aliases: ["mysql.user", "connection.user"],
    doc: "Account of the database, unless the URL names it."
  }),
  mysqlPassword: key("mysql.password", secretText, {
    aliases: ["connection.password"],
    doc: "Password of the account. Better given as TRIBUTARY_MYSQL_PASSWORD_FILE than in a file that others can read."
  }),
  mysqlMaxPoolSize: key("mysql.maxPoolSize", integer(1, 1_000), {
    fallback: "16",
    doc: "Most connections for data; two more serve control. Each active partition uses one at a time, so more than " +
      "partitions + 2 are never opened. Lower: partitions wait for each other."
  }),
  mysqlConnectTimeoutMs: key("mysql.connect.timeout.ms", integer(100, hour), {
    fallback: "10000",
    doc: "Longest wait for a connection. Lower: a busy server looks dead. Higher: a dead one is noticed later."
  }),
  mysqlStatementTimeoutMs: key("mysql.statement.timeout.ms", integer(1_000, hour), {
    fallback: "30000",
    doc: "Deadline of every statement; passing it destroys the connection. Lower: slow disks look dead. Higher: a " +
      "silent network stalls the partition longer."
  }),
  autoCreate: key("auto.create", boolean, {
    fallback: "true",
    doc: "Create missing tables from the records' schema."
  }),
  tableNameFormat: key("table.name.format", text(/^[^\s\0/\\.]{1,255}$/, "a table name, ${topic} for the topic"), {
    fallback: "${topic}",
    doc: "Name of a topic's table. ${topic} stands for the topic; at most 64 characters when put in."
  }),
  ddlLockTimeoutMs: key("ddl.lock.timeout.ms", integer(1_000, hour), {
    fallback: "30000",
    doc:
      "How long creating or altering a table is tried while others hold it. A waiting ALTER holds up every writer of " +
      "the table, so each single try waits 2 s at most."
  }),
  retryBackoffMs: key("retry.backoff.ms", integer(1, hour), {
    fallback: "100",
    doc: "First wait after an error that heals by itself; it doubles, with jitter."
  }),
  retryBackoffMaxMs: key("retry.backoff.max.ms", integer(1, hour), {
    fallback: "5000",
    doc:
      "Longest wait between tries. 5 s, so that rows flow again within seconds of the server's return. Higher: less " +
      "load on a server that is coming up, later rows."
  }),
  shutdownTimeoutMs: key("shutdown.timeout.ms", integer(100, hour), {
    fallback: "25000",
    doc: "Longest time from SIGTERM to the exit. Less than the 30 s that Kubernetes and systemd-like managers allow " +
      "before they kill."
  }),
  logLevel: key("log.level", choice("debug", "info", "warn", "error"), {
    fallback: "info",
    doc: "Least level that is written. Stack traces come only with debug."
  }),
  logFormat: key("log.format", choice("text", "json", "logfmt"), {
    fallback: "text",
    doc: "Form of the log lines on stderr. WARN stands in every form."
  })
} as const

export const allKeys: ReadonlyArray<KeyInfo> = Object.values(keys)

/** `mysql.maxPoolSize` → `TRIBUTARY_MYSQL_MAXPOOLSIZE`. One-to-one, because no two keys differ by case alone. */
export const environmentName = (name: string): string => `TRIBUTARY_${name.toUpperCase().replaceAll(".", "_")}`

/** Every spelling of every key. */
export const spellings: ReadonlyMap<string, KeyInfo> = new Map(
  allKeys.flatMap((spec) => [spec.key, ...spec.aliases].map((name) => [name, spec]))
)

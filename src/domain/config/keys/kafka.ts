import { isFileUrl, isHostAndPort, isRegistryUrl, isTopicName } from "../addresses.js"
import { boolean, choice, integer, key, list, pattern, text } from "../KeySpec.js"

const hour = 3_600_000
const gibibyte = 1_073_741_824

/** Where records come from, and how this process takes part in its groups. */
export const kafkaKeys = {
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
  topicsRegex: key("kafka.topics.regex", pattern, {
    aliases: ["topics.regex"],
    doc:
      "In place of kafka.topics: all topics whose whole name matches. Those that come while Tributary runs are read " +
      "from their beginning. Kafka's own topics never are."
  }),
  topicsExclude: key("kafka.topics.exclude", pattern, {
    fallback: "_.*",
    aliases: ["topics.exclude"],
    doc:
      "Of the topics that kafka.topics.regex matches, these are left out. The default leaves out what others keep in " +
      "Kafka for themselves, such as a registry's _schemas."
  }),
  metadataMaxAgeMs: key("kafka.metadata.max.age.ms", integer(100, hour), {
    fallback: "30000",
    aliases: ["metadata.max.age.ms"],
    doc:
      "How often kafka.topics.regex looks for new topics. Java's 300000 would leave a new one unread for five minutes; " +
      "lower: more requests."
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
    fallback: "500",
    aliases: ["heartbeat.interval.ms"],
    doc:
      "How often a member shows that it lives, and by which it learns that another has come or gone: so long may a " +
      "partition stand still that is handed over. Lower: more requests. Higher than a third of the session: one lost " +
      "heartbeat may cost the membership."
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
  })
} as const

import * as Schema from "effect/Schema"
import { isFileUrl, isHostAndPort } from "./config/addresses.js"
import { boolean, choice, integer, list, parsed, text } from "./config/KeySpec.js"
import { formatClass, type JavaClient, property } from "./javaProperties.js"

const hour = 3_600_000
const int32Max = 2_147_483_647
const gibibyte = 1_073_741_824

const bootstrapServers = property(
  "bootstrap.servers",
  list((item) => isHostAndPort(item) || isFileUrl(item), "host:port,host:port,… (or one file: URL, embedded)"),
  {
    doc: "Brokers to ask first, instead of the configuration's kafka.bootstrap.servers.",
    misspelt: ["bootstrap.server"]
  }
)

/** What a producer understands, by the name of its field in `ProducerSettings`. Defaults are those of the Java client 4. */
export const producerKeys = {
  bootstrapServers,
  keyFormat: property("key.serializer", formatClass("Serializer"), {
    fallback: "StringSerializer",
    doc: "The form of keys, as a Java class."
  }),
  valueFormat: property("value.serializer", formatClass("Serializer"), {
    fallback: "StringSerializer",
    doc: "The form of values, as a Java class. KafkaAvroSerializer wants a schema (--schema)."
  }),
  acks: property(
    "acks",
    parsed(
      Schema.Literal("0", "1", "all"),
      (word) => word === "-1" ? "all" : word === "0" || word === "1" || word === "all" ? word : undefined,
      (acks) => acks,
      "one of 0, 1, all, -1 (the same as all)"
    ),
    {
      fallback: "all",
      doc: "Who has the record before it counts as sent: nobody (0), the leader (1), every in-sync replica (all).",
      flag: "--acks",
      misspelt: ["asks", "ack"]
    }
  ),
  bufferMemory: property("buffer.memory", integer(1_024, 64 * gibibyte), {
    fallback: "33554432",
    doc: "Most bytes of records that wait or are under way. Beyond it the source waits.",
    flag: "--buffer-memory",
    misspelt: ["buffer.byte", "buffer.bytes", "buffer.size"]
  }),
  enableIdempotence: property("enable.idempotence", boolean, {
    fallback: "true",
    doc: "Batches carry numbers, so that one that is sent twice stays once, and in order. Where nobody sets it, off " +
      "beside acks=0 or 1, retries=0 or more than 5 requests in flight.",
    flag: "--idempotent",
    misspelt: ["enable.idempotent", "idempotence"]
  }),
  maxInFlight: property("max.in.flight.requests.per.connection", integer(1, 1_000), {
    fallback: "5",
    doc: "Most batches that are under way at once. Higher: more throughput on long lines.",
    flag: "--max-in-flight",
    misspelt: ["max.in.flight.requests", "max.in.flight"]
  }),
  batchSize: property("batch.size", integer(0, int32Max), {
    fallback: "16384",
    doc: "Bytes at which a partition's batch is sent. Lower: more requests. Higher: more memory. 0: each record alone.",
    flag: "--batch-size"
  }),
  lingerMs: property("linger.ms", integer(0, hour), {
    fallback: "5",
    doc: "How long a batch that is not full waits for more records. Higher: fewer requests, later records.",
    flag: "--linger"
  }),
  compression: property("compression.type", choice("none", "gzip", "snappy", "lz4", "zstd"), {
    fallback: "none",
    doc: "Codec of the batches.",
    flag: "--compression"
  }),
  retries: property("retries", integer(0, int32Max), {
    fallback: "15",
    doc: "How often a batch is tried again before its error is told. The Java client's default is 2147483647 within " +
      "delivery.timeout.ms; 15 is about ten seconds without a leader, and then a person hears of it.",
    flag: "--retries"
  }),
  retryBackoffMs: property("retry.backoff.ms", integer(1, hour), {
    fallback: "100",
    doc: "First wait before a batch is tried again; it grows, with jitter."
  }),
  requestTimeoutMs: property("request.timeout.ms", integer(100, hour), {
    fallback: "30000",
    doc: "Longest wait for a broker's answer. Lower: a busy broker looks dead. Higher: a dead one is noticed later."
  }),
  transactionalId: property("transactional.id", text(/^\S{1,255}$/, "1 to 255 characters without blanks"), {
    doc: "Sends in transactions under this name, which belongs to one producer at a time. Implies idempotence.",
    flag: "--transactional-id"
  }),
  transactionTimeoutMs: property("transaction.timeout.ms", integer(1_000, 24 * hour), {
    fallback: "60000",
    doc: "The broker aborts a transaction that is open for longer. At most its transaction.max.timeout.ms (15 min)."
  })
} as const

/** What a reader understands, by the name of its field in `ConsumerSettings`. */
export const consumerKeys = {
  bootstrapServers,
  keyFormat: property("key.deserializer", formatClass("Deserializer"), {
    fallback: "StringDeserializer",
    doc: "The form of keys, as a Java class."
  }),
  valueFormat: property("value.deserializer", formatClass("Deserializer"), {
    fallback: "StringDeserializer",
    doc: "The form of values, as a Java class."
  }),
  fetchMinBytes: property("fetch.min.bytes", integer(0, gibibyte), {
    fallback: "1",
    doc: "A broker answers a fetch as soon as it has this many bytes. Higher: fewer requests, later records."
  }),
  fetchMaxBytes: property("fetch.max.bytes", integer(1_024, int32Max), {
    fallback: "52428800",
    doc: "Most bytes of one fetch's answer (a larger single batch still comes whole)."
  }),
  groupId: property("group.id", text(/^\S{1,255}$/, "1 to 255 characters without blanks"), {
    doc: "The consumer group.",
    flag: "--group"
  }),
  sessionTimeoutMs: property("session.timeout.ms", integer(1_000, hour), {
    fallback: "10000",
    doc: "After this silence the group gives the partitions to others. Brokers take 6000 to 1800000 by default. The " +
      "Java client's default is 45000: a take-over after a crash would wait that long.",
    misspelt: ["session.timout.ms"]
  }),
  heartbeatIntervalMs: property("heartbeat.interval.ms", integer(100, hour), {
    fallback: "3000",
    doc: "How often a member shows that it lives. Above a third of the session one lost heartbeat may cost it.",
    misspelt: ["heartbeat.internval.ms"]
  }),
  enableAutoCommit: property("enable.auto.commit", boolean, {
    fallback: "true",
    doc: "Commit the position of the poll before, at the next poll after the interval."
  }),
  autoCommitIntervalMs: property("auto.commit.interval.ms", integer(1, 24 * hour), {
    fallback: "5000",
    doc: "Least time between two automatic commits. Higher: more repeated records after a crash.",
    flag: "--auto-commit-interval"
  }),
  autoOffsetReset: property("auto.offset.reset", choice("latest", "earliest", "none"), {
    fallback: "latest",
    doc: "Where a group starts that has no committed offset; none: an error."
  }),
  isolation: property("isolation.level", choice("read_uncommitted", "read_committed"), {
    fallback: "read_uncommitted",
    doc: "Whether records of transactions that are open or aborted are read.",
    flag: "--isolation"
  }),
  maxPollRecords: property("max.poll.records", integer(1, 1_000_000), {
    fallback: "500",
    doc: "Most records of one poll."
  })
} as const

const keysOf = (table: Readonly<Record<string, { readonly key: string }>>) => Object.values(table).map(({ key }) => key)

export const javaProducer: JavaClient = {
  name: "producer",
  properties: Object.values(producerKeys),
  otherKeys: { whose: "a consumer, for tributary read", keys: keysOf(consumerKeys) }
}

export const javaConsumer: JavaClient = {
  name: "consumer",
  properties: Object.values(consumerKeys),
  otherKeys: { whose: "a producer, for tributary produce", keys: keysOf(producerKeys) }
}

import { choice, integer, key } from "../KeySpec.js"

const hour = 3_600_000
const gibibyte = 1_073_741_824

/** How much waits and is written at once, how long is tried again, and what is said of it. */
export const flowKeys = {
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
  retryBackoffMs: key("retry.backoff.ms", integer(1, hour), {
    fallback: "100",
    doc: "First wait after an error that heals by itself; it doubles, with jitter."
  }),
  retryBackoffMaxMs: key("retry.backoff.max.ms", integer(1, hour), {
    fallback: "2000",
    doc:
      "Longest wait between tries. 2 s, so that the first row comes within 2 s of the server's return, also where a single " +
      "partition waits. Higher: less load on a server that is coming up, later rows."
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

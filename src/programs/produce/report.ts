import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"
import type { Globals } from "../argv.js"
import { printData } from "../report.js"
import { table } from "../table.js"
import type { Tally, TopicTally } from "./Tally.js"

const right = "right" as const
const columns = [
  { head: "TOPIC" },
  { head: "RECORDS", align: right },
  { head: "PARTITIONS", align: right },
  { head: "BYTES", align: right },
  { head: "SECONDS", align: right },
  { head: "RECORDS/S", align: right },
  { head: "ERRORS", align: right }
]

/** The summary, on stdout; a table on stderr where stdout is taken by the records' places. */
export const printProduced = (
  output: Globals["output"],
  tally: Tally,
  totalMs: number,
  stdoutTaken: boolean
): Effect.Effect<void> => {
  const data = { table: () => asTable(tally, totalMs), json: () => asJson(tally, totalMs) }
  return output === "table" && stdoutTaken ? Console.error(data.table()) : printData(output, data)
}

const asTable = (tally: Tally, totalMs: number): string =>
  [
    table(columns, Array.from(tally.topics.values(), rowOf)),
    "",
    totalLine(tally, totalMs),
    ...(hasTransactions(tally) ? [transactionLine(tally)] : [])
  ].join("\n")

/** In the words of Kafka's own kafka-producer-perf-test. */
const totalLine = (tally: Tally, totalMs: number): string => {
  const { latencies } = tally
  const records = tally.sum((topic) => topic.records)
  const seconds = Math.max(totalMs, 1) / 1000
  const megabytes = tally.sum((topic) => topic.bytes) / 1_048_576
  return `${records} records sent, ${(records / seconds).toFixed(1)} records/sec ` +
    `(${(megabytes / seconds).toFixed(2)} MB/sec), ${latencies.averageMs().toFixed(2)} ms avg latency, ` +
    `${latencies.maxMs.toFixed(2)} ms max latency, ${latencies.percentileMs(50)} ms 50th, ` +
    `${latencies.percentileMs(95)} ms 95th, ${latencies.percentileMs(99)} ms 99th, ` +
    `${tally.sum((topic) => topic.errors)} errors.`
}

const hasTransactions = ({ transactions }: Tally): boolean => transactions.committed + transactions.aborted > 0

const transactionLine = ({ transactions }: Tally): string =>
  `${transactions.committed} transactions committed (${transactions.committedRecords} records), ` +
  `${transactions.aborted} aborted (${transactions.abortedRecords} records).`

const asJson = (tally: Tally, totalMs: number) => {
  const { latencies, transactions } = tally
  const records = tally.sum((topic) => topic.records)
  const bytes = tally.sum((topic) => topic.bytes)
  return {
    seconds: totalMs / 1000,
    records,
    bytes,
    errors: tally.sum((topic) => topic.errors),
    recordsPerSecond: perSecond(records, totalMs),
    bytesPerSecond: perSecond(bytes, totalMs),
    latencyMs: {
      average: latencies.averageMs(),
      p50: latencies.percentileMs(50),
      p95: latencies.percentileMs(95),
      p99: latencies.percentileMs(99),
      max: latencies.maxMs
    },
    ...(hasTransactions(tally) ? { transactions } : {}),
    topics: Array.from(tally.topics.values(), (topic) => ({
      topic: topic.topic,
      partitions: topic.partitions.length,
      records: topic.records,
      bytes: topic.bytes,
      errors: topic.errors,
      seconds: topic.elapsedMs / 1000,
      recordsPerSecond: perSecond(topic.records, topic.elapsedMs),
      byPartition: topic.partitions.map((lane, partition) => ({ partition, ...lane }))
    }))
  }
}

const rowOf = ({ bytes, elapsedMs, errors, partitions, records, topic }: TopicTally): ReadonlyArray<string> => [
  topic,
  grouped(records),
  String(partitions.length),
  grouped(bytes),
  (elapsedMs / 1000).toFixed(1),
  grouped(perSecond(records, elapsedMs)),
  grouped(errors)
]

const perSecond = (records: number, elapsedMs: number): number =>
  elapsedMs === 0 ? records : Math.round(records / elapsedMs * 1000)

/** The same in every locale, unlike toLocaleString: output is read by programs as well. */
const grouped = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",")

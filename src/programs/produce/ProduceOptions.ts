import type { JavaWords } from "../javaSettings.js"

/**
 * - `async`: records are sent in batches, several at a time; the first failed batch ends the command.
 * - `sync`: each record is acknowledged before the next one is sent.
 * - `fire-and-forget`: as async, but failures are only counted.
 */
export type Mode = "async" | "sync" | "fire-and-forget"

/** What `produce` is asked for, as the arguments say it. */
export interface ProduceOptions {
  /** Undefined: the data sets, in `topics`. */
  readonly topic: string | undefined
  /** Undefined: the configuration's, or the data sets' own names where it names none. */
  readonly topics: ReadonlyArray<string> | undefined
  /** Records, for each topic. */
  readonly count: number | undefined
  /** Index of the first record, or the first number to count. */
  readonly from: number | undefined
  /** The last number to count. */
  readonly to: number | undefined
  /** Between two records. */
  readonly intervalMs: number | undefined
  /** Records a second over all topics; 0: no limit. */
  readonly rate: number
  readonly seed: number
  /** Of a topic that has to be created. */
  readonly partitions: number
  readonly file: string | undefined
  readonly format: "text" | "json"
  /** A file with an Avro schema. */
  readonly schema: string | undefined
  readonly mode: Mode
  readonly partitioner: "key" | "round-robin"
  /** The one partition of all records. */
  readonly partition: number | undefined
  /** `NAME=VALUE`, of all records. */
  readonly headers: ReadonlyArray<string>
  /** Print topic-partition@offset of each record. */
  readonly print: boolean
  /** Records in a transaction. */
  readonly transactionSize: number | undefined
  /** Share of the transactions that is aborted, from 0 to 1. */
  readonly abortRate: number | undefined
  readonly java: JavaWords
}

import * as Exit from "effect/Exit"
import { Latencies } from "../../domain/latencies.js"
import type { Batch, SettledBatch } from "./accumulator.js"

/** What has become of the records of one partition. */
export interface PartitionTally {
  /** Acknowledged. */
  records: number
  /** Undefined: the producer asks for no acknowledgement, or nothing has arrived. */
  firstOffset: bigint | undefined
  lastOffset: bigint | undefined
}

export interface TopicTally {
  readonly topic: string
  readonly partitions: ReadonlyArray<PartitionTally>
  /** Acknowledged. */
  records: number
  /** Keys and values, before compression. */
  bytes: number
  /** Records that failed or were given up; of those that failed some may have arrived all the same. */
  errors: number
  /** From the start of the command to the topic's last acknowledgement. */
  elapsedMs: number
}

/** Counts what has become of everything that was sent. Plain, and no more than a few operations for each record. */
export class Tally {
  readonly topics = new Map<string, TopicTally>()
  /** From the moment a record was accepted to its acknowledgement. */
  readonly latencies = new Latencies()
  readonly transactions = { committed: 0, committedRecords: 0, aborted: 0, abortedRecords: 0 }
  readonly startedMs: number

  constructor(startedMs: number, targets: ReadonlyArray<{ readonly topic: string; readonly partitions: number }>) {
    this.startedMs = startedMs
    for (const { partitions, topic } of targets) {
      this.topics.set(topic, {
        topic,
        partitions: Array.from({ length: partitions }, () => ({
          records: 0,
          firstOffset: undefined,
          lastOffset: undefined
        })),
        records: 0,
        bytes: 0,
        errors: 0,
        elapsedMs: 0
      })
    }
  }

  settled<E>({ acceptedMs, outcome, partition, records, settledMs, topic }: SettledBatch<E>): void {
    const sum = this.topics.get(topic)
    if (sum === undefined) return
    if (Exit.isFailure(outcome)) {
      sum.errors += records.length
      return
    }
    sum.records += records.length
    sum.elapsedMs = settledMs - this.startedMs
    for (const { key, value } of records) sum.bytes += (key?.length ?? 0) + (value?.length ?? 0)
    for (const ms of acceptedMs) this.latencies.add(settledMs - ms)
    const lane = sum.partitions[partition]
    if (lane === undefined) return
    lane.records += records.length
    for (const { baseOffset, count } of outcome.value) {
      if (baseOffset === undefined) continue
      lane.firstOffset ??= baseOffset
      lane.lastOffset = baseOffset + BigInt(count) - 1n
    }
  }

  /** Batches that were accepted and will not be sent. */
  givenUp(batches: ReadonlyArray<Batch>): void {
    for (const { records, topic } of batches) {
      const sum = this.topics.get(topic)
      if (sum !== undefined) sum.errors += records.length
    }
  }

  ended(outcome: "committed" | "aborted", records: number): void {
    this.transactions[outcome] += 1
    this.transactions[`${outcome}Records`] += records
  }

  sum(of: (topic: TopicTally) => number): number {
    let sum = 0
    for (const topic of this.topics.values()) sum += of(topic)
    return sum
  }
}

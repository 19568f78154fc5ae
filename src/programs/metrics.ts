import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import type { RecordError } from "../domain/DeadLetter.js"

/** What one partition reports. Updated per batch, by plain calls of some 20 ns; read with `Metric.snapshot`. */
export interface PartitionMetrics {
  /** Records in the queue, and those of a fetch that wait to enter it. */
  readonly queued: (records: number, waiting: number) => void
  readonly paused: () => void
  readonly resumed: (pausedMs: number) => void
  readonly committed: (records: number, offset: bigint) => void
  readonly fenced: () => void
  /** Records that became dead letters, by the class of what was wrong with them. */
  readonly deadLetters: (reason: RecordError["class"], count: number) => void
  /** Records without a value that delete nothing and are passed over. */
  readonly tombstonesIgnored: (count: number) => void
}

export const queueRecords = Metric.gauge("tributary_queue_records", { description: "Records queued for the writer." })
export const backlogRecords = Metric.gauge("tributary_backlog_records", {
  description: "Records fetched that wait to enter the queue; bounded by one fetch."
})
const pauses = Metric.counter("tributary_pauses_total", {
  description: "Times that a full queue has paused its partition.",
  incremental: true
})
const blockedSeconds = Metric.counter("tributary_blocked_seconds_total", {
  description: "Seconds that a full queue has kept its partition paused.",
  incremental: true
})
const records = Metric.counter("tributary_records_committed_total", {
  description: "Records whose effect is committed.",
  incremental: true
})
const committedOffset = Metric.gauge("tributary_committed_offset", {
  description: "Stored offset: the next one to consume.",
  bigint: true
})
const fences = Metric.counter("tributary_fenced_total", {
  description: "Times that another owner was found in the partition's offsets row.",
  incremental: true
})

const deadLetters = Metric.counter("tributary_dead_letters_total", {
  description: "Records that became dead letters, by reason.",
  incremental: true
})
const skipped = Metric.counter("tributary_records_skipped_total", {
  description: "Records that are passed over on purpose, by reason.",
  incremental: true
})

/** Bound to one partition once, because looking a metric up costs more than updating it. */
export const partitionMetrics = (topic: string, partition: number): PartitionMetrics => {
  const labels = [MetricLabel.make("topic", topic), MetricLabel.make("partition", String(partition))]
  const queue = Metric.taggedWithLabels(queueRecords, labels)
  const backlog = Metric.taggedWithLabels(backlogRecords, labels)
  const pauseCount = Metric.taggedWithLabels(pauses, labels)
  const seconds = Metric.taggedWithLabels(blockedSeconds, labels)
  const written = Metric.taggedWithLabels(records, labels)
  const offsets = Metric.taggedWithLabels(committedOffset, labels)
  const fenceCount = Metric.taggedWithLabels(fences, labels)
  const tombstones = Metric.taggedWithLabels(skipped, [...labels, MetricLabel.make("reason", "tombstone_ignored")])
  return {
    queued: (inQueue, waiting) => {
      queue.unsafeUpdate(inQueue, [])
      backlog.unsafeUpdate(waiting, [])
    },
    paused: () => pauseCount.unsafeUpdate(1, []),
    resumed: (pausedMs) => seconds.unsafeUpdate(pausedMs / 1000, []),
    committed: (count, offset) => {
      written.unsafeUpdate(count, [])
      offsets.unsafeUpdate(offset, [])
    },
    fenced: () => fenceCount.unsafeUpdate(1, []),
    // Looked up each time: letters are rare, and most partitions never have one.
    deadLetters: (reason, count) =>
      Metric.taggedWithLabels(deadLetters, [...labels, MetricLabel.make("reason", reason)]).unsafeUpdate(count, []),
    tombstonesIgnored: (count) => tombstones.unsafeUpdate(count, [])
  }
}

import * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import { backlogRecords, queueRecords } from "../../src/programs/metrics.js"
import { configOf } from "./settings.js"
import { fetchRecords, type World } from "./World.js"

interface Gauges {
  readonly queued: () => number
  readonly waiting: () => number
}

const known = new Map<string, Gauges>()

const gaugesOf = (topic: string, partition: number): Gauges => {
  const key = `${topic}-${partition}`
  const made = known.get(key)
  if (made !== undefined) return made
  const labels = [MetricLabel.make("topic", topic), MetricLabel.make("partition", String(partition))]
  const queued = Metric.taggedWithLabels(queueRecords, labels)
  const waiting = Metric.taggedWithLabels(backlogRecords, labels)
  const gauges = { queued: () => queued.unsafeValue([]).value, waiting: () => waiting.unsafeValue([]).value }
  known.set(key, gauges)
  return gauges
}

/**
 * What the partition's queue and backlog hold now, right after something was offered. The metrics are those of all
 * processes, and the one that was just told is this one's; a batch that belongs to nobody tells nothing new.
 */
export const observeQueue = (world: World, process: string, topic: string, partition: number): void => {
  const { blockingQueueSize, maxPollRecords } = configOf(world.plan)
  const { queued, waiting } = gaugesOf(topic, partition)
  const bound = blockingQueueSize + maxPollRecords
  world.counts.queuedMax = Math.max(world.counts.queuedMax, queued())
  if (queued() > bound) world.observations.push({ kind: "queue", process, held: queued(), bound })
  // A backlog is one fetch, or what a client that delivers twice makes of it.
  const fetches = world.plan.rates.slip > 0 ? 3 : 1
  if (waiting() > fetches * fetchRecords) {
    world.observations.push({ kind: "queue", process, held: waiting(), bound: fetches * fetchRecords })
  }
}

import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { type Config, groupOf } from "../domain/Config.js"
import { Admin } from "../layers/Admin.js"
import type { Consumer } from "../layers/Consumer.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { type Backoff, throughOutage } from "./outage.js"
import { makeByteBudget } from "./PartitionQueue.js"
import { commandError } from "./serviceErrors.js"
import { drain, keepRunning } from "./supervise.js"
import { runTopic } from "./topicPipeline.js"

const endStoredEvery = "200 millis"
/** Whatever is wrong is said, and stopped, by the partitions; here it only means "not yet". */
const anyError = [
  "KafkaUnavailable",
  "KafkaRefused",
  "TopicMissing",
  "DestinationUnavailable",
  "DestinationRefused"
] as const

type Services = Admin | Consumer | Destination | SchemaRegistry

export interface RunOptions {
  /** Stop when the ends that the topics have at the start are stored. */
  readonly untilEnd: boolean
}

/**
 * The main job: consumes every topic into its table until it is interrupted. An interruption stops the intake, lets the
 * running transactions finish, leaves the groups, and drops what is queued: it is safe in Kafka.
 */
export const runCommand = (
  config: Config,
  options: RunOptions
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("kafka consumer application start...")
    const destination = yield* Destination
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    yield* throughOutage("database", backoff, destination.prepare, ["DestinationUnavailable"]).pipe(
      Effect.mapError(commandError)
    )
    const budget = makeByteBudget(config.queueMaxBytes)
    const jobs = config.topics.map((topic) => ({ topic, positions: new Map<number, bigint>() }))
    const topics = jobs.map(({ positions, topic }) => keepRunning(topic, runTopic(config, topic, budget, positions)))
    const running = yield* Effect.forkDaemon(
      Effect.zipRight(Effect.all(topics, { concurrency: "unbounded", discard: true }), Effect.never)
    )
    // Not a child of this fiber: its end is awaited here, and only for so long.
    const ended = Fiber.join(running)
    const done = options.untilEnd ? Effect.raceFirst(endStored(config, backoff), ended) : ended
    yield* done.pipe(Effect.onExit(() => drain(config, running, reportStored(jobs))))
    return ExitCode.done
  })

/** Returns when the stored offsets have reached the ends that the topics have now. */
const endStored = (config: Config, backoff: Backoff): Effect.Effect<void, never, Admin | Destination> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const destination = yield* Destination
    const ends = Effect.forEach(config.topics, (topic) => admin.logRanges(topic))
    const ranges = yield* throughOutage("ends of the topics", backoff, ends, anyError)
    const stored = Effect.forEach(config.topics, (topic) => destination.stored(topic, groupOf(config, topic)))
    const reached = Effect.map(
      throughOutage("stored offsets", backoff, stored, anyError),
      (rows) =>
        ranges.every((topicRanges, index) => {
          const offsets = new Map(rows[index]?.map(({ offset, partition }) => [partition, offset]))
          return topicRanges.every(({ lastStable, partition }) => (offsets.get(partition) ?? 0n) >= lastStable)
        })
    )
    yield* Effect.repeat(reached, { until: (done) => done, schedule: Schedule.spaced(endStoredEvery) })
  })

const reportStored = (
  jobs: ReadonlyArray<{ readonly topic: string; readonly positions: ReadonlyMap<number, bigint> }>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const reached = jobs.flatMap(({ positions, topic }) =>
      [...positions].toSorted(([a], [b]) => a - b).map(([partition, offset]) => `${topic}-${partition}=${offset}`)
    )
    return Effect.logInfo(`stored offsets: ${reached.join(" ") || "none were moved"}`)
  })

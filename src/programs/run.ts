import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { type Config, groupOf } from "../domain/Config.js"
import { Admin } from "../layers/Admin.js"
import type { Consumer, KafkaRefused } from "../layers/Consumer.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { type Backoff, jittered, throughOutage } from "./outage.js"
import { makeByteBudget } from "./PartitionQueue.js"
import { commandError } from "./serviceErrors.js"
import { runTopic } from "./topicPipeline.js"

/** A client that is beyond repair is built anew: no hurry, what broke it is still there. */
const rebuildBackoff: Backoff = { baseMs: 2000, maxMs: 30_000 }
/** The same reason is not told again before. */
const reasonEveryMs = 30_000

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
    yield* done.pipe(Effect.onExit(() => drain(config, running, jobs)))
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

/** One topic that is refused leaves the others running. Fails only where there is nothing to wait for. */
const keepRunning = <R>(
  topic: string,
  run: Effect.Effect<never, KafkaRefused, R>
): Effect.Effect<never, CommandError, R> =>
  Effect.gen(function*() {
    let told: { readonly reason: string; readonly atMs: number } | undefined
    for (let attempt = 0;; attempt++) {
      const error = yield* Effect.flip(run)
      if (error.kind === "locked") return yield* commandError(error)
      const now = yield* Clock.currentTimeMillis
      if (told?.reason !== error.message || now - told.atMs >= reasonEveryMs) {
        yield* Effect.logError(`topic ${topic} is stopped: ${error.message}; a new client is tried until it works`)
        told = { reason: error.message, atMs: now }
      }
      yield* Effect.sleep(yield* jittered(rebuildBackoff, attempt))
    }
  })

/** Protocol §13. What is still running at the deadline dies with the process: the server rolls it back. */
const drain = (
  config: Config,
  running: Fiber.Fiber<unknown, unknown>,
  jobs: ReadonlyArray<{ readonly topic: string; readonly positions: ReadonlyMap<number, bigint> }>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("stopping: running transactions finish, what is queued stays in Kafka")
    // Finalizers are not interruptible; without this the timeout would wait for what it is to cut short.
    const stopped = yield* Fiber.interrupt(running).pipe(
      Effect.interruptible,
      Effect.timeoutOption(config.shutdownTimeoutMs)
    )
    const reached = jobs.flatMap(({ positions, topic }) =>
      [...positions].toSorted(([a], [b]) => a - b).map(([partition, offset]) => `${topic}-${partition}=${offset}`)
    )
    yield* Effect.logInfo(`stored offsets: ${reached.join(" ") || "none were moved"}`)
    if (stopped._tag === "None") {
      return yield* Effect.die(
        new CommandError({
          code: "TRB-7001",
          exit: ExitCode.failed,
          what: `the drain did not end within ${config.shutdownTimeoutMs} ms`,
          cure: "nothing is lost: open transactions are rolled back, an unknown COMMIT is looked up at the next start"
        })
      )
    }
    yield* Effect.logInfo("kafka consumer application stopped")
  })

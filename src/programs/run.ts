import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Config } from "../domain/Config.js"
import type { Admin } from "../layers/Admin.js"
import type { Consumer, KafkaRefused } from "../layers/Consumer.js"
import { Destination, type DestinationRefused } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { type Backoff, jittered, throughOutage } from "./outage.js"
import type { ByteBudget } from "./PartitionQueue.js"
import { runTopic } from "./topicPipeline.js"

/** A client that is beyond repair is built anew: no hurry, what broke it is still there. */
const rebuildBackoff: Backoff = { baseMs: 2000, maxMs: 30_000 }

type Services = Admin | Consumer | Destination | SchemaRegistry

/**
 * The main job: consumes every topic into its table until it is interrupted. An interruption stops the intake, lets the
 * running transactions finish, leaves the groups, and drops what is queued: it is safe in Kafka.
 */
export const runCommand = (config: Config): Effect.Effect<never, CommandError, Services> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("kafka consumer application start...")
    const destination = yield* Destination
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    yield* throughOutage("database", backoff, destination.prepare, ["DestinationUnavailable"]).pipe(
      Effect.mapError(refused)
    )
    const budget: ByteBudget = { max: config.queueMaxBytes, used: 0 }
    const positions = new Map<string, bigint>()
    const topics = config.topics.map((topic) => keepRunning(topic, runTopic(config, topic, budget, positions)))
    const running = yield* Effect.forkDaemon(
      Effect.zipRight(Effect.all(topics, { concurrency: "unbounded", discard: true }), Effect.never)
    )
    // Not a child of this fiber: its end is awaited here, and only for so long.
    return yield* Fiber.join(running).pipe(Effect.onInterrupt(() => drain(config, running, positions)))
  })

const keepRunning = <R>(topic: string, run: Effect.Effect<never, KafkaRefused, R>): Effect.Effect<never, never, R> =>
  Effect.gen(function*() {
    for (let attempt = 0;; attempt++) {
      const error = yield* Effect.flip(run)
      const delay = yield* jittered(rebuildBackoff, attempt)
      yield* Effect.logError(`topic ${topic} is stopped: ${error.message}; a new client follows`)
      yield* Effect.sleep(delay)
    }
  })

/** Protocol §13. What is still running at the deadline dies with the process: the server rolls it back. */
const drain = (
  config: Config,
  running: Fiber.Fiber<unknown>,
  positions: ReadonlyMap<string, bigint>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("stopping: running transactions finish, what is queued stays in Kafka")
    // Finalizers are not interruptible; without this the timeout would wait for what it is to cut short.
    const stopped = yield* Fiber.interrupt(running).pipe(
      Effect.interruptible,
      Effect.timeoutOption(config.shutdownTimeoutMs)
    )
    const reached = [...positions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, offset]) => `${name}=${offset}`)
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

const refused = (error: DestinationRefused): CommandError =>
  new CommandError({
    code: error.kind === "credentials" ? "TRB-2201" : "TRB-2202",
    exit: error.kind === "credentials" ? ExitCode.refused : ExitCode.configuration,
    what: error.what,
    cure: error.cure
  })

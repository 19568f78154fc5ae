import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ClientConfig } from "../domain/Config.js"
import type { KafkaRefused } from "../layers/Consumer.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { faultPoint } from "./faultPoint.js"
import { type Backoff, jittered, sayRarely } from "./outage.js"
import { commandError } from "./serviceErrors.js"

/** A client that is beyond repair is built anew: no hurry, what broke it is still there. */
const rebuildBackoff: Backoff = { baseMs: 2000, maxMs: 30_000 }

/** One topic that is refused leaves the others running. Fails only where there is nothing to wait for. */
export const keepRunning = <R>(
  topic: string,
  run: Effect.Effect<never, KafkaRefused, R>
): Effect.Effect<never, CommandError, R> =>
  Effect.gen(function*() {
    const say = sayRarely((text) => Effect.logError(text))
    for (let attempt = 0;; attempt++) {
      const error = yield* Effect.flip(run)
      if (error.kind === "locked") return yield* commandError(error)
      yield* say(`topic ${topic} is stopped: ${error.message}; a new client is tried until it works`)
      yield* Effect.sleep(yield* jittered(rebuildBackoff, attempt))
    }
  })

/**
 * Protocol §13. What is still running at the deadline dies with the process: the server rolls it back. `report` says how
 * far the work has come.
 */
export const drain = (
  config: Pick<ClientConfig, "shutdownTimeoutMs">,
  running: Fiber.Fiber<unknown, unknown>,
  report: Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("stopping: running transactions finish, what is queued stays in Kafka")
    yield* faultPoint("stopping")
    // Finalizers are not interruptible; without this the timeout would wait for what it is to cut short.
    const stopped = yield* Fiber.interrupt(running).pipe(
      Effect.interruptible,
      Effect.timeoutOption(config.shutdownTimeoutMs)
    )
    yield* report
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

/**
 * Runs a job beside this fiber until `done`, which sees the job's end, ends or is interrupted; then drains it. No
 * interruption fits between the start of the job and what drains it: nobody would be left to stop it.
 */
export const drainedAfter = <A, E, R, B, E2, R2>(
  config: Pick<ClientConfig, "shutdownTimeoutMs">,
  job: Effect.Effect<A, E, R>,
  done: (ended: Effect.Effect<A, E>) => Effect.Effect<B, E2, R2>,
  report: Effect.Effect<void>
): Effect.Effect<B, E2, R | R2> =>
  Effect.uninterruptibleMask((restore) =>
    // Not a child of this fiber: its end is awaited here, and only for so long.
    Effect.flatMap(
      Effect.forkDaemon(restore(job)),
      (running) => Effect.onExit(restore(done(Fiber.join(running))), () => drain(config, running, report))
    )
  )

/**
 * What comes before the job, drained as the job is: a connection that is being opened cannot be interrupted, and its own
 * time-out may be longer than `shutdown.timeout.ms`.
 */
export const drainable =
  (config: Pick<ClientConfig, "shutdownTimeoutMs">) =>
  <A, E, R>(before: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const running = yield* Effect.forkDaemon(restore(before))
        return yield* Effect.onInterrupt(restore(Fiber.join(running)), () => drain(config, running, Effect.void))
      })
    )

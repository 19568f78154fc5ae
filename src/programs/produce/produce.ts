import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ClientConfig } from "../../domain/Config.js"
import type { Admin } from "../../layers/Admin.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { Producer } from "../../layers/Producer.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import type { TransactionError, Transactions } from "../../layers/Transactions.js"
import type { Globals } from "../argv.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import { makeAccumulator, type SettledBatch } from "./accumulator.js"
import { feed, type Feeding, finish, pieceRecords } from "./feed.js"
import { placesOf } from "./places.js"
import type { ProducePlan } from "./plan.js"
import { printProduced } from "./report.js"
import { openSource, type Source } from "./sources.js"
import { Tally } from "./Tally.js"
import { type Cutting, openTransactions } from "./transactions.js"

export interface ProduceSurroundings {
  readonly output: Globals["output"]
  /** Lines, where they come from no file. */
  readonly input: Stream.Stream<Uint8Array, PlatformError>
}

type Services = Admin | Producer | Transactions | SchemaRegistry | FileSystem.FileSystem

/**
 * Sends what a source has, and tells what has become of it. Records of one partition arrive in the order in which they
 * were sent; but in fire-and-forget the first batch that fails ends the command, and nothing follows it in its partition.
 * However it ends, what it has accepted is settled first, for `shutdownTimeoutMs` at most.
 */
export const produceCommand = (
  config: Pick<ClientConfig, "topics" | "shutdownTimeoutMs">,
  plan: ProducePlan,
  surroundings: ProduceSurroundings
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const source = yield* openSource(plan, config.topics, pieceRecords(plan), surroundings.input)
    const startedMs = yield* elapsedMillis
    const tally = new Tally(startedMs, source.targets)
    const { transactions } = plan
    const cutting = transactions === undefined
      ? undefined
      : yield* Effect.mapError(openTransactions(transactions, plan.seed, tally), commandError)
    yield* Effect.forkScoped(Effect.interruptible(progress(tally, source.total)))
    const sending = Effect.gen(function*() {
      const failed = yield* Deferred.make<never, CommandError>()
      const feeding = yield* makeFeeding(plan, surroundings.output, cutting, tally, failed)
      yield* sendAll(source, feeding, tally, failed, config.shutdownTimeoutMs)
    })
    const report = Effect.flatMap(
      elapsedMillis,
      (nowMs) => printProduced(surroundings.output, tally, nowMs - startedMs, plan.print)
    )
    // What has arrived is told however it ends: a stopped producer's records stay in the topic.
    yield* Effect.ensuring(Effect.scoped(sending), report)
    return ExitCode.done
  }).pipe(Effect.scoped, Effect.annotateLogs({ logger: "tributary.Producer" }))

const makeFeeding = (
  plan: ProducePlan,
  output: Globals["output"],
  cutting: Cutting | undefined,
  tally: Tally,
  failed: Deferred.Deferred<never, CommandError>
): Effect.Effect<Feeding, never, Producer | Scope.Scope> =>
  Effect.gen(function*() {
    const { settings } = plan
    const producer = yield* Producer
    const settled = (batch: SettledBatch<TransactionError>) =>
      Effect.suspend(() => {
        tally.settled(batch)
        if (Exit.isSuccess(batch.outcome)) {
          return plan.print ? Console.log(placesOf(output, batch).join("\n")) : Effect.void
        }
        if (plan.mode === "fire-and-forget" && Cause.isFailure(batch.outcome.cause)) return Effect.void
        // Here, before its partition's next batch can be sent: nothing is to follow a gap.
        tally.givenUp(accumulator.close())
        return Deferred.failCause(failed, Cause.map(batch.outcome.cause, (error) => failure(error, batch)))
      })
    const accumulator = yield* makeAccumulator<TransactionError>({
      batchBytes: settings.batchSize,
      lingerMs: settings.lingerMs,
      bufferBytes: settings.bufferMemory,
      // A transaction has one user at a time.
      inFlightMax: cutting === undefined ? settings.maxInFlight : 1,
      send: cutting?.send ?? producer.send,
      settled
    })
    const check = Effect.whenEffect(Deferred.await(failed), Deferred.isDone(failed))
    return { plan, accumulator, cutting, startedMs: tally.startedMs, check }
  })

const failure = (error: TransactionError, { partition, records, topic }: SettledBatch<unknown>): CommandError => {
  const { code, cure, exit, what, why } = commandError(error)
  const where = `${topic}-${partition}, ${records.length} records`
  return new CommandError({ code, exit, what, where, cure, ...(why === undefined ? {} : { why }) })
}

/**
 * Until everything is acknowledged, a batch fails, or it is interrupted. Then what is accepted still goes out; after a
 * failure what is on its way already.
 */
const sendAll = (
  source: Source,
  feeding: Feeding,
  tally: Tally,
  failed: Deferred.Deferred<never, CommandError>,
  shutdownTimeoutMs: number
): Effect.Effect<void, CommandError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      // A source that waits for its next record hears of the failure at once.
      const fed = yield* Effect.exit(restore(Effect.raceFirst(feed(source.pieces, feeding), Deferred.await(failed))))
      if (Exit.isSuccess(fed)) return
      const rest = yield* Effect.exit(finish(feeding)).pipe(
        Effect.timeoutOption(shutdownTimeoutMs),
        Effect.interruptible,
        // In a fiber of its own: this one may be interrupted already, and could not wait any more.
        Effect.fork,
        Effect.flatMap(Fiber.join)
      )
      if (Option.isSome(rest) && Exit.isSuccess(rest.value)) return yield* fed
      tally.givenUp(feeding.accumulator.close())
      feeding.cutting?.giveUp()
      yield* feeding.check
      if (!Cause.isInterruptedOnly(fed.cause)) return yield* fed
      return yield* Option.isSome(rest) ? rest.value : notSent
    })
  )

const notSent = new CommandError({
  code: "TRB-2501",
  exit: ExitCode.tryAgain,
  what: "stopped before everything was sent; what was given up is counted among the errors",
  cure: "raise shutdown.timeout.ms, or look why Kafka is slow"
})

const progress = (tally: Tally, total: number | undefined): Effect.Effect<never> =>
  Effect.forever(Effect.delay(
    Effect.suspend(() =>
      Effect.logInfo(
        `produced ${tally.sum(({ records }) => records)}${total === undefined ? "" : ` of ${total}`} records`
      )
    ),
    "1 second"
  ))

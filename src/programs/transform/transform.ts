import * as Effect from "effect/Effect"
import type { ClientConfig } from "../../domain/Config.js"
import { Admin } from "../../layers/Admin.js"
import type { Consumer } from "../../layers/Consumer.js"
import { Transactions } from "../../layers/Transactions.js"
import { awaitTopic } from "../awaitTopic.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { sharingOutages } from "../outages.js"
import { type Backoff, throughOutage, unavailable } from "../outage.js"
import { makeByteBudget } from "../PartitionQueue.js"
import { commandError } from "../serviceErrors.js"
import { drainedAfter, keepRunning } from "../supervise.js"
import { loadMapping } from "./mapModule.js"
import { contradiction, settingsOf, type TransformOptions, type TransformSettings } from "./settings.js"
import { type TopicEnv, transformTopic } from "./transformTopic.js"

const endCommittedEvery = "200 millis"

type Services = Admin | Consumer | Transactions

/**
 * Transforms one topic into another, exactly once, until it is interrupted: the offsets of what was read are committed in
 * the transaction that writes what came of it. An interruption stops the intake, commits what is open, and leaves the
 * group.
 */
export const transformCommand = (
  config: ClientConfig,
  options: TransformOptions
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const settings = settingsOf(config, options)
    const wrong = contradiction(settings)
    if (wrong !== undefined) return yield* wrong
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const env: TopicEnv = {
      settings,
      backoff,
      mapping: yield* loadMapping(options.map),
      budget: makeByteBudget(config.queueMaxBytes),
      ends: yield* prepare(settings, backoff),
      stopped: new Map()
    }
    const untilDone = <A, E>(ended: Effect.Effect<A, E>) =>
      options.untilEnd ? Effect.raceFirst(endCommitted(env), ended) : ended
    yield* drainedAfter(config, keepRunning(options.input, transformTopic(env)), untilDone, Effect.void)
    return ExitCode.done
  }).pipe(sharingOutages, Effect.annotateLogs({ logger: "tributary.Transform" }))

/** Whatever the brokers would refuse later they refuse here. Answers where `--until-end` ends. */
const prepare = (
  { config, deadLetterTopic, options, transactionalIdPrefix }: TransformSettings,
  backoff: Backoff
): Effect.Effect<TopicEnv["ends"], CommandError, Admin | Transactions> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const transactions = yield* Transactions
    const { partitions } = yield* awaitTopic(config, options.input, backoff)
    // An id that transforms nothing: the coordinator looks at the time-out and at the right to use such ids.
    const probe = transactions.open({
      transactionalId: `${transactionalIdPrefix}-check`,
      timeoutMs: options.transactionTimeoutMs
    }).pipe(
      Effect.scoped,
      Effect.asVoid,
      Effect.catchTag("ProducerFenced", () => Effect.void) // another instance asks the same at this moment
    )
    yield* throughOutage("transactions", backoff, probe, unavailable)
    for (const topic of [options.output, ...deadLetterTopic === undefined ? [] : [deadLetterTopic]]) {
      const create = admin.createTopic({ topic, partitions: partitions.length })
      const outcome = yield* throughOutage(`topic ${topic}`, backoff, create, unavailable)
      if (outcome === "created") yield* Effect.logInfo(`topic ${topic} created [partitions=${partitions.length}]`)
    }
    if (!options.untilEnd) return new Map<number, bigint>()
    const ranges = yield* throughOutage("ends of the input", backoff, admin.logRanges(options.input), unavailable)
    return new Map(
      ranges.map(({ end, lastStable, partition }) =>
        [partition, options.isolation === "read_committed" ? lastStable : end] as const
      )
    )
  }).pipe(Effect.mapError(commandError))

/** Returns when the group's offsets have reached the ends; fails when all that is left is stopped. */
const endCommitted = (env: TopicEnv): Effect.Effect<void, CommandError, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const { group, options: { input } } = env.settings
    const offsets = throughOutage("committed offsets", env.backoff, admin.committedOffsets(group, input), [
      "KafkaUnavailable",
      "KafkaRefused"
    ])
    const left = Effect.map(
      offsets,
      (committed) => [...env.ends].filter(([partition, end]) => (committed.get(partition) ?? -1n) < end)
    )
    const isStopped = ([partition]: readonly [number, bigint]) => env.stopped.has(partition)
    let short = yield* left
    while (!short.every(isStopped)) short = yield* Effect.delay(left, endCommittedEvery)
    const reasons = short.flatMap(([partition]) => {
      const held = env.stopped.get(partition)
      return held === undefined ? [] : [{ partition, what: held.what, cure: held.cure }]
    })
    if (reasons.length > 0) yield* stoppedError(input, reasons)
  })

const stoppedError = (
  topic: string,
  stopped: ReadonlyArray<{ readonly partition: number; readonly what: string; readonly cure: string }>
): CommandError =>
  new CommandError({
    code: "TRB-2603",
    exit: ExitCode.undecodable,
    what: `${stopped.length} partitions could not be transformed to their ends`,
    details: stopped.map(({ partition, what }) => `${topic}-${partition}: ${what}`),
    cure: [...new Set(stopped.map(({ cure }) => cure))].join("; ")
  })

import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Slice } from "../../domain/KafkaRecord.js"
import { Admin } from "../../layers/Admin.js"
import type { KafkaRefused, KafkaUnavailable, Membership } from "../../layers/Consumer.js"
import { type ProducerFenced, type TransactionalProducer, Transactions } from "../../layers/Transactions.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { Held, outOfRange, toHeld, unreadable, type Where } from "../held.js"
import { logRange } from "../logRange.js"
import { type Backoff, jittered, sayRarely, throughOutage, unavailable } from "../outage.js"
import type { PartitionQueue } from "../PartitionQueue.js"
import { mapSlice } from "./outgoing.js"
import { transactionalIdOf } from "./settings.js"
import { begun, commit, type Progress, send, settle, type TransactionEnv } from "./transaction.js"

/** Owners that fence each other and try again at once starve each other (protocol §7): full jitter from the first fence. */
const fenceBackoff: Backoff = { baseMs: 50, maxMs: 5000 }

export interface PartitionEnv extends TransactionEnv {
  readonly membership: Membership
  readonly queue: PartitionQueue
  /** Where `--until-end` ends: what is behind that is committed at once. */
  readonly end: bigint | undefined
}

/**
 * The owner of one partition, for as long as the partition is assigned. It opens the partition's transactional id, which
 * ends what an owner before has left open; only then reads the group's offset, which cannot change any more but by this
 * owner; seeks there, and transforms what comes. After a fence or an error it begins again, and the group's offset says
 * what is done. Interrupted, it commits what is open: while no other owner has opened the id, that is right, and
 * afterwards it fails. It fails with what only a person can cure.
 */
export const transformPartition = (env: PartitionEnv): Effect.Effect<never, Held, Admin | Transactions> =>
  Effect.gen(function*() {
    const progress: Progress = { position: 0n, open: undefined, commits: 0 }
    const say = sayRarely((text) => Effect.logWarning(text))
    let failures = 0
    while (true) {
      const error = yield* Effect.flip(Effect.scoped(own(env, progress)))
      yield* env.membership.pause(env.route.input.partition)
      env.queue.clear()
      if (error._tag === "Held") return yield* error
      failures = progress.commits > 0 ? 1 : failures + 1
      progress.commits = 0
      if (error._tag === "ProducerFenced") {
        env.metrics.fenced()
        yield* Effect.logWarning(
          `fenced: another instance has taken ${error.transactionalId} over, or the broker has ended a transaction that was `
            + "open for too long; what is not committed is processed again"
        )
        yield* env.membership.confirmed
        yield* Effect.sleep(yield* jittered(fenceBackoff, failures))
      } else {
        yield* say(`${error.message}; what is not committed is processed again`)
        yield* Effect.sleep(yield* jittered(backoffOf(env), failures))
      }
    }
  })

const backoffOf = ({ settings: { config } }: PartitionEnv): Backoff => ({
  baseMs: config.retryBackoffMs,
  maxMs: config.retryBackoffMaxMs
})

type Services = Admin | Transactions | Scope.Scope

/** One life of the partition's producer, to the first error. */
const own = (
  env: PartitionEnv,
  progress: Progress
): Effect.Effect<never, ProducerFenced | KafkaUnavailable | Held, Services> =>
  Effect.gen(function*() {
    const { membership, route: { input } } = env
    const producer = yield* openId(env)
    const committed = yield* committedOffset(env)
    yield* settle(env, progress, committed)
    progress.position = yield* startOffset(env, committed)
    yield* Effect.logInfo(
      `begins at offset ${progress.position} [id=${transactionalIdOf(env.settings, input.partition)}]`
    )
    // From now on the group's offset says where this group began, whatever the log's ends are by the next start.
    if (committed === undefined) progress.open = begun(progress.position, yield* elapsedMillis)
    env.queue.clear()
    yield* membership.seek(input.partition, progress.position)
    yield* membership.resume(input.partition)
    const work = Effect.zipRight(
      committed === undefined ? commit(env, producer, progress) : Effect.void,
      transform(env, producer, progress)
    )
    // For an interruption alone: one that meets a request that fails leaves what is open to the next owner.
    return yield* Effect.onInterrupt(work, () =>
      commit(env, producer, progress).pipe(
        Effect.catchAll((error) =>
          Effect.logWarning(`the last commit has failed: ${error.message}; the next owner finds out what is done`)
        )
      ))
  }).pipe(Effect.catchTag("KafkaRefused", (refused) => Effect.fail(toHeld(refused))))

const openId = (
  env: PartitionEnv
): Effect.Effect<TransactionalProducer, ProducerFenced | KafkaRefused, Transactions | Scope.Scope> =>
  Effect.flatMap(Transactions, (transactions) => {
    const transactionalId = transactionalIdOf(env.settings, env.route.input.partition)
    const open = transactions.open({ transactionalId, timeoutMs: env.settings.options.transactionTimeoutMs })
    return throughOutage(`transactional id ${transactionalId}`, backoffOf(env), open, unavailable)
  })

const committedOffset = (env: PartitionEnv): Effect.Effect<bigint | undefined, KafkaRefused, Admin> =>
  Effect.flatMap(Admin, (admin) => {
    const { input } = env.route
    const offsets = admin.committedOffsets(env.settings.group, input.topic)
    return throughOutage("committed offsets", backoffOf(env), offsets, unavailable).pipe(
      Effect.map((found) => found.get(input.partition))
    )
  })

const startOffset = (env: PartitionEnv, committed: bigint | undefined): Effect.Effect<bigint, Held, Admin> =>
  Effect.gen(function*() {
    const { group, options } = env.settings
    const { partition, topic } = env.route.input
    const range = yield* logRange({ topic, partition }, backoffOf(env))
    if (committed !== undefined) {
      return yield* outOfRange({ topic, partition, group }, committed, range, moveCommitted(env)) ??
        Effect.succeed(committed)
    }
    if (options.from === "earliest") return range.low
    if (options.from === "latest") return options.isolation === "read_committed" ? range.lastStable : range.end
    return yield* new Held({
      what: `group ${group} has committed no offset for ${topic}-${partition}, and --from is none`,
      cure: "choose --from earliest or latest for the first start"
    })
  })

/** The command by which a person moves the group's offset; no member may be active meanwhile. */
const moveCommitted =
  ({ settings: { config } }: PartitionEnv) => ({ group, partition, topic }: Where, to: bigint): string =>
    `kafka-consumer-groups.sh --bootstrap-server ${config.bootstrapServers[0] ?? ""} --group ${group} `
    + `--topic ${topic}:${partition} --reset-offsets --to-offset ${to} --execute`

const transform = (env: PartitionEnv, producer: TransactionalProducer, progress: Progress) =>
  Effect.gen(function*() {
    let misses = 0
    while (true) {
      const slice = yield* nextSlice(env, progress)
      if (slice === undefined) {
        yield* commit(env, producer, progress)
        continue
      }
      if (slice.expected !== progress.position) {
        yield* seekAgain(env, progress.position, misses++)
        continue
      }
      misses = 0
      const mapped = mapSlice(env.route, slice)
      yield* send(env, producer, progress, mapped)
      const problem = problemOf(env, slice, mapped.poison)
      if (problem !== undefined) {
        yield* commit(env, producer, progress) // all that comes before it
        return yield* problem
      }
    }
  })

const problemOf = (
  env: PartitionEnv,
  slice: Slice,
  poison: { readonly offset: bigint; readonly reason: string } | undefined
): Held | undefined => {
  if (poison === undefined) return slice.unreadable === undefined ? undefined : unreadable(slice.unreadable)
  const { partition, topic } = env.route.input
  return new Held({
    what: `record ${topic}-${partition}@${poison.offset} cannot be mapped: ${poison.reason}`,
    cure: "correct the mapping, then restart; or restart with --poison skip, which sends it to the dead-letter topic"
  })
}

/** Not the chain that this owner is at: a fetch from before a seek, or the client has reset its position. */
const seekAgain = (env: PartitionEnv, position: bigint, misses: number): Effect.Effect<void, Held, Admin> =>
  Effect.gen(function*() {
    const { partition, topic } = env.route.input
    const range = yield* logRange({ topic, partition }, backoffOf(env))
    const problem = outOfRange({ topic, partition, group: env.settings.group }, position, range, moveCommitted(env))
    if (problem !== undefined) return yield* problem
    yield* Effect.sleep(yield* jittered(fenceBackoff, misses))
    env.queue.clear()
    yield* env.membership.seek(partition, position)
    yield* env.membership.resume(partition)
  })

/** The next piece of work; undefined: it is time to commit what is open. */
const nextSlice = (env: PartitionEnv, { open, position }: Progress): Effect.Effect<Slice | undefined> =>
  Effect.gen(function*() {
    const { commitIntervalMs, commitRecords } = env.settings.options
    const left = commitRecords === 0 ? Infinity : commitRecords - (open?.recordsIn ?? 0)
    if (open !== undefined && (left <= 0 || (env.end !== undefined && position >= env.end))) return undefined
    while (true) {
      if (open === undefined) yield* env.queue.awaitSome
      else {
        const leftMs = open.sinceMs + commitIntervalMs - (yield* elapsedMillis)
        if (leftMs <= 0) return undefined
        if ((yield* Effect.timeoutOption(env.queue.awaitSome, leftMs))._tag === "None") return undefined
      }
      const slice = yield* takeQueued(env, left)
      if (slice !== undefined) return slice
    }
  })

const takeQueued = (
  { membership, metrics, queue, route, settings: { config } }: PartitionEnv,
  recordsMax: number
): Effect.Effect<Slice | undefined> =>
  Effect.suspend(() => {
    const slice = queue.take(Math.min(config.batchMaxRows, recordsMax), config.batchMaxBytes, { recordsMax })
    metrics.queued(queue.queuedRecords(), queue.backlogRecords())
    return queue.takeResume() ? Effect.as(membership.resume(route.input.partition), slice) : Effect.succeed(slice)
  })

import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { Config } from "../domain/Config.js"
import type { Slice } from "../domain/KafkaRecord.js"
import { joinSlices, splitSlice } from "../domain/slices.js"
import type { Admin } from "../layers/Admin.js"
import type { Membership } from "../layers/Consumer.js"
import {
  type Claim,
  Destination,
  DestinationUnavailable,
  type WriteError,
  type WriteRequest
} from "../layers/Destination.js"
import type { TopicEncoders } from "./encoders.js"
import { Held, outOfRange, sayStopped, toHeld, unreadable } from "./held.js"
import { logRange } from "./logRange.js"
import type { PartitionMetrics } from "./metrics.js"
import { type Backoff, jittered, throughOutage, unavailable } from "./outage.js"
import type { PartitionQueue } from "./PartitionQueue.js"

/** Fenced owners that try again at once starve each other (protocol §7): full jitter from the first fence. */
const fenceBackoff: Backoff = { baseMs: 50, maxMs: 5000 }
/** Seconds that a row waits for the parent row that its foreign key names. */
const foreignKeyWaitSeconds = 30
/** How long a stretch without data records may wait for data to share its transaction. */
const emptyWait = "1 second"

export interface PartitionEnv {
  readonly config: Config
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly sourceId: number
  /** Where the partition begins when it has no stored offset yet. */
  readonly initial: bigint
  readonly membership: Membership
  readonly queue: PartitionQueue
  readonly encoders: TopicEncoders
  readonly metrics: PartitionMetrics
  /** Called inside the region that cannot be interrupted, as soon as a commit is known. */
  readonly onCommitted: (position: bigint, records: number) => void
}

/**
 * The writer of one partition, for as long as the partition is assigned: claims the stored offset, seeks there, writes
 * what comes, and after a fence starts over. It never fails: what it cannot solve stops this partition, with the reason.
 */
export const runPartition = (env: PartitionEnv): Effect.Effect<never, never, Admin | Destination> =>
  Effect.gen(function*() {
    let fences = 0
    while (true) {
      const claim = yield* acquire(env)
      yield* seekTo(env, claim.offset)
      const batches = yield* writeUntilFenced(env, claim)
      fences = batches > 0 ? 1 : fences + 1
      env.metrics.fenced()
      yield* Effect.logWarning(
        `fenced: another owner has taken ${env.topic}-${env.partition}; what it did not find is read again`
      )
      yield* env.membership.pause(env.partition)
      env.queue.clear()
      yield* env.membership.confirmed
      yield* Effect.sleep(yield* jittered(fenceBackoff, fences))
    }
  }).pipe(
    Effect.catchTag("Held", (held) =>
      Effect.gen(function*() {
        yield* env.membership.pause(env.partition)
        env.queue.clear()
        return yield* sayStopped(`partition ${env.topic}-${env.partition}`, held)
      }))
  )

const backoffOf = ({ config }: PartitionEnv): Backoff => ({
  baseMs: config.retryBackoffMs,
  maxMs: config.retryBackoffMaxMs
})

/** Kafka is asked before the transaction, not inside it: a slow broker must not hold a row lock. */
const acquire = (env: PartitionEnv): Effect.Effect<Claim, Held, Admin | Destination> =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const range = yield* logRange(env, backoffOf(env))
    // A new id for each try: the answer to the one before may be lost, and what it claimed must not count as ours.
    const attempt = Effect.flatMap(randomId, (owner) =>
      destination.acquire({
        topic: env.topic,
        partition: env.partition,
        group: env.group,
        sourceId: env.sourceId,
        initial: env.initial,
        owner
      }))
    const claim = yield* throughOutage("acquire", backoffOf(env), attempt, unavailable).pipe(Effect.mapError(toHeld))
    // The range may be older than the claim: the owner before may have written beyond it meanwhile.
    const problem = outOfRange(
      env,
      claim.offset,
      claim.offset > range.end ? yield* logRange(env, backoffOf(env)) : range
    )
    if (problem !== undefined) return yield* problem
    yield* Effect.logInfo(`acquired at offset ${claim.offset} [generation=${claim.generation} end=${range.end}]`)
    return claim
  })

const randomId: Effect.Effect<string> = Effect.map(
  Effect.all([Random.nextIntBetween(0, 2 ** 31), Random.nextIntBetween(0, 2 ** 31)]),
  (parts) => parts.map((part) => part.toString(16).padStart(8, "0")).join("")
)

const seekTo = (env: PartitionEnv, offset: bigint): Effect.Effect<void> =>
  Effect.suspend(() => {
    env.queue.clear()
    return Effect.zipRight(env.membership.seek(env.partition, offset), env.membership.resume(env.partition))
  })

/** Writes until another owner is noticed; answers how many transactions were committed. */
const writeUntilFenced = (env: PartitionEnv, claim: Claim): Effect.Effect<number, Held, Admin | Destination> =>
  Effect.gen(function*() {
    let position = claim.offset
    let misses = 0
    for (let batches = 0;; batches++) {
      const slice = yield* takeSlice(env)
      if (slice.expected !== position) {
        // Not the chain that this writer is at: a fetch from before a seek, or the client has reset its position
        // because the log does not hold it any more. The range decides; guessing would skip or repeat records.
        const problem = outOfRange(env, position, yield* logRange(env, backoffOf(env)))
        if (problem !== undefined) return yield* problem
        yield* Effect.sleep(yield* jittered(fenceBackoff, misses++))
        yield* seekTo(env, position)
        continue
      }
      misses = 0
      if ((yield* writeSlice(env, claim, slice)) === "fenced") return batches
      position = slice.next
      if (slice.unreadable !== undefined) return yield* unreadable(slice.unreadable)
    }
  })

/** Waits a little for more, so that a trickle does not become a transaction per record; not when the queue is full. */
const takeSlice = (env: PartitionEnv): Effect.Effect<Slice> =>
  Effect.gen(function*() {
    const { config, queue } = env
    while (true) {
      yield* queue.awaitSome
      if (!queue.isBlocked() && queue.queuedRecords() < config.batchMaxRows) yield* Effect.sleep(config.lingerMs)
      const slice = yield* takeQueued(env)
      if (slice === undefined) continue
      if (slice.records.length > 0 || slice.unreadable !== undefined) return slice
      // Control or aborted records only: the offset has to move, but it can share the next transaction.
      yield* Effect.timeoutOption(queue.awaitSome, emptyWait)
      const more = yield* takeQueued(env)
      if (more === undefined) return slice
      if (more.expected === slice.next) return joinSlices(slice, [more])
      queue.putBack(more)
      return slice
    }
  })

const takeQueued = (
  { config, membership, metrics, partition, queue }: PartitionEnv
): Effect.Effect<Slice | undefined> =>
  Effect.suspend(() => {
    const slice = queue.take(config.batchMaxRows, config.batchMaxBytes)
    metrics.queued(queue.queuedRecords(), queue.backlogRecords())
    return queue.takeResume() ? Effect.as(membership.resume(partition), slice) : Effect.succeed(slice)
  })

const nameOf = (env: PartitionEnv, slice: Slice): string =>
  `record ${env.topic}-${env.partition}@${slice.records[0]?.offset ?? slice.expected}`

type Written = "committed" | "fenced"

/**
 * One slice, in as few transactions as possible. A record that cannot be decoded or stored stops the partition, after
 * everything before it has been written: a failing transaction is halved until the record is alone.
 */
const writeSlice = (
  env: PartitionEnv,
  claim: Claim,
  slice: Slice,
  catalogRead = false
): Effect.Effect<Written, Held, Destination> =>
  Effect.gen(function*() {
    const encoded = yield* env.encoders.encode(slice.records, claim.sourceId, env.partition)
    if (encoded.problem !== undefined) {
      if (encoded.count === 0) {
        return yield* new Held({ ...encoded.problem, what: `${nameOf(env, slice)}: ${encoded.problem.what}` })
      }
      return yield* writeParts(env, claim, slice, encoded.count)
    }
    const request = {
      claim,
      expected: slice.expected,
      next: slice.next,
      statements: encoded.statements,
      letters: encoded.letters
    }
    const publish = Effect.sync(() => env.onCommitted(slice.next, slice.records.length))
    const single = slice.records.length <= 1
    const write = throughOutage("write", backoffOf(env), writeOnce(env, request, publish), unavailable)
    const attempt = single ? Effect.retry(write, { while: mayPassLater, schedule: leafSchedule }) : write
    return yield* attempt.pipe(
      Effect.catchTag("WriteError", (error) => {
        if (isAboutCatalog(error) && !catalogRead) {
          return Effect.zipRight(env.encoders.forget, writeSlice(env, claim, slice, true))
        }
        if (single || !isAboutRecords(error)) return Effect.fail(heldBy(env, slice, error))
        return writeParts(env, claim, slice, slice.records.length >> 1)
      })
    )
  })

const writeParts = (
  env: PartitionEnv,
  claim: Claim,
  slice: Slice,
  count: number
): Effect.Effect<Written, Held, Destination> =>
  Effect.gen(function*() {
    const [head, rest] = splitSlice(slice, count)
    const written = yield* writeSlice(env, claim, head)
    return written === "fenced" || rest === undefined ? written : yield* writeSlice(env, claim, rest)
  })

/** One transaction and what it came to; the outcome is published before an interruption can take effect. */
const writeOnce = (
  env: PartitionEnv,
  request: WriteRequest,
  publish: Effect.Effect<void>
): Effect.Effect<Written, WriteError | DestinationUnavailable | Held, Destination> =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const outcome = yield* destination.write(request).pipe(
      Effect.tap(({ _tag }) => _tag === "Committed" ? publish : Effect.void),
      Effect.uninterruptible
    )
    switch (outcome._tag) {
      case "Committed":
        return "committed"
      case "Fenced":
        return "fenced"
      case "RolledBack":
        return yield* failureOf(outcome.error)
      case "Unknown": {
        // The answer to COMMIT is lost. Only the row knows: never repeat on suspicion (protocol §6).
        yield* Effect.logWarning(`outcome of a commit is unknown, looking it up: ${outcome.error.message}`)
        const resolve = Effect.tap(
          destination.resolve(request),
          (found) => found === "Committed" ? publish : Effect.void
        )
        const found = yield* throughOutage("resolve", backoffOf(env), Effect.uninterruptible(resolve), unavailable)
          .pipe(
            Effect.mapError(toHeld)
          )
        if (found === "Committed") return "committed"
        if (found === "Fenced") return "fenced"
        if (found === "NotCommitted") return yield* unavailableBy(outcome.error)
        return yield* new Held({
          what:
            `the stored offset of ${env.topic}-${env.partition} is neither ${request.expected} nor ${request.next} although this `
            + "instance owns it: something else writes kafka_offsets",
          cure: "stop the other writer, then restart"
        })
      }
    }
  })

const unavailableBy = (error: WriteError) => new DestinationUnavailable({ what: error.what, code: error.code })
const failureOf = (error: WriteError): WriteError | DestinationUnavailable =>
  error.class === "retriable" || error.class === "reconnect" ? unavailableBy(error) : error

/** For a record that is alone: its parent row may be on its way, and an unlisted error gets one more chance. */
const mayPassLater = (error: WriteError | Held): boolean =>
  error._tag === "WriteError" && (error.class === "wait-then-poison" || error.class === "unlisted")
const leafSchedule = Schedule.spaced("1 second").pipe(
  Schedule.intersect(Schedule.recurs(foreignKeyWaitSeconds)),
  Schedule.whileInput((error: WriteError | Held) => error._tag === "WriteError" && error.class === "wait-then-poison"),
  Schedule.union(Schedule.recurs(1))
)

/** Unknown column, unknown table: somebody has changed the table since it was looked at. */
const isAboutCatalog = ({ code }: WriteError): boolean => code === 1054 || code === 1146

const isAboutRecords = (error: WriteError): boolean =>
  error.class === "poison" || error.class === "wait-then-poison" || error.class === "unlisted"

const heldBy = (env: PartitionEnv, slice: Slice, error: WriteError): Held => {
  const code = error.code > 0 ? ` [errno=${error.code}]` : ""
  if (error.class === "already-there") {
    return new Held({
      what: `${nameOf(env, slice)}: this record is already in the table: ${error.what}${code}`,
      cure:
        "the stored offset was moved back by hand, or the rows came from elsewhere: compare them with `tributary verify`"
    })
  }
  if (error.class === "setup") {
    return new Held({ what: `${error.what}${code}`, cure: error.cure ?? "change the set-up, then restart" })
  }
  return new Held({
    what: `${nameOf(env, slice)} cannot be stored: ${error.what}${code}`,
    cure: error.cure ?? "make the table fit the record (the record itself cannot change), then restart"
  })
}

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { Slice } from "../domain/KafkaRecord.js"
import { joinSlices } from "../domain/slices.js"
import type { Admin } from "../layers/Admin.js"
import { type Claim, Destination } from "../layers/Destination.js"
import { faultPoint } from "./faultPoint.js"
import { type Held, outOfRange, sayStopped, toHeld, unreadable } from "./held.js"
import { logRange } from "./logRange.js"
import { type Backoff, jittered, throughOutage, unavailable } from "./outage.js"
import { backoffOf, type PartitionEnv } from "./PartitionEnv.js"
import type { Wanted } from "./PartitionQueue.js"
import { makeSliceWriter } from "./writeSlice.js"

/** Fenced owners that try again at once starve each other (protocol §7): full jitter from the first fence. */
const fenceBackoff: Backoff = { baseMs: 50, maxMs: 5000 }
/** How often a partition without records looks whether what it has stored still stands. */
const lookEvery = "30 seconds"
/** How long a stretch without data records may wait for data to share its transaction. */
const emptyWait = "1 second"

/**
 * The writer of one partition, for as long as the partition is assigned: claims the stored offset, seeks there, writes
 * what comes, and after a fence starts over. It never fails: what it cannot solve stops this partition, with the reason.
 */
export const runPartition = (env: PartitionEnv): Effect.Effect<never, never, Admin | Destination> =>
  Effect.gen(function*() {
    let fences = 0
    while (true) {
      const claim = yield* acquire(env)
      yield* faultPoint("claimed")
      yield* seekTo(env, claim.offset)
      const batches = yield* writeUntilFenced(env, claim)
      fences = batches > 0 ? 1 : fences + 1
      env.metrics.fenced()
      yield* faultPoint("fenced")
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
        env.onStopped(held)
        return yield* sayStopped(`partition ${env.topic}-${env.partition}`, held)
      }))
  )

/** Kafka is asked before the transaction, not inside it: a slow broker must not hold a row lock. */
const acquire = (env: PartitionEnv): Effect.Effect<Claim, Held, Admin | Destination> =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const range = yield* logRange(env, backoffOf(env))
    yield* faultPoint("before acquire")
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

/** Writes until the stored offset is no longer ours, or has moved; answers how many transactions were committed. */
const writeUntilFenced = (env: PartitionEnv, claim: Claim): Effect.Effect<number, Held, Admin | Destination> =>
  Effect.gen(function*() {
    let position = claim.offset
    let misses = 0
    const writer = makeSliceWriter(env, claim)
    for (let batches = 0;; batches++) {
      if (!(yield* stillStands(env, position))) return batches
      const slice = yield* takeSlice(env)
      yield* env.sameLife
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
      yield* faultPoint("before write")
      if ((yield* writer.write(slice)) === "fenced") {
        const here = `${env.topic}-${env.partition}`
        yield* Effect.logWarning(`fenced: another owner has taken ${here}; what it did not find is read again`)
        return batches
      }
      position = slice.next
      if (slice.unreadable !== undefined) return yield* unreadable(slice.unreadable)
    }
  })

/**
 * Waits for records; false when the stored offset is another one than this writer has left there. With records the next
 * compare-and-set would tell. Without any, nobody would notice that a fail-over has lost the last transactions, offsets
 * and rows together, or that a person has moved the offset.
 */
const stillStands = (env: PartitionEnv, position: bigint): Effect.Effect<boolean, Held, Destination> =>
  Effect.gen(function*() {
    const { group, partition, queue, topic } = env
    const { stored } = yield* Destination
    while (queue.queuedRecords() === 0 && Option.isNone(yield* Effect.timeoutOption(queue.awaitSome, lookEvery))) {
      const look = stored(topic, group, partition)
      const [row] = yield* Effect.mapError(throughOutage("stored offset", backoffOf(env), look, unavailable), toHeld)
      if (row?.offset === position) continue
      yield* Effect.logWarning(
        `the stored offset is ${row?.offset ?? "gone"} and not ${position}, where this instance has left it: ` +
          "a fail-over has lost what was stored last, or somebody has moved it"
      )
      return false
    }
    return true
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
      const more = yield* takeQueued(env, { from: slice.next })
      return more === undefined ? slice : joinSlices(slice, [more])
    }
  })

const takeQueued = (
  { config, membership, metrics, partition, queue }: PartitionEnv,
  wanted?: Wanted
): Effect.Effect<Slice | undefined> =>
  Effect.suspend(() => {
    const slice = queue.take(config.batchMaxRows, config.batchMaxBytes, wanted)
    metrics.queued(queue.queuedRecords(), queue.backlogRecords())
    return queue.takeResume() ? Effect.as(membership.resume(partition), slice) : Effect.succeed(slice)
  })

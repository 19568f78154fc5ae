import * as Effect from "effect/Effect"
import type { TransactionalProducer, TransactionError } from "../../layers/Transactions.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import type { PartitionMetrics } from "../metrics.js"
import type { Mapped, Route } from "./outgoing.js"
import type { TransformSettings } from "./settings.js"

/** What a transaction covers: input offsets `from` to `next` (exclusive), and what came of them. */
export interface Covered {
  readonly from: bigint
  readonly next: bigint
  readonly recordsIn: number
  readonly recordsOut: number
  readonly deadLetters: number
  /** When its first record was sent, milliseconds. */
  readonly sinceMs: number
}

/** How far one owner of one partition has come. Changed only where an interruption cannot come between. */
export interface Progress {
  /** Next input offset to take. */
  position: bigint
  /** Undefined: nothing to commit. */
  open: Covered | undefined
  /** Transactions committed since the id was opened. */
  commits: number
}

export interface TransactionEnv {
  readonly settings: TransformSettings
  readonly route: Route
  readonly metrics: PartitionMetrics
}

/** Sends what was mapped, inside the transaction, and remembers it. */
export const send = (
  { route }: TransactionEnv,
  producer: TransactionalProducer,
  progress: Progress,
  mapped: Mapped
): Effect.Effect<void, TransactionError> =>
  Effect.gen(function*() {
    const now = yield* elapsedMillis
    const before = progress.open ?? begun(progress.position, now)
    progress.open = before
    if (mapped.output.length > 0) yield* producer.send(route.output.topic, mapped.output)
    if (mapped.deadLetters.length > 0 && route.deadLetters !== undefined) {
      yield* producer.send(route.deadLetters.topic, mapped.deadLetters)
    }
    progress.position = mapped.next
    progress.open = {
      ...before,
      next: mapped.next,
      recordsIn: before.recordsIn + mapped.recordsIn,
      recordsOut: before.recordsOut + mapped.output.length,
      deadLetters: before.deadLetters + mapped.deadLetters.length
    }
  }).pipe(Effect.uninterruptible)

/** A transaction that covers nothing yet. */
export const begun = (position: bigint, nowMs: number): Covered => ({
  from: position,
  next: position,
  recordsIn: 0,
  recordsOut: 0,
  deadLetters: 0,
  sinceMs: nowMs
})

/**
 * Commits what is open, the input's offset with it. Never after a send or a commit that has failed: the log may hold more
 * than `open` says.
 */
export const commit = (
  env: TransactionEnv,
  producer: TransactionalProducer,
  progress: Progress
): Effect.Effect<void, TransactionError> =>
  Effect.gen(function*() {
    const { open } = progress
    if (open === undefined) return
    const { group, options } = env.settings
    const beganMs = yield* elapsedMillis
    yield* producer.sendOffsets(group, options.input, [{ partition: env.route.input.partition, offset: open.next }])
    yield* producer.commit
    progress.open = undefined
    progress.commits++
    env.metrics.committed(open.recordsIn, open.next)
    const now = yield* elapsedMillis
    yield* sayCommitted(env, open, `open-ms=${beganMs - open.sinceMs} commit-ms=${now - beganMs}`)
  }).pipe(Effect.uninterruptible)

/** The line by which the times of a read_committed reader can be understood; its form is a contract. */
const sayCommitted = (env: TransactionEnv, covered: Covered, took: string): Effect.Effect<void> =>
  Effect.logInfo(`committed transaction ${described(env, covered)} ${took}`)

const described = ({ route }: TransactionEnv, covered: Covered): string =>
  `${route.input.topic}-${route.input.partition} from=${covered.from} to=${covered.next} records-in=${covered.recordsIn} `
  + `records-out=${covered.recordsOut} dead-letters=${covered.deadLetters}`

/**
 * What became of a transaction that was in doubt, now that its id has been opened again: that has ended it, and the
 * group's offset tells how. Clears it.
 */
export const settle = (env: TransactionEnv, progress: Progress, committed: bigint | undefined): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { open } = progress
    progress.open = undefined
    if (open === undefined || open.next === open.from) return Effect.void
    if (committed !== undefined && committed >= open.next) {
      env.metrics.committed(open.recordsIn, committed)
      return sayCommitted(env, open, "(found out afterwards)")
    }
    return Effect.logWarning(
      `aborted transaction ${described(env, open)}: what nobody else has committed is processed again`
    )
  })

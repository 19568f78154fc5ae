import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { MysqlPhase } from "../../domain/MysqlErrors.js"
import { WriteError, WriteOutcome, type WriteRequest } from "../Destination.js"
import { letterStatement } from "./deadLetters.js"
import { detailOf } from "./errorDetail.js"
import { writeError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { MysqlFailure } from "./MysqlFailure.js"
import { whereKey } from "./offsetRow.js"
import { affectedRows, rollback, rowsOf, runFresh, text } from "./session.js"

/** Why a transaction ends before COMMIT is sent. */
type Stop =
  | { readonly _tag: "Stale" }
  | { readonly _tag: "Failed"; readonly phase: MysqlPhase; readonly failure: MysqlFailure; readonly statement: string }

/**
 * First in the transaction, not last: the UPDATE takes the row's lock, so that an owner that has been replaced waits
 * here, and then matches nothing before it has written anything (protocol section 5). `conn` is for whoever has to end
 * this connection (section 8).
 */
const compareAndSet = ({ claim, expected, next }: WriteRequest): string =>
  `UPDATE kafka_offsets SET \`offset\` = ${next}, conn = CONNECTION_ID() WHERE ${whereKey(claim)}`
  + ` AND \`offset\` = ${expected} AND generation = ${claim.generation} AND owner = ${text(claim.owner)}`

const decodeCount = rowsOf(Schema.Struct({ warnings: Schema.Number }))
const decodeWarnings = rowsOf(Schema.Struct({ Code: Schema.Number, Message: Schema.String }))

/**
 * One statement and the warnings it caused, in one round trip; the driver drops them. A rounded DECIMAL is no more than
 * a note, so any warning fails the transaction, by the warning's own code.
 */
export const insert = (lane: Lane, statement: string, packetBytesMax: number): Effect.Effect<void, MysqlFailure> =>
  Effect.gen(function*() {
    // The server answers 1153 and closes; where the answer is lost in that, trying again would never end.
    if (statement.length * 3 > packetBytesMax && Buffer.byteLength(statement) + 128 > packetBytesMax) {
      const message = `a statement of ${Buffer.byteLength(statement)} bytes; the server takes ${packetBytesMax}`
      return yield* new MysqlFailure({ code: 1153, text: message, message, fatal: false })
    }
    const results = yield* lane.run(`${statement};\nSHOW WARNINGS LIMIT 1; SELECT @@warning_count AS warnings`)
    if (results.length !== 3) return yield* Effect.dieMessage("one of a transaction's statements is not one statement")
    const [count] = yield* decodeCount(results[2])
    if (count === undefined || count.warnings === 0) return
    const [warning] = yield* decodeWarnings(results[1])
    const message = warning?.Message ?? "a warning that the server does not show"
    yield* new MysqlFailure({ code: warning?.Code ?? 0, text: message, message, fatal: false })
  })

/** `checkpoint`: where an interruption is noticed, between two statements, never within one, whose end nobody would know. */
const upToCommit = (
  lane: Lane,
  request: WriteRequest,
  packetBytesMax: number,
  checkpoint: Effect.Effect<void>
): Effect.Effect<void, Stop> =>
  Effect.gen(function*() {
    const failed = (phase: MysqlPhase, statement: string) =>
      Effect.mapError((failure: MysqlFailure): Stop => ({ _tag: "Failed", phase, failure, statement }))
    yield* checkpoint
    const move = compareAndSet(request)
    const [, moved] = yield* runFresh(lane, ["START TRANSACTION", move]).pipe(failed("offset", move))
    if ((yield* affectedRows(moved)) !== 1) return yield* Effect.fail<Stop>({ _tag: "Stale" })
    for (const statement of request.statements) {
      yield* checkpoint
      yield* insert(lane, statement, packetBytesMax).pipe(failed("rows", statement))
    }
    for (const letter of request.letters) {
      yield* checkpoint
      const statement = letterStatement(letter)
      yield* insert(lane, statement, packetBytesMax).pipe(failed("dead-letters", statement))
    }
    yield* checkpoint
  })

const interrupted = WriteOutcome.RolledBack({
  error: new WriteError({ class: "retriable", code: 0, what: "interrupted before COMMIT was sent" })
})

/** Ends the transaction for certain: after 1205 it is still open, and the next BEGIN would commit the offset alone. */
const abandon = (lane: Lane, config: MysqlOptions, cause: Cause.Cause<Stop>): Effect.Effect<WriteOutcome> =>
  Effect.gen(function*() {
    const stop = Option.getOrUndefined(Cause.failureOption(cause))
    yield* rollback(lane)
    if (stop === undefined) {
      return yield* Cause.isInterruptedOnly(cause)
        ? Effect.succeed(interrupted)
        : Effect.die(cause)
    }
    if (stop._tag === "Stale") return WriteOutcome.Fenced()
    const error = yield* detailOf(lane, stop.failure, stop.statement).pipe(
      Effect.map((detail) => writeError(config, stop.phase, stop.failure, detail)),
      // The catalog could not be asked: a class that depends on it is not known, the batch is tried again.
      Effect.catchAll((failure) => Effect.succeed(writeError(config, "control", failure)))
    )
    return WriteOutcome.RolledBack({ error })
  })

/** Runs uninterruptibly; `checkpoint`s are the gaps. From COMMIT on only the deadline ends it. */
const transaction = (
  lane: Lane,
  config: MysqlOptions,
  request: WriteRequest,
  packetBytesMax: number,
  checkpoint: Effect.Effect<void>
): Effect.Effect<WriteOutcome> =>
  Effect.gen(function*() {
    const before = yield* Effect.exit(upToCommit(lane, request, packetBytesMax, checkpoint))
    if (Exit.isFailure(before)) return yield* abandon(lane, config, before.cause)
    const committed = yield* Effect.exit(lane.run("COMMIT"))
    if (Exit.isSuccess(committed)) return WriteOutcome.Committed()
    // Refused or unanswered, it may still be open or still be committed: cut it, and let `resolve` look.
    yield* lane.destroy
    const failure = Cause.failureOption(committed.cause)
    if (Option.isNone(failure)) return yield* Effect.failCause(committed.cause).pipe(Effect.orDie)
    return WriteOutcome.Unknown({ error: writeError(config, "commit", failure.value) })
  })

/**
 * One data transaction. Its outcome is noted inside the uninterruptible region: a fiber that is interrupted while COMMIT
 * is under way exits as interrupted although the batch is in the database. Interrupted before COMMIT is sent, it is rolled
 * back. A caller who wants a transaction that has begun to finish (a drain, a rebalance) makes the call uninterruptible.
 */
export const write =
  (config: MysqlOptions, lanes: LanePool, packetBytesMax: Effect.Effect<number>) =>
  (request: WriteRequest): Effect.Effect<WriteOutcome> =>
    Effect.uninterruptibleMask((restore) => {
      let outcome: WriteOutcome | undefined
      const run = lanes.use((lane) =>
        packetBytesMax.pipe(
          Effect.flatMap((bytes) => transaction(lane, config, request, bytes, restore(Effect.void))),
          Effect.tap((result) =>
            Effect.sync(() => {
              outcome = result
            })
          ),
          Effect.uninterruptible
        )
      )
      return Effect.exit(restore(run)).pipe(
        Effect.flatMap((exit) => {
          if (outcome !== undefined) return Effect.succeed(outcome)
          if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
          if (Cause.isInterruptedOnly(exit.cause)) return Effect.succeed(interrupted)
          return Option.match(Cause.failureOption(exit.cause), {
            onNone: () => Effect.failCause(exit.cause).pipe(Effect.orDie),
            onSome: (failure) =>
              Effect.succeed(WriteOutcome.RolledBack({ error: writeError(config, "connect", failure) }))
          })
        })
      )
    })

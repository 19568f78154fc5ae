import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { MysqlPhase } from "../../domain/MysqlErrors.js"
import { ReplayOutcome, type ReplayRequest } from "../DeadLetters.js"
import { type DestinationError, WriteError } from "../Destination.js"
import { standing } from "../letterRow.js"
import { letterSql } from "./deadLetters.js"
import { detailOf } from "./errorDetail.js"
import { destinationError, writeError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { affectedRows, rollback, rowsOf, runFresh } from "./session.js"
import { insert } from "./write.js"

/** Why a replay's transaction ends before COMMIT is sent. */
type Stop =
  | { readonly _tag: "Decided"; readonly outcome: ReplayOutcome }
  | { readonly _tag: "Failed"; readonly phase: MysqlPhase; readonly failure: MysqlFailure; readonly statement: string }

/**
 * First in the transaction, as the compare-and-set of the offset is in `write`: it takes the letter's lock, so that of
 * two replays the second waits here, and then matches nothing before it has written anything.
 */
const mark = (id: bigint): string =>
  `UPDATE dead_letters SET replayed_at = NOW(6) WHERE id = ${id} AND replayed_at IS NULL`

const decodeOrigins = rowsOf(Schema.Struct({ source: Schema.Number, part: Schema.Number, position: Schema.BigInt }))

const unknownColumn = 1054

/** Locks the row, or the gap where it would be (REPEATABLE READ), until the transaction ends. */
const standingRow = (
  lane: Lane,
  { letter, row }: ReplayRequest
): Effect.Effect<ReplayOutcome | undefined, MysqlFailure> =>
  row === undefined ? Effect.succeed(undefined) : lane.run(`${letterSql.origin(row)} FOR UPDATE`).pipe(
    Effect.flatMap(decodeOrigins),
    Effect.map(([origin]) => standing(origin, letter)),
    Effect.catchIf(({ code }) => code === unknownColumn, () => Effect.succeed(ReplayOutcome.NoOrigin()))
  )

const failed = (phase: MysqlPhase, statement: string) =>
  Effect.mapError((failure: MysqlFailure): Stop => ({ _tag: "Failed", phase, failure, statement }))
const decided = (outcome: ReplayOutcome) => Effect.fail<Stop>({ _tag: "Decided", outcome })

const upToCommit = (
  lane: Lane,
  request: ReplayRequest,
  packetBytesMax: number
): Effect.Effect<ReplayOutcome, Stop> =>
  Effect.gen(function*() {
    const marking = mark(request.letter.id)
    const [, marked] = yield* runFresh(lane, ["START TRANSACTION", marking], { isolation: "REPEATABLE READ" }).pipe(
      failed("dead-letters", marking)
    )
    if ((yield* affectedRows(marked)) !== 1) return yield* decided(ReplayOutcome.NotOpen())
    const stands = yield* standingRow(lane, request).pipe(failed("control", ""))
    if (stands?._tag === "AlreadyThere") return stands
    if (stands !== undefined) return yield* decided(stands)
    for (const statement of request.statements) {
      yield* insert(lane, statement, packetBytesMax).pipe(failed("rows", statement))
    }
    return ReplayOutcome.Replayed()
  })

/** Undefined: the very record is in the table already. */
const errorOf = (lane: Lane, config: MysqlConfig, { failure, phase, statement }: Extract<Stop, { _tag: "Failed" }>) =>
  detailOf(lane, failure, statement).pipe(
    Effect.map((detail) => detail.ownKey === true ? undefined : writeError(config, phase, failure, detail)),
    // The catalog could not be asked: what depends on it is not known, and is tried again.
    Effect.catchAll((broken) => Effect.succeed(writeError(config, "control", broken)))
  )

/** Undefined: COMMIT was sent, and what became of it is not known. */
const transaction = (
  lane: Lane,
  config: MysqlConfig,
  request: ReplayRequest,
  packetBytesMax: number
): Effect.Effect<ReplayOutcome | undefined> =>
  Effect.gen(function*() {
    const before = yield* Effect.exit(upToCommit(lane, request, packetBytesMax))
    if (Exit.isFailure(before)) {
      yield* rollback(lane)
      const stop = Option.getOrUndefined(Cause.failureOption(before.cause))
      if (stop === undefined) return yield* Effect.failCause(before.cause).pipe(Effect.orDie)
      if (stop._tag === "Decided") return stop.outcome
      const error = yield* errorOf(lane, config, stop)
      if (error !== undefined) return ReplayOutcome.RolledBack({ error })
      const marked = yield* transaction(lane, config, { ...request, statements: [], row: undefined }, packetBytesMax)
      return marked?._tag === "Replayed" ? ReplayOutcome.AlreadyThere() : marked
    }
    const committed = yield* Effect.exit(lane.run("COMMIT"))
    if (Exit.isSuccess(committed)) return before.value
    // Refused or unanswered, it may still be open or still be committed: cut it, and look.
    yield* lane.destroy
    return Option.isSome(Cause.failureOption(committed.cause))
      ? undefined
      : yield* Effect.failCause(committed.cause).pipe(Effect.orDie)
  })

const lockWaitTimeout = 1205
const decodeStates = rowsOf(Schema.Struct({ open: Schema.Number }))

/**
 * What the letter says once the transaction in question has ended: the lock waits for that. What the lost connection
 * left behind the server ends by itself within a minute (wait_timeout), if COMMIT has never arrived.
 */
const look = (lane: Lane, id: bigint): Effect.Effect<ReplayOutcome, MysqlFailure> =>
  runFresh(lane, [
    "START TRANSACTION",
    `SELECT replayed_at IS NULL AS open FROM dead_letters WHERE id = ${id} FOR UPDATE`
  ])
    .pipe(
      Effect.flatMap(([, result]) => decodeStates(result)),
      Effect.ensuring(rollback(lane)),
      Effect.retry({ while: ({ code }) => code === lockWaitTimeout, schedule: Schedule.recurs(15) }),
      Effect.map(([letter]) => {
        if (letter === undefined) return ReplayOutcome.NotOpen()
        return letter.open === 0 ? ReplayOutcome.Replayed() : ReplayOutcome.RolledBack({ error: neverCommitted })
      })
    )

const neverCommitted = new WriteError({ class: "retriable", code: 2013, what: "the connection was lost during COMMIT" })

/**
 * @param fresh opens a connection for every use: one from before the trouble may lead to a server that is no longer the
 * primary
 */
export const replay = (config: MysqlConfig, lanes: LanePool, fresh: LanePool, packetBytesMax: number) =>
(
  request: ReplayRequest
): Effect.Effect<ReplayOutcome, DestinationError> =>
  Effect.uninterruptible(
    Effect.gen(function*() {
      const outcome = yield* lanes.use((lane) => transaction(lane, config, request, packetBytesMax))
      return outcome ?? (yield* fresh.use((lane) => look(lane, request.letter.id)))
    })
  ).pipe(Effect.mapError(destinationError(config, `replaying dead letter ${request.letter.id}`)))

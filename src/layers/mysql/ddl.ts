import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { CatalogTable } from "../../domain/sql/CatalogTable.js"
import type { DdlStep } from "../../domain/sql/evolution/Evolution.js"
import { cureOf } from "../../domain/MysqlCures.js"
import type { OnStep } from "../Catalog.js"
import { DestinationRefused } from "../Destination.js"
import { readTable } from "./catalog.js"
import { orByHand } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, runFresh, session } from "./session.js"

const decodeLock = rowsOf(Schema.Struct({ got: Schema.NullOr(Schema.Number) }))
const lockWaitS = 2

/** At most 64 characters, whatever the table is called. The lock is local to one server: a courtesy, not a guarantee. */
const lockName = (config: MysqlConfig, table: string): string =>
  `trb:${createHash("sha256").update(`${config.database}.${table}`).digest("hex").slice(0, 40)}`

const busy = (table: string): MysqlFailure => {
  const message = `another instance is creating or altering ${table}`
  return new MysqlFailure({ code: 1205, text: message, message, fatal: false })
}

/** Short waits with pauses between them: a waiting ALTER stops every writer of the table until it has its turn. */
const untilTimeout = (config: MysqlConfig) =>
  Schedule.exponential("100 millis").pipe(
    Schedule.union(Schedule.spaced("2 seconds")),
    Schedule.jittered,
    Schedule.upTo(config.ddlLockTimeoutMs)
  )

const isLockWait = (failure: MysqlFailure | DestinationRefused): boolean =>
  failure._tag === "MysqlFailure" && failure.code === 1205

/** One instance at a time, so that the others read the catalog instead of failing on what the first has done. */
const withLock = <A>(
  lane: Lane,
  config: MysqlConfig,
  table: string,
  body: Effect.Effect<A, MysqlFailure | DestinationRefused>
): Effect.Effect<A, MysqlFailure | DestinationRefused> => {
  const name = lockName(config, table)
  const take = Effect.gen(function*() {
    const [result] = yield* runFresh(lane, [`SELECT GET_LOCK('${name}', ${lockWaitS}) AS got`])
    const [row] = yield* decodeLock(result)
    if (row?.got !== 1) return yield* busy(table)
  })
  const giveBack = Effect.catchAll(lane.run(`DO RELEASE_LOCK('${name}')`), () => lane.destroy)
  return Effect.acquireUseRelease(
    Effect.interruptible(Effect.retry(take, { while: isLockWait, schedule: untilTimeout(config) })),
    () => Effect.retry(body, { while: isLockWait, schedule: untilTimeout(config) }),
    () => giveBack
  )
}

/** Table exists, column exists, column does not exist: somebody else was faster. */
const alreadyDone = new Set([1050, 1060, 1091])
/** The algorithm is not supported; there were too many changes of this kind (the 64th, or the 255th, INSTANT one). */
const otherAlgorithm = new Set([1845, 1846, 4092])
const roundsMax = 3
const tableDenied = 1142

/** An ALTER that only changes the catalog has the server's ordinary deadline; one that writes rows ends some day. */
const rebuildTimeoutMs = 24 * 3_600_000
/** Longer than for the others: what has been copied for hours is lost if its last moment has to wait too long. */
const rebuildLockWaitS = 10

const plainStep = (sql: string): DdlStep => ({ kind: "create", sql, fallbacks: [], why: [], cost: "instant" })

const refusesAlgorithm = (failure: MysqlFailure): boolean => otherAlgorithm.has(failure.code)

const runStep = (lane: Lane, config: MysqlConfig, step: DdlStep) => {
  const writesRows = step.cost === "rebuild" || step.cost === "copy"
  const attempt = (sql: string, mayRebuild: boolean) =>
    mayRebuild
      ? lane.run([session({ metadataLockWaitS: rebuildLockWaitS }), sql].join(";\n"), rebuildTimeoutMs)
      : runFresh(lane, [sql], { metadataLockWaitS: lockWaitS })
  const first: Effect.Effect<unknown, MysqlFailure> = attempt(step.sql, writesRows)
  const one = step.fallbacks.reduce(
    (before, sql) => Effect.catchIf(before, refusesAlgorithm, () => attempt(sql, true)),
    first
  )
  return one.pipe(
    Effect.asVoid,
    Effect.catchIf((failure) => alreadyDone.has(failure.code), () => Effect.void),
    Effect.mapError((failure) =>
      refusesAlgorithm(failure)
        ? new DestinationRefused({
          what: `the server would have to write the whole table anew for: ${[step.sql, ...step.fallbacks].at(-1)}`,
          cure: `set schema.evolution.allow.copy=true, or run it without ALGORITHM when it suits: ${step.sql};`,
          kind: "configuration",
          code: failure.code
        })
        : orByHand(config, failure, `or let somebody else run: ${step.sql}`)
    )
  )
}

/**
 * Brings a table to what it should be. Answers whether it was this call that did.
 * @param decide the steps that are still needed, in order; sees the catalog as it is at that moment
 */
export const ensureSteps = (
  lane: Lane,
  config: MysqlConfig,
  table: string,
  decide: (
    found: CatalogTable | undefined
  ) => Effect.Effect<ReadonlyArray<DdlStep>, MysqlFailure | DestinationRefused>,
  onStep: OnStep
): Effect.Effect<boolean, MysqlFailure | DestinationRefused> => {
  const hidden = new DestinationRefused({
    what:
      `table ${table} of database ${config.database} is there, but user ${config.username} cannot see what is in it`,
    cure: cureOf(tableDenied, "", config),
    kind: "credentials",
    code: tableDenied
  })
  // The catalog shows an account the columns that it may use, and no table at all where there is none of these.
  const look = Effect.flatMap(
    readTable(lane, table),
    (found) => found?.columns.length === 0 ? Effect.fail(hidden) : decide(found)
  )
  const alter = Effect.gen(function*() {
    const steps = yield* look
    for (const step of steps) {
      yield* onStep("begin", step)
      yield* runStep(lane, config, step)
      yield* onStep("done", step)
    }
    return steps.length > 0
  })
  const round = (left: number): Effect.Effect<boolean, MysqlFailure | DestinationRefused> =>
    Effect.gen(function*() {
      if ((yield* look).length === 0) return false
      if (left === 0) return yield* hidden
      const altered = yield* withLock(lane, config, table, alter)
      return (yield* round(left - 1)) || altered
    })
  return round(roundsMax)
}

/** The same for a table that one statement at a time brings there. */
export const ensure = (
  lane: Lane,
  config: MysqlConfig,
  table: string,
  decide: (found: CatalogTable | undefined) => Effect.Effect<string | undefined, MysqlFailure | DestinationRefused>
): Effect.Effect<boolean, MysqlFailure | DestinationRefused> =>
  ensureSteps(
    lane,
    config,
    table,
    (found) => Effect.map(decide(found), (sql) => sql === undefined ? [] : [plainStep(sql)]),
    () => Effect.void
  )

import type * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { openLibsql, SqliteFailure, sqliteFailure, turnEventLoop } from "./libsqlFile.js"

/** One statement on the connection that somebody has in hand. Parameters: text, and bigint for every number. */
export interface Session {
  readonly rows: (
    statement: string,
    parameters?: ReadonlyArray<string | bigint>
  ) => Effect.Effect<ReadonlyArray<unknown>, SqliteFailure>
  /** Answers how many rows the statement changed. */
  readonly change: (
    statement: string,
    parameters?: ReadonlyArray<string | bigint>
  ) => Effect.Effect<number, SqliteFailure>
}

export interface Connection {
  /** Runs `body` while nobody else in this process uses the connection, uninterruptibly: no statement waits for long. */
  readonly use: <A, E>(body: (session: Session) => Effect.Effect<A, E>) => Effect.Effect<A, E | SqliteFailure>
}

/**
 * SQLite's busy handler sleeps inside the driver, and with it the whole process, timers and signals included. So it
 * waits only as long as a writer's ordinary transaction; whoever needs to wait longer tries again later.
 */
const busyTimeoutMs = 50

/**
 * The connection to the file, opened when it is first used and again after an I/O error. `synchronous = FULL`: a commit
 * waits for the disk, since in WAL mode NORMAL may lose the last ones in a power cut.
 */
export const makeConnection = (file: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function*() {
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let opened: { readonly session: Session; readonly scope: Scope.CloseableScope } | undefined
    let broken = false
    const close = Effect.suspend(() => {
      const scope = opened?.scope
      opened = undefined
      broken = false
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
    const open = Effect.gen(function*() {
      if (opened !== undefined) return opened.session
      const scope = yield* Scope.make()
      const session = yield* openSession(file, (failure) => {
        broken ||= isBroken(failure)
      }).pipe(
        Scope.extend(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      opened = { session, scope }
      return session
    })
    yield* Effect.addFinalizer(() => oneAtATime.withPermits(1)(close))
    const use: Connection["use"] = (body) =>
      oneAtATime.withPermits(1)(Effect.uninterruptible(
        Effect.ensuring(Effect.flatMap(open, body), Effect.suspend(() => broken ? close : Effect.void))
      )).pipe(
        // After the permit is given back, not before: Effect's semaphore wakes who waits for it by a task, and a fiber
        // that goes on at once takes the permit again before that, for ever. As a finalizer it cannot be interrupted.
        Effect.ensuring(turnEventLoop)
      )
    return { use }
  })

/** A connection of its own with the settings that every connection needs. */
export const openSession = (
  file: string,
  onFailure: (failure: SqliteFailure) => void = () => {}
): Effect.Effect<Session, SqliteFailure, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.tryPromise({
      try: () => mkdir(dirname(file), { recursive: true }),
      catch: (cause) => new SqliteFailure({ code: 14, text: String(cause) })
    })
    const sql = yield* openLibsql(file).pipe(
      Effect.mapError((error) => new SqliteFailure({ code: 14, text: error.message }))
    )
    const session = sessionOf(sql, onFailure)
    for (const pragma of [`busy_timeout = ${busyTimeoutMs}`, "journal_mode = WAL", "synchronous = FULL"]) {
      yield* session.rows(`PRAGMA ${pragma}`)
    }
    return session
  })

/** Everything of `body`, or nothing. IMMEDIATE: the write lock is taken at the start, so that nothing later waits. */
export const transaction = <A, E>(session: Session, body: Effect.Effect<A, E>): Effect.Effect<A, E | SqliteFailure> =>
  session.change("BEGIN IMMEDIATE").pipe(
    Effect.zipRight(Effect.tapErrorCause(body, () => rollback(session))),
    Effect.tap(() => Effect.tapError(session.change("COMMIT"), () => rollback(session)))
  )

/** Answers whether a transaction was still open, which then has certainly changed nothing. */
export const rollback = (session: Session): Effect.Effect<boolean> =>
  Effect.match(session.change("ROLLBACK"), { onSuccess: () => true, onFailure: () => false })

const decodeResult = Schema.decodeUnknown(Schema.Struct({ rowsAffected: Schema.NonNegativeInt }))

const sessionOf = (sql: LibsqlClient.LibsqlClient, onFailure: (failure: SqliteFailure) => void): Session => {
  const failed = (error: SqlError) => {
    const failure = sqliteFailure(error)
    onFailure(failure)
    return failure
  }
  return {
    rows: (statement, parameters = []) => Effect.mapError(sql.unsafe(statement, parameters), failed),
    change: (statement, parameters = []) =>
      Effect.mapError(sql.unsafe(statement, parameters).raw, failed).pipe(
        Effect.flatMap((result) => Effect.orDie(decodeResult(result))), // a driver that breaks its contract is a defect
        Effect.map(({ rowsAffected }) => rowsAffected)
      )
  }
}

/**
 * I/O error, cannot open, damaged, no database: nothing that the connection remembers of the file can be trusted. And
 * busy: the driver does not reset a statement that found the file busy, so that a later COMMIT on the same connection
 * fails with "SQL statements in progress".
 */
const isBroken = ({ code }: SqliteFailure): boolean => [5, 10, 11, 14, 26].includes(code & 0xff)

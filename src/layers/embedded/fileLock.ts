/**
 * A lock between processes that the operating system takes back when its holder dies, whatever kills it.
 *
 * Node has no flock and no fcntl, and a file made with O_EXCL survives `kill -9`, so that somebody must guess whether
 * its holder lives. SQLite does hold fcntl locks: a write transaction on an empty database file is such a lock,
 * keeps nothing on disk, and ends with the process. A stopped (SIGSTOP) holder keeps it, as it should: it may go on.
 *
 * Two traps of fcntl locks. They belong to the process: closing *any* descriptor of the file drops them, so nothing
 * else in this process may ever open a lock file; what is worth reading stands in a file beside it. And children do not
 * inherit them, so a spawned helper never keeps a dead parent's lock alive. The file must lie on a local disk: network
 * file systems lock as they please.
 */
import type * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { openLibsql, sqliteFailure } from "./libsqlFile.js"

/** Another process, or another scope of this one, holds the lock. */
export class FileLocked extends Data.TaggedError("FileLocked")<{ readonly file: string }> {
  override get message(): string {
    return `${this.file} is locked`
  }
}

/** The lock file cannot be used: the folder is missing, read-only, or the file is something else. */
export class FileLockFailed
  extends Data.TaggedError("FileLockFailed")<{ readonly file: string; readonly what: string }>
{
  override get message(): string {
    return `cannot lock ${this.file}: ${this.what}`
  }
}

/** Takes the lock on `file` (created where missing) until the scope closes. Never waits. */
export const tryLock = (file: string): Effect.Effect<void, FileLocked | FileLockFailed, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sql = yield* openLock(file).pipe(
        Effect.tap((opened) => begin(opened, file)),
        Scope.extend(scope),
        // A lock that is not free must not keep its connection until the caller's scope closes.
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      held.add(sql)
      return { scope, sql }
    }),
    ({ scope, sql }) =>
      // ROLLBACK, because closing is not enough: a statement that is not yet collected keeps the connection.
      Effect.orDie(sql.unsafe("ROLLBACK")).pipe(
        Effect.zipRight(Effect.sync(() => held.delete(sql))),
        Effect.zipRight(Scope.close(scope, Exit.void))
      )
  ))

/** A lock that is taken and given back often, on one connection: runs `effect` while holding it. Never waits. */
export interface ReusableLock {
  readonly whileHeld: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | FileLocked | FileLockFailed, R>
}

export const makeReusableLock = (file: string): Effect.Effect<ReusableLock, FileLockFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const sql = yield* openLock(file)
    // One transaction at a time on the connection: two fibers of one process would share it, and so the lock.
    const oneAtATime = yield* Effect.makeSemaphore(1)
    const whileHeld = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      oneAtATime.withPermits(1)(
        Effect.acquireUseRelease(begin(sql, file), () => effect, () =>
          // ROLLBACK of a transaction without a write only releases the lock; should it fail, so did the connection.
          Effect.orDie(sql.unsafe("ROLLBACK")))
      )
    return { whileHeld }
  })

/**
 * IMMEDIATE, not EXCLUSIVE: the driver does not reset a statement that found the database busy, so a connection that
 * has waited keeps a shared lock until the statement is collected. Such a lock stops an EXCLUSIVE transaction of anybody
 * else, for ever where both have waited; an IMMEDIATE one only minds another of its kind.
 */
const beginStatement = "BEGIN IMMEDIATE"

/**
 * Keeps every held lock reachable. A scope that nothing refers to any more (the fiber that owns it waits for something
 * that is itself garbage) would be collected together with its connection, and the lock with it.
 */
const held = new Set<LibsqlClient.LibsqlClient>()

const openLock = (file: string): Effect.Effect<LibsqlClient.LibsqlClient, FileLockFailed, Scope.Scope> =>
  openLibsql(file).pipe(Effect.mapError((error) => new FileLockFailed({ file, what: error.message })))

const begin = (sql: LibsqlClient.LibsqlClient, file: string): Effect.Effect<void, FileLocked | FileLockFailed> =>
  sql.unsafe(beginStatement).pipe(
    Effect.asVoid,
    Effect.mapError((error) => {
      const { code, text } = sqliteFailure(error)
      // SQLITE_BUSY (5) and its extended codes: recovery and snapshot.
      return (code & 0xff) === 5 ? new FileLocked({ file }) : new FileLockFailed({ file, what: text })
    })
  )

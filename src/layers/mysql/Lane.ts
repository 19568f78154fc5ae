import * as Reactivity from "@effect/experimental/Reactivity"
import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import { unsafeElapsedMillis } from "../elapsed.js"
import { fromSqlError, lost, type MysqlFailure } from "./MysqlFailure.js"
import type { MysqlOptions } from "./MysqlConfig.js"

/**
 * One connection, from its socket up. mysql2's pool is kept at one connection, because its sockets cannot be reached
 * from outside: one that leads nowhere (no RST, no FIN) blocks its slot for ever, and the pool's end with it.
 */
export interface Lane {
  /**
   * Sends one text, which may hold several statements, and returns what mysql2 makes of the answer: the rows of a single
   * query, or one entry for each of several statements. The socket is destroyed after a failure that is `fatal`, and
   * when the call is interrupted.
   * @param deadlineMs how long the whole answer may take; `cutIfLate` sees to it
   */
  readonly run: (text: string, deadlineMs?: number) => Effect.Effect<ReadonlyArray<unknown>, MysqlFailure>
  /** Cuts the connection if the answer to what was sent is overdue; the call that waits for it fails. */
  readonly cutIfLate: (nowMs: number) => Effect.Effect<void>
  /** False once its socket is closed, by whichever side. */
  readonly isOpen: () => boolean
  /** Cuts the connection, whatever is under way on it. The server rolls back when it notices. */
  readonly destroy: Effect.Effect<void>
  /** Says goodbye to the server, and does not wait for an answer. */
  readonly close: Effect.Effect<void>
}

/** Sockets of our own making, for `poolConfig.stream`, which mysql2 calls once per connection. */
const makeSockets = (config: MysqlOptions) => {
  const sockets = new Set<Net.Socket>()
  return {
    connect: (): Net.Socket => {
      // The host is looked up for every connection: after a fail-over its name may lead to another server.
      const socket = Net.connect({ host: config.host, port: config.port, noDelay: true, keepAlive: true })
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
      return socket
    },
    isOpen: (): boolean => [...sockets].some((socket) => !socket.destroyed && !socket.readableEnded),
    destroy: Effect.sync(() => sockets.forEach((socket) => socket.destroy())),
    // What is written (COM_QUIT) is sent first; then the socket goes, also where nobody reads at the other end.
    end: Effect.sync(() => sockets.forEach((socket) => socket.destroySoon()))
  }
}

/** Connects, and answers once the server has answered a first query. */
export const open = (config: MysqlOptions): Effect.Effect<Lane, MysqlFailure> =>
  Effect.uninterruptible(Effect.gen(function*() {
    const sockets = makeSockets(config)
    const scope = yield* Scope.make()
    const client = MysqlClient.make({
      // Fields, not a URL: with `url` the client drops poolConfig.
      host: config.host,
      port: config.port,
      database: config.database,
      username: config.username,
      password: config.password,
      maxConnections: 1,
      poolConfig: {
        stream: sockets.connect,
        connectTimeout: config.connectTimeoutMs,
        // Not below maxConnections: else mysql2 starts a timer that outlives a client whose first query failed.
        maxIdle: 1,
        charset: "utf8mb4",
        timezone: "Z"
      }
    })
    const connected = client.pipe(
      // Held as long as the lane lives: no other connection can take its place between two statements.
      Effect.flatMap((sql) => sql.reserve),
      Effect.mapError((error: SqlError) => fromSqlError(error)),
      Scope.extend(scope),
      Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make)
    )
    // mysql2's own time-out covers connect and handshake only, and the client is uninterruptible while it waits for the
    // first answer: cutting the socket is what ends that. Forked in a scope of its own: children of a fiber that is
    // interrupted are told at once, also from within an uninterruptible region, and nobody would watch any more.
    const watch = Effect.zipRight(Effect.sleep(config.connectTimeoutMs), sockets.destroy)
    const watching = yield* Effect.forkIn(Effect.interruptible(watch), scope)
    const exit = yield* Effect.exit(connected)
    yield* Fiber.interrupt(watching)
    const close = Effect.zipRight(Scope.close(scope, Exit.void), sockets.end)
    if (Exit.isFailure(exit)) {
      yield* close
      return yield* Effect.failCause(exit.cause)
    }
    return { ...makeRun(exit.value, config, sockets.destroy), isOpen: sockets.isOpen, destroy: sockets.destroy, close }
  }))

/** Sends texts and remembers until when the answer to the one under way has time. */
export const makeRun = (
  connection: Pick<Connection, "executeUnprepared">,
  config: Pick<MysqlOptions, "statementTimeoutMs">,
  cut: Effect.Effect<void>
): Pick<Lane, "run" | "cutIfLate"> => {
  let dueMs = Number.POSITIVE_INFINITY
  let isLate = false
  const run: Lane["run"] = (text, deadlineMs = config.statementTimeoutMs) =>
    Effect.clockWith((clock) => {
      dueMs = unsafeElapsedMillis(clock) + deadlineMs
      return connection.executeUnprepared(text, [], undefined).pipe(
        Effect.mapError((error) => isLate ? lost(`no answer within ${deadlineMs} ms`) : fromSqlError(error)),
        Effect.onExit((exit) => {
          dueMs = Number.POSITIVE_INFINITY
          const mayGoOn = Exit.isSuccess(exit) || (exit.cause._tag === "Fail" && !exit.cause.error.fatal)
          // A statement cannot be cancelled: one that nobody waits for any more takes the connection with it.
          return mayGoOn ? Effect.void : cut
        })
      )
    })
  const cutIfLate = (nowMs: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (nowMs < dueMs) return Effect.void
      isLate = true
      return cut
    })
  return { run, cutIfLate }
}

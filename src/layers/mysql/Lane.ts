import * as Reactivity from "@effect/experimental/Reactivity"
import * as MysqlClient from "@effect/sql-mysql2/MysqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Net from "node:net"
import { fromSqlError, lost, type MysqlFailure } from "./MysqlFailure.js"
import type { MysqlConfig } from "./MysqlConfig.js"

/**
 * One connection, from its socket up. mysql2's pool is kept at one connection, because its sockets cannot be reached
 * from outside: one that leads nowhere (no RST, no FIN) blocks its slot for ever, and the pool's end with it.
 */
export interface Lane {
  /**
   * Sends one text, which may hold several statements, and returns what mysql2 makes of the answer: the rows of a single
   * query, or one entry for each of several statements. After `deadlineMs` without the whole answer the socket is
   * destroyed and the call fails; so it is after a failure that is `fatal`.
   */
  readonly run: (text: string, deadlineMs?: number) => Effect.Effect<ReadonlyArray<unknown>, MysqlFailure>
  /** False once its socket is closed, by whichever side. */
  readonly isOpen: () => boolean
  /** Cuts the connection, whatever is under way on it. The server rolls back when it notices. */
  readonly destroy: Effect.Effect<void>
  /** Says goodbye to the server, and does not wait for an answer. */
  readonly close: Effect.Effect<void>
}

/** Sockets of our own making, for `poolConfig.stream`, which mysql2 calls once per connection. */
const makeSockets = (config: MysqlConfig) => {
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
export const open = (config: MysqlConfig): Effect.Effect<Lane, MysqlFailure> =>
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
    // first answer: cutting the socket is what ends that.
    const watch = Effect.zipRight(Effect.sleep(config.connectTimeoutMs), sockets.destroy)
    const watching = yield* Effect.forkIn(Effect.interruptible(watch), scope)
    const exit = yield* Effect.exit(connected)
    yield* Fiber.interrupt(watching)
    const close = Effect.zipRight(Scope.close(scope, Exit.void), sockets.end)
    if (Exit.isFailure(exit)) {
      yield* close
      return yield* Effect.failCause(exit.cause)
    }
    const connection = exit.value
    const run: Lane["run"] = (text, deadlineMs = config.statementTimeoutMs) => {
      const answer = connection.executeUnprepared(text, [], undefined).pipe(
        Effect.mapError(fromSqlError),
        Effect.tapError((failure) => failure.fatal ? sockets.destroy : Effect.void)
      )
      const late = Effect.flatMap(
        Effect.zipRight(Effect.sleep(deadlineMs), sockets.destroy),
        () => lost(`no answer within ${deadlineMs} ms`)
      )
      // In the lane's scope, not as children of the caller: a fiber that is interrupted passes that on to its children
      // at once, also from inside an uninterruptible region, and both COMMIT and its deadline would end as interrupted.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          Effect.forkIn(Effect.interruptible(Effect.raceFirst(answer, late)), scope),
          (running) =>
            // A statement cannot be cancelled. One that nobody waits for any more takes the connection with it.
            Effect.onInterrupt(
              restore(Fiber.join(running)),
              () => Effect.zipRight(sockets.destroy, Fiber.interruptFork(running))
            )
        )
      )
    }
    return { run, isOpen: sockets.isOpen, destroy: sockets.destroy, close }
  }))

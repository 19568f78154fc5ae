/** One connection to a libSQL (SQLite) file, and the turn of the event loop that its users owe to everybody else. */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { pathToFileURL } from "node:url"

export class LibsqlOpenFailed
  extends Data.TaggedError("LibsqlOpenFailed")<{ readonly file: string; readonly cause: unknown }>
{
  override get message(): string {
    return `cannot open ${this.file}: ${describe(this.cause)}`
  }
}

/**
 * A connection with 64-bit integers as bigint.
 *
 * Never call `withTransaction` on it: the driver hands its connection over to the transaction and opens a new one for
 * what follows, without the PRAGMAs, and never closes the old one. Say BEGIN and COMMIT, under a semaphore.
 * It runs one statement per call and drops what follows the first `;` without a word.
 */
export const openLibsql = (
  file: string
): Effect.Effect<LibsqlClient.LibsqlClient, LibsqlOpenFailed, Scope.Scope> =>
  LibsqlClient.make({ url: pathToFileURL(file).href, intMode: "bigint" }).pipe(
    Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make),
    // The driver opens the file while the client is built and throws; @effect/sql-libsql lets that die.
    Effect.catchAllDefect((cause) => new LibsqlOpenFailed({ file, cause }))
  )

/** What SQLite said. `code` is its extended result code, 0 where the error did not come from SQLite. */
export class SqliteFailure extends Data.TaggedError("SqliteFailure")<{ readonly code: number; readonly text: string }> {
  override get message(): string {
    return `${this.text} (${this.code})`
  }
}

export const sqliteFailure = (error: SqlError): SqliteFailure =>
  Either.match(decodeCause(error.cause), {
    onLeft: () => new SqliteFailure({ code: 0, text: describe(error.cause) }),
    onRight: ({ message, rawCode }) =>
      // The driver puts the name of the code before the text, twice where it does not know the code.
      new SqliteFailure({ code: rawCode, text: message.replace(/^(?:[A-Z_0-9]+: )+/, "") })
  })

/**
 * Lets timers, sockets and signals have their turn. The driver is synchronous and its promises settle in microtasks, so
 * a loop of transactions never lets the event loop turn: `Effect.yieldNow` does not help, a macrotask does.
 */
export const turnEventLoop: Effect.Effect<void> = Effect.async((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

const decodeCause = Schema.decodeUnknownEither(Schema.Struct({ message: Schema.String, rawCode: Schema.Int }))

const describe = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

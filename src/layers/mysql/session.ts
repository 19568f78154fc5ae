import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Lane } from "./Lane.js"
import { type MysqlFailure } from "./MysqlFailure.js"

export interface SessionOptions {
  /** Longest wait for a row's lock. */
  readonly lockWaitS?: number
  /** Longest wait for a table's metadata lock; MySQL's default is a year. */
  readonly metadataLockWaitS?: number
  readonly isolation?: "READ COMMITTED" | "REPEATABLE READ"
}

/**
 * Puts a connection in a known state. It leads every text of ours that begins something, not only the first on a
 * connection: the driver has no hook for a new connection, and a proxy may hand us another one between transactions.
 *
 * ROLLBACK comes first because START TRANSACTION commits what is open: a compare-and-set left behind by an error would
 * move the offset without its rows. Every path here ends its own transaction; this makes the rule local.
 * `sql_notes`, because a value that was rounded is only a note. The character sets, because a server may be told to
 * ignore what the handshake says. The isolation by a statement of its own: MariaDB knows no `transaction_isolation`
 * before 11.1, and MySQL no `tx_isolation` any more.
 */
export const session = (
  { isolation = "READ COMMITTED", lockWaitS = 5, metadataLockWaitS = 10 }: SessionOptions = {}
): string =>
  "ROLLBACK; SET SESSION autocommit=1, sql_mode='TRADITIONAL', sql_notes=1, time_zone='+00:00'"
  + `, lock_wait_timeout=${metadataLockWaitS}, innodb_lock_wait_timeout=${lockWaitS}, wait_timeout=60`
  + ", character_set_client=utf8mb4, character_set_connection=utf8mb4, character_set_results=utf8mb4"
  + `; SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`
const sessionStatements = 3

/** A string literal that ends where it should, whatever sql_mode says of back-slashes. */
export const text = (value: string): string =>
  /^[\w.:-]*$/u.test(value) ? `'${value}'` : `_utf8mb4 x'${Buffer.from(value, "utf8").toString("hex")}'`

/** The decoded value. An answer of another shape is a bug here or in the driver: a defect. */
const decoded = <A>(result: Either.Either<A, ParseError>): Effect.Effect<A> =>
  Either.match(result, { onLeft: Effect.die, onRight: Effect.succeed })

const decodeHeader = Schema.decodeUnknownEither(Schema.Struct({ affectedRows: Schema.NonNegativeInt }))

/** Rows that a statement changed or, with the flags that mysql2 sets, found. */
export const affectedRows = (result: unknown): Effect.Effect<number> =>
  decoded(Either.map(decodeHeader(result), (header) => header.affectedRows))

/** Rows of a query. */
export const rowsOf = <A, I>(row: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(Schema.Array(row))
  return (result: unknown): Effect.Effect<ReadonlyArray<A>> => decoded(decode(result))
}

/** The results of `count` statements sent after `session()` in one text: one round trip instead of `count`. */
export const runFresh = (
  lane: Lane,
  statements: ReadonlyArray<string>,
  options?: SessionOptions
): Effect.Effect<ReadonlyArray<unknown>, MysqlFailure> =>
  lane.run([session(options), ...statements].join(";\n")).pipe(
    Effect.map((results) => results.slice(sessionStatements)),
    Effect.filterOrDieMessage(
      (results) => results.length === statements.length,
      "the server answered another number of statements than it was sent"
    )
  )

/** Ends what is open; a connection that cannot say so in time is cut, which ends it as well. */
export const rollback = (lane: Lane): Effect.Effect<void> => Effect.catchAll(lane.run("ROLLBACK"), () => lane.destroy)

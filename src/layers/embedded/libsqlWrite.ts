import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { classifySqlite } from "../../domain/sqliteErrors.js"
import { WriteError, WriteOutcome, type WriteRequest } from "../Destination.js"
import { type Connection, rollback, type Session } from "./libsqlConnection.js"
import { letterStatement } from "./libsqlDeadLetters.js"
import { writeError } from "./libsqlErrors.js"
import type { SqliteFailure } from "./libsqlFile.js"
import { keyOf, whereKey } from "./libsqlOffsets.js"

/**
 * One transaction, compare-and-set first: the UPDATE finds the row only while generation and owner are ours and the
 * offset is where this batch starts. The rows come after it, so that a fenced owner writes none.
 */
export const write = (connection: Connection, file: string, request: WriteRequest): Effect.Effect<WriteOutcome> =>
  connection.use((session) => inTransaction(session, file, request)).pipe(
    // The connection could not even be opened.
    Effect.catchAll((failure) => Effect.succeed(WriteOutcome.RolledBack({ error: writeError(file, failure) })))
  )

const inTransaction = Effect.fnUntraced(function*(session: Session, file: string, request: WriteRequest) {
  const { claim, expected, next } = request
  // Fails where another process writes; nothing has begun then.
  yield* session.change("BEGIN IMMEDIATE")
  const moved = yield* Effect.exit(session.change(
    `UPDATE kafka_offsets SET "offset" = ? WHERE ${whereKey} AND "offset" = ? AND EXISTS (`
      + `SELECT 1 FROM kafka_claims WHERE ${whereKey} AND generation = ? AND owner = ?)`,
    [next, ...keyOf(claim), expected, ...keyOf(claim), claim.generation, claim.owner]
  ))
  if (Exit.isFailure(moved) || moved.value !== 1) {
    yield* rollback(session)
    return Exit.isFailure(moved) ? yield* Effect.failCause(moved.cause) : WriteOutcome.Fenced()
  }
  for (const statement of request.statements) {
    const written = yield* Effect.either(session.change(statement))
    if (written._tag === "Left") {
      yield* rollback(session)
      return WriteOutcome.RolledBack({ error: writeError(file, written.left, statement) })
    }
  }
  for (const letter of request.letters) {
    const written = yield* Effect.either(session.change(letterStatement(letter)))
    if (written._tag === "Left") {
      yield* rollback(session)
      return WriteOutcome.RolledBack({ error: letterError(file, written.left) })
    }
  }
  const committed = yield* Effect.either(session.change("COMMIT"))
  if (committed._tag === "Right") return WriteOutcome.Committed()
  const error = writeError(file, committed.left)
  // A transaction that can still be rolled back was not committed. Where none is open any more, SQLite has ended it by
  // itself, one way or the other.
  return (yield* rollback(session)) ? WriteOutcome.RolledBack({ error }) : WriteOutcome.Unknown({ error })
})

/** A letter that cannot be stored says that the table of letters is wrong, never that the letter is. */
const letterError = (file: string, failure: SqliteFailure): WriteError => {
  const errorClass = classifySqlite(failure.code, failure.text)
  const heals = errorClass === "retriable" || errorClass === "reconnect"
  return new WriteError({
    class: heals ? errorClass : "setup",
    code: failure.code,
    what: `writing dead letters to ${file} failed: ${failure.message}`,
    ...(heals ? {} : { cure: lettersCure })
  })
}
const lettersCure = "rename table dead_letters: it is made afresh at the next start"

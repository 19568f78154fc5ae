import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { RecordError } from "../../domain/DeadLetter.js"
import { DeadLetters, ReplayOutcome, type ReplayRequest } from "../DeadLetters.js"
import type { DestinationRefused } from "../Destination.js"
import { standing } from "../letterRow.js"
import { type Connection, makeConnection, rollback, type Session } from "./libsqlConnection.js"
import { destinationError, isBusy, untilFree, writeError } from "./libsqlErrors.js"
import type { SqliteFailure } from "./libsqlFile.js"
import { hasLetters, readCount, readLetter, readOrigin, readSummaries } from "./libsqlLetterRows.js"
import { letterSql } from "./libsqlDeadLetters.js"

/** `dead_letters` of a libSQL file. */
export const layer = (file: string): Layer.Layer<DeadLetters> =>
  Layer.scoped(DeadLetters, Effect.map(makeConnection(file), (connection) => make(file, connection)))

const make = (file: string, connection: Connection) => {
  type Failure = SqliteFailure | DestinationRefused
  const control = <A>(doing: string, body: (session: Session) => Effect.Effect<A, Failure>) =>
    connection.use(body).pipe(
      Effect.retry({ while: isBusy, schedule: untilFree }),
      Effect.catchTag("SqliteFailure", (failure) => Effect.fail(destinationError(doing, file, failure)))
    )
  /** `missing` is the answer where nobody has prepared this file yet. */
  const ask = <A>(doing: string, missing: A, body: (session: Session) => Effect.Effect<A, Failure>) =>
    control(
      doing,
      (session) => Effect.flatMap(hasLetters(session), (known) => known ? body(session) : Effect.succeed(missing))
    )
  return DeadLetters.of({
    count: (filter) =>
      ask(
        "counting dead letters",
        { letters: 0, last: 0n },
        (session) => Effect.flatMap(session.rows(letterSql.count(filter)), readCount)
      ),
    page: (filter, page) =>
      ask(
        "reading dead letters",
        [],
        (session) => Effect.flatMap(session.rows(letterSql.page(filter, page)), readSummaries)
      ),
    get: (id) =>
      ask(
        `reading dead letter ${id}`,
        undefined,
        (session) => Effect.flatMap(session.rows(letterSql.letter(id)), readLetter)
      ),
    replay: (request) =>
      control(`replaying dead letter ${request.letter.id}`, (session) => replay(session, file, request)),
    refused: (id, error: RecordError) =>
      ask(
        `storing why dead letter ${id} has failed`,
        undefined,
        (session) => Effect.asVoid(session.change(letterSql.refusal(id, error)))
      ),
    discard: (ids) =>
      ids.length === 0 ?
        Effect.succeed(0) :
        ask("discarding dead letters", 0, (session) => session.change(letterSql.discard(ids)))
  })
}

/** What the row of the record's key means for its replay; undefined: nothing stands in the way. */
const standingRow = (session: Session, { letter, row }: ReplayRequest) =>
  row === undefined ? Effect.succeed(undefined) : session.rows(letterSql.origin(row)).pipe(
    Effect.flatMap(readOrigin),
    Effect.map((origin) => standing(origin, letter)),
    Effect.catchIf(({ text }) => /no such column/u.test(text), () => Effect.succeed(ReplayOutcome.NoOrigin()))
  )

/** Under the file's write lock, so that of two replays the second finds the letter marked. */
const replay = (
  session: Session,
  file: string,
  request: ReplayRequest
): Effect.Effect<ReplayOutcome, SqliteFailure> =>
  Effect.gen(function*() {
    yield* session.change("BEGIN IMMEDIATE")
    const marked = yield* session.change(
      "UPDATE dead_letters SET replayed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = ? AND replayed_at IS NULL",
      [request.letter.id]
    )
    const stands = marked === 1 ? yield* standingRow(session, request) : ReplayOutcome.NotOpen()
    if (stands !== undefined && stands._tag !== "AlreadyThere") return stands
    for (const statement of stands === undefined ? request.statements : []) {
      const written = yield* Effect.either(session.change(statement))
      if (written._tag === "Right") continue
      const error = writeError(file, written.left, statement)
      if (error.class !== "already-there") return ReplayOutcome.RolledBack({ error })
      // The statement alone has failed; the mark stays.
      yield* session.change("COMMIT")
      return ReplayOutcome.AlreadyThere()
    }
    yield* session.change("COMMIT")
    return stands ?? ReplayOutcome.Replayed()
    // Where all is committed there is nothing left to roll back.
  }).pipe(Effect.ensuring(rollback(session)))

import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { RecordError } from "../../domain/DeadLetter.js"
import { classifySqlite } from "../../domain/sqliteErrors.js"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { keyColumnNames } from "../../domain/sql/TablePlan.js"
import { DeadLetters, ReplayOutcome, type ReplayRequest } from "../DeadLetters.js"
import { type DestinationError, DestinationRefused, DestinationUnavailable, WriteError } from "../Destination.js"
import { type Connection, makeConnection, rollback, type Session } from "./libsqlConnection.js"
import type { SqliteFailure } from "./libsqlFile.js"
import {
  countQuery,
  hasLetters,
  letterQuery,
  pageQuery,
  readCount,
  readLetter,
  readSummaries
} from "./libsqlLetterRows.js"
import { refusal } from "./libsqlDeadLetters.js"
import { rowsOf } from "./libsqlRows.js"

export interface LibsqlLettersOptions {
  readonly file: string
  readonly dialect: Dialect
}

/** `dead_letters` of a libSQL file. */
export const layer = (options: LibsqlLettersOptions): Layer.Layer<DeadLetters> =>
  Layer.scoped(DeadLetters, Effect.map(makeConnection(options.file), (connection) => make(options, connection)))

const make = ({ dialect, file }: LibsqlLettersOptions, connection: Connection) => {
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
        (session) => Effect.flatMap(session.rows(countQuery(filter)), readCount)
      ),
    page: (filter, page) =>
      ask(
        "reading dead letters",
        [],
        (session) => Effect.flatMap(session.rows(pageQuery(filter, page)), readSummaries)
      ),
    get: (id) =>
      ask(
        `reading dead letter ${id}`,
        undefined,
        (session) => Effect.flatMap(session.rows(letterQuery(id)), readLetter)
      ),
    replay: (request) =>
      control(`replaying dead letter ${request.letter.id}`, (session) => replay(session, dialect, file, request)),
    refused: (id, error: RecordError) =>
      ask(
        `storing why dead letter ${id} has failed`,
        undefined,
        (session) => Effect.asVoid(session.change(refusal(id, error)))
      ),
    discard: (ids) =>
      ids.length === 0 ?
        Effect.succeed(0) :
        ask("discarding dead letters", 0, (session) =>
          session.change(`DELETE FROM dead_letters WHERE id IN (${ids.join(", ")})`))
  })
}

const decodeOrigins = rowsOf(
  Schema.Struct({ source: Schema.BigIntFromSelf, part: Schema.BigIntFromSelf, position: Schema.BigIntFromSelf })
)

const originQuery = (dialect: Dialect, { key, table }: NonNullable<ReplayRequest["row"]>): string => {
  const [source, part, position] = keyColumnNames
  // Without quotes: SQLite takes a quoted name that it does not know for a text.
  return `SELECT ${source} AS source, ${part} AS part, ${position} AS position FROM ${
    dialect.identifier(table)
  } WHERE ${key.map(([column, literal]) => `${dialect.identifier(column)} = ${literal}`).join(" AND ")}`
}

/** What the row of the record's key says of the record that has written it; undefined: nothing stands in the way. */
const standingRow = (session: Session, dialect: Dialect, { letter, row }: ReplayRequest) =>
  row === undefined ? Effect.succeed(undefined) : Effect.gen(function*() {
    const [origin] = yield* Effect.flatMap(session.rows(originQuery(dialect, row)), decodeOrigins)
    if (origin === undefined || Number(origin.source) !== letter.sourceId || Number(origin.part) !== letter.partition) {
      return undefined
    }
    if (origin.position === letter.offset) return ReplayOutcome.AlreadyThere()
    return origin.position > letter.offset ? ReplayOutcome.Overtaken({ offset: origin.position }) : undefined
  }).pipe(
    Effect.catchIf(({ text }) => /no such column/u.test(text), () => Effect.succeed(ReplayOutcome.NoOrigin()))
  )

/** Under the file's write lock, so that of two replays the second finds the letter marked. */
const replay = (
  session: Session,
  dialect: Dialect,
  file: string,
  request: ReplayRequest
): Effect.Effect<ReplayOutcome, SqliteFailure> =>
  Effect.gen(function*() {
    yield* session.change("BEGIN IMMEDIATE")
    const marked = yield* session.change(
      "UPDATE dead_letters SET replayed_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = ? AND replayed_at IS NULL",
      [request.letter.id]
    )
    const standing = marked === 1 ? yield* standingRow(session, dialect, request) : ReplayOutcome.NotOpen()
    if (standing !== undefined && standing._tag !== "AlreadyThere") return standing
    for (const statement of standing === undefined ? request.statements : []) {
      const written = yield* Effect.either(session.change(statement))
      if (written._tag === "Right") continue
      const error = writeError(file, written.left, statement)
      if (error.class !== "already-there") return ReplayOutcome.RolledBack({ error })
      // The statement alone has failed; the mark stays.
      yield* session.change("COMMIT")
      return ReplayOutcome.AlreadyThere()
    }
    yield* session.change("COMMIT")
    return standing ?? ReplayOutcome.Replayed()
    // Where all is committed there is nothing left to roll back.
  }).pipe(Effect.ensuring(rollback(session)))

const writeError = (file: string, failure: SqliteFailure, statement: string): WriteError =>
  new WriteError({
    class: classifySqlite(failure.code, failure.text, statement),
    code: failure.code,
    what: `writing to ${file} failed: ${failure.message}`,
    reason: failure.text
  })

/** A live writer's transaction is over by then. */
const untilFree = Schedule.spaced("50 millis").pipe(Schedule.jittered, Schedule.upTo("5 seconds"))

const isBusy = (error: SqliteFailure | DestinationRefused): boolean =>
  error._tag === "SqliteFailure" && (error.code & 0xff) === 5

const destinationError = (doing: string, file: string, failure: SqliteFailure): DestinationError => {
  const what = `${doing} failed on ${file}: ${failure.message}`
  const errorClass = classifySqlite(failure.code, failure.text)
  return errorClass === "retriable" || errorClass === "reconnect"
    ? new DestinationUnavailable({ what, code: failure.code, cause: failure })
    : new DestinationRefused({ what, cure: "check the path and the rights on it", kind: "configuration" })
}

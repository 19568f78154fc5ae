/**
 * `Destination` on a libSQL (SQLite) file: the same promises as on MySQL, for demonstration and tests. SQLite has one
 * writer at a time, so that BEGIN IMMEDIATE stands where MySQL locks the offset's row.
 *
 * `SELECT * FROM kafka_offsets` must print exactly four columns and SQLite has no invisible ones, so generation, owner
 * and source live in `kafka_claims`, under the same key and always changed in the same transaction.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { Destination, type DestinationError, type DestinationRefused } from "../Destination.js"
import { type Connection, makeConnection, openSession, type Session, transaction } from "./libsqlConnection.js"
import { letterOffsets } from "./libsqlDeadLetters.js"
import { destinationError, isBusy, untilFree } from "./libsqlErrors.js"
import type { SqliteFailure } from "./libsqlFile.js"
import { acquire, createOwnTables, resolve, storedOffsets } from "./libsqlOffsets.js"
import { source } from "./libsqlSources.js"
import { deletable, ensureTable, holdsRows, keyedTables, rowOffsets, snapshot } from "./libsqlTables.js"
import { write } from "./libsqlWrite.js"

export interface LibsqlDestinationOptions {
  /** Path of the database file; it and its folder are made where missing. */
  readonly file: string
  readonly dialect: Dialect
  /** Whether `ensureTable` creates what is missing. */
  readonly autoCreate: boolean
}

export const layer = (options: LibsqlDestinationOptions): Layer.Layer<Destination> =>
  Layer.scoped(Destination, Effect.map(makeConnection(options.file), (connection) => make(options, connection)))

const make = ({ autoCreate, dialect, file }: LibsqlDestinationOptions, connection: Connection) => {
  type Failure = SqliteFailure | DestinationRefused
  /** Waits for other processes that write, without holding the connection meanwhile. */
  const control = <A>(doing: string, effect: Effect.Effect<A, Failure>): Effect.Effect<A, DestinationError> =>
    effect.pipe(
      Effect.retry({ while: isBusy, schedule: untilFree }),
      Effect.catchTag("SqliteFailure", (failure) => Effect.fail(destinationError(doing, file, failure)))
    )
  const writing = <A>(doing: string, body: (session: Session) => Effect.Effect<A, Failure>) =>
    control(doing, connection.use((session) => transaction(session, body(session))))
  const reading = <A>(doing: string, body: (session: Session) => Effect.Effect<A, Failure>) =>
    control(doing, connection.use(body))

  return Destination.of({
    dialect: Effect.succeed(dialect),
    prepare: Effect.asVoid(writing("creating Tributary's own tables", createOwnTables)),
    source: (identity) => writing(`registering topic ${identity.topic}`, (session) => source(session, identity)),
    stored: (topic, group, partition) =>
      reading(`reading the offsets of ${topic}`, (session) => storedOffsets(session, topic, group, partition)),
    acquire: (request) =>
      writing(`acquiring ${request.topic}-${request.partition}`, (session) => acquire(session, request)),
    write: (request) => write(connection, file, request),
    // A connection of its own: the one in use may be what failed.
    resolve: (request) =>
      control(
        `resolving ${request.claim.topic}-${request.claim.partition}`,
        Effect.scoped(Effect.flatMap(openSession(file), (session) => transaction(session, resolve(session, request))))
      ),
    ensureTable: (plan, policy) =>
      writing(`preparing table ${plan.table}`, (session) => ensureTable(session, dialect, plan, policy, autoCreate)),
    keyedTables: reading("looking for tables", keyedTables),
    deletable: (plan) => reading(`looking for table ${plan.table}`, (session) => deletable(session, plan)),
    holdsRows: (table, sourceId, partition) =>
      reading(`reading table ${table}`, (session) => holdsRows(session, dialect, table, sourceId, partition)),
    snapshot: (wanted) => reading("reading offsets and rows", (session) => snapshot(session, dialect, wanted)),
    rowOffsets: (request) =>
      reading(`reading table ${request.table}`, (session) => rowOffsets(session, dialect, request)),
    letterOffsets: (request) => reading("reading dead letters", (session) => letterOffsets(session, request))
  })
}

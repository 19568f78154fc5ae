import * as Schedule from "effect/Schedule"
import { classifySqlite } from "../../domain/sqliteErrors.js"
import { type DestinationError, DestinationRefused, DestinationUnavailable, WriteError } from "../Destination.js"
import type { SqliteFailure } from "./libsqlFile.js"

/** As long as MySQL's lock wait on acquiring and then some: a live writer's transaction is over by then. */
export const untilFree = Schedule.exponential("5 millis").pipe(
  Schedule.union(Schedule.spaced("100 millis")),
  Schedule.jittered,
  Schedule.upTo("5 seconds")
)

export const isBusy = (error: SqliteFailure | DestinationRefused): boolean =>
  error._tag === "SqliteFailure" && (error.code & 0xff) === 5

export const destinationError = (doing: string, file: string, failure: SqliteFailure): DestinationError => {
  const what = `${doing} failed on ${file}: ${failure.message}`
  const { code } = failure
  const errorClass = classifySqlite(code, failure.text)
  return errorClass === "retriable" || errorClass === "reconnect"
    ? new DestinationUnavailable({ what, code, cause: failure })
    : new DestinationRefused({ what, cure: "check the path and the rights on it", kind: "configuration", code })
}

export const writeError = (file: string, failure: SqliteFailure, statement = ""): WriteError => {
  const errorClass = classifySqlite(failure.code, failure.text, statement)
  return new WriteError({
    class: errorClass,
    code: failure.code,
    what: `writing to ${file} failed: ${failure.message}`,
    reason: failure.text,
    ...(errorClass === "setup" ? { cure: "compare the table with the schema, or let it be created afresh" } : {})
  })
}

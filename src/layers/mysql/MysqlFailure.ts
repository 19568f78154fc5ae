import type { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { clientCode, connectionLost, withoutValues } from "../../domain/MysqlErrors.js"

/**
 * An error of the server or of the connection to it, as this folder hands it on. `text` is the server's message without
 * the values that it quotes; `message` is the whole and stays inside this folder.
 */
export class MysqlFailure extends Data.TaggedError("MysqlFailure")<{
  readonly code: number
  readonly text: string
  /** The server's own words, for finding the column, index or account that they name. */
  readonly message: string
  /** Nothing more can be sent on this connection. */
  readonly fatal: boolean
}> {}

/** What mysql2 puts on its errors. Node's own (ECONNREFUSED) have a negative `errno`, the server's a positive one. */
const DriverError = Schema.Struct({
  message: Schema.String,
  code: Schema.optional(Schema.String),
  errno: Schema.optional(Schema.Number),
  fatal: Schema.optional(Schema.Boolean)
})
const decodeDriverError = Schema.decodeUnknownOption(DriverError)

/** 1153 and those below close the connection although mysql2 does not call them fatal. */
const closing = new Set([1053, 1153, 1927, 2006, 2013, 4031])

export const fromSqlError = (error: SqlError): MysqlFailure =>
  Option.match(decodeDriverError(error.cause), {
    onNone: () => lost(error.message),
    onSome: ({ code: name, errno, fatal = false, message }) =>
      errno !== undefined && errno > 0
        ? new MysqlFailure({
          code: errno,
          text: withoutValues(errno, message),
          message,
          fatal: fatal || closing.has(errno)
        })
        // A name lookup with several addresses fails with an AggregateError, whose message is empty.
        : new MysqlFailure({
          code: clientCode(name),
          text: message === "" ? name ?? "connection lost" : message,
          message,
          fatal: true
        })
  })

export const lost = (text: string): MysqlFailure =>
  new MysqlFailure({ code: connectionLost, text, message: text, fatal: true })

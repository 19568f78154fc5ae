import type { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { classify, clientCode, connectionLost, withoutValues } from "../../domain/MysqlErrors.js"

/**
 * An error of the server or of the connection to it, as this folder hands it on. `text` is the server's message without
 * the values that it quotes; `message` is the whole and stays inside this folder.
 */
export class MysqlFailure extends Data.TaggedError("MysqlFailure")<{
  readonly code: number
  readonly text: string
  /** The server's own words, for finding the column, index or account that they name. */
  readonly message: string
  /** Nothing more can, or should, be sent on this connection. */
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

/** The server closes the connection after this one, too. */
const packetTooLarge = 1153

export const fromSqlError = (error: SqlError): MysqlFailure =>
  Option.match(decodeDriverError(error.cause), {
    onNone: () => lost(error.message),
    onSome: ({ code: name, errno, fatal = false, message }) =>
      errno !== undefined && errno > 0
        ? new MysqlFailure({
          code: errno,
          text: withoutValues(errno, message),
          message,
          // Also what ends no connection but says that this server takes no writes: the primary may have moved.
          fatal: fatal || errno === packetTooLarge || classify(errno, "control") === "reconnect"
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

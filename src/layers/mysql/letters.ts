import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DeadLetters } from "../DeadLetters.js"
import type { DestinationError } from "../Destination.js"
import { letterSql } from "./deadLetters.js"
import { destinationError, noSuchTable } from "./errors.js"
import * as Lane from "./Lane.js"
import * as LanePool from "./LanePool.js"
import { replay } from "./letterReplay.js"
import { readCount, readLetter, readSummaries } from "./letterRows.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { askServer } from "./prepare.js"
import { affectedRows, runFresh } from "./session.js"

const make = (options: MysqlOptions) =>
  Effect.gen(function*() {
    const open = Lane.open(options)
    const lanes = yield* LanePool.make(open, 1)
    const fresh = yield* LanePool.make(open, 1, 0)
    const known = yield* Effect.cached(askServer(options, lanes))
    /** One statement; `missing` is the answer where nobody has prepared this database yet. */
    const ask = <A>(
      doing: string,
      statement: string,
      missing: A,
      read: (result: unknown) => Effect.Effect<A, DestinationError>
    ): Effect.Effect<A, DestinationError> =>
      lanes.use((lane) => runFresh(lane, [statement])).pipe(
        Effect.matchEffect({
          onSuccess: ([result]) => read(result),
          onFailure: (failure) =>
            failure.code === noSuchTable
              ? Effect.succeed(missing)
              : Effect.fail(destinationError(options, doing)(failure))
        })
      )
    return DeadLetters.of({
      count: (filter) => ask("counting dead letters", letterSql.count(filter), { letters: 0, last: 0n }, readCount),
      page: (filter, page) => ask("reading dead letters", letterSql.page(filter, page), [], readSummaries),
      get: (id) => ask(`reading dead letter ${id}`, letterSql.letter(id), undefined, readLetter),
      replay: (request) =>
        Effect.flatMap(known, ({ dialect, packetBytesMax }) =>
          replay({ ...options, dialect }, lanes, fresh, packetBytesMax)(request)),
      refused: (id, error) =>
        Effect.asVoid(ask(`storing why dead letter ${id} has failed`, letterSql.refusal(id, error), 0, affectedRows)),
      discard: (ids) =>
        ids.length === 0
          ? Effect.succeed(0)
          : ask("discarding dead letters", letterSql.discard(ids), 0, affectedRows)
    })
  })

/** `dead_letters` of a MySQL or MariaDB server. Connects on first use. */
export const layer = (options: MysqlOptions): Layer.Layer<DeadLetters> => Layer.scoped(DeadLetters, make(options))

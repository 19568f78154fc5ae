import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { access } from "node:fs/promises"
import { DestinationUnavailable } from "../Destination.js"
import { type Position, Positions } from "../Positions.js"
import { makeConnection, type Session } from "./libsqlConnection.js"
import { storedOffsets } from "./libsqlOffsets.js"

/** `Positions` of a libSQL file, whose offsets keep no time. A file that is not there is not made. */
export const layer = (file: string): Layer.Layer<Positions> =>
  Layer.scoped(
    Positions,
    Effect.map(makeConnection(file), (connection) =>
      Positions.of({
        stored: (wanted) =>
          Effect.gen(function*() {
            if (!(yield* exists(file))) return []
            const doing = `reading the stored offsets in ${file}`
            return yield* connection.use((session) => read(session, wanted)).pipe(
              Effect.mapError(({ code, message }) => new DestinationUnavailable({ what: `${doing}: ${message}`, code }))
            )
          })
      }))
  )

const exists = (file: string) => Effect.promise(() => access(file).then(() => true, () => false))

const read = (session: Session, wanted: ReadonlyArray<{ readonly topic: string; readonly group: string }>) =>
  Effect.gen(function*() {
    const [table] = yield* session.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kafka_offsets'")
    if (table === undefined) return []
    const found = yield* Effect.forEach(wanted, ({ group, topic }) => storedOffsets(session, topic, group))
    return found.flat().map(({ group, offset, partition, topic }): Position => ({
      topic,
      partition,
      group,
      offset,
      ageMs: undefined
    }))
  })

import * as Effect from "effect/Effect"
import { type Config, settingsOf, tableOf } from "../domain/Config.js"
import { mayHold, namesRecord } from "../domain/tableName.js"
import { Destination, type DestinationError } from "../layers/Destination.js"

/**
 * The tables that may hold rows of a topic. Where each record type has one of its own: those that are there now, of which
 * some may be another topic's, as their rows' source says.
 */
export const topicTables = (
  config: Pick<Config, "tables">,
  topic: string
): Effect.Effect<ReadonlyArray<string>, DestinationError, Destination> =>
  Effect.gen(function*() {
    const settings = settingsOf(config, topic)
    if (!namesRecord(settings)) return [tableOf(config, topic)]
    const destination = yield* Destination
    return (yield* destination.keyedTables).filter(mayHold(settings, topic))
  })

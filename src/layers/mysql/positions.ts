import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { DestinationError } from "../Destination.js"
import { type Position, Positions } from "../Positions.js"
import { destinationError, noSuchTable } from "./errors.js"
import * as Lane from "./Lane.js"
import * as LanePool from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { rowsOf, runFresh, text } from "./session.js"

/** MySQL's `kafka_offsets` on a connection of its own, read without locks. Connects on first use. */
export const layer = (config: MysqlOptions): Layer.Layer<Positions> =>
  Layer.scoped(
    Positions,
    Effect.map(LanePool.make(Lane.open(config), 1), (lanes) =>
      Positions.of({
        stored: (wanted) =>
          Effect.map(Effect.forEach(wanted, (one) => read(config, lanes, one)), (found) => found.flat())
      }))
  )

const decodeRows = rowsOf(
  Schema.Struct({ partition: Schema.NonNegativeInt, stored: Schema.BigInt, ageUs: Schema.NullOr(Schema.BigInt) })
)

/**
 * The age is the server's own subtraction: what its clock and ours differ by does not count. `updated_at` is UTC, because
 * every session of ours is.
 */
const age = "CAST(GREATEST(0, TIMESTAMPDIFF(MICROSECOND, updated_at, UTC_TIMESTAMP(6))) AS CHAR)"

const noSuchColumn = 1054

const read = (
  config: MysqlOptions,
  lanes: LanePool.LanePool,
  { group, topic }: { readonly topic: string; readonly group: string }
): Effect.Effect<ReadonlyArray<Position>, DestinationError> => {
  const select = (ageUs: string) =>
    lanes.use((lane) =>
      runFresh(lane, [
        `SELECT \`partition\`, CAST(\`offset\` AS CHAR) AS \`stored\`, ${ageUs} AS ageUs FROM kafka_offsets`
        + ` WHERE topic = ${text(topic)} AND consumer_group = ${text(group)} ORDER BY \`partition\``
      ]).pipe(Effect.flatMap(([result]) => decodeRows(result)))
    )
  return select(age).pipe(
    // A table that another program has made and Tributary has not adopted yet has four columns.
    Effect.catchIf(({ code }) => code === noSuchColumn, () => select("NULL")),
    // Nobody has prepared this database yet, so that nothing is stored.
    Effect.catchIf(({ code }) => code === noSuchTable, () => Effect.succeed([])),
    Effect.map((rows) =>
      rows.map(({ ageUs, partition, stored: offset }) => ({
        topic,
        partition,
        group,
        offset,
        ageMs: ageUs === null ? undefined : Number(ageUs) / 1000
      }))
    ),
    Effect.mapError(destinationError(config, `reading the stored offsets of topic ${topic}`))
  )
}

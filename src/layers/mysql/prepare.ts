import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Dialect } from "../../domain/sql/Dialect.js"
import type { DestinationError } from "../Destination.js"
import { decideOwnTable, isForeign } from "./adopt.js"
import { readTable } from "./catalog.js"
import { ensure } from "./ddl.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { deadLetters, kafkaOffsets, kafkaSources } from "./ownTables.js"
import { checkServer, dialectOf, type Variables } from "./serverCheck.js"
import { rowsOf, runFresh } from "./session.js"

const variableNames = [
  "version",
  "version_comment",
  "read_only",
  "super_read_only",
  "innodb_read_only",
  "log_bin",
  "binlog_format",
  "max_allowed_packet"
]
const decodeVariables = rowsOf(Schema.Struct({ Variable_name: Schema.String, Value: Schema.String }))

/**
 * SHOW, not SELECT @@name, which fails on servers that lack the name; and without the session's settings, some of which
 * other servers do not know: those are to be refused by their name.
 */
const readVariables = (lane: Lane): Effect.Effect<Variables, MysqlFailure> =>
  lane.run(`SHOW VARIABLES WHERE Variable_name IN (${variableNames.map((name) => `'${name}'`).join(", ")})`).pipe(
    Effect.flatMap(decodeVariables),
    Effect.map((rows): Variables => new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value])))
  )

/** What a server says of itself, kept for those who come later. */
export interface Known {
  readonly dialect: Dialect
  /** What it takes in one statement. */
  readonly packetBytesMax: number
}

const knownOf = (dialect: Dialect, variables: Variables): Known => ({
  dialect,
  packetBytesMax: Number(variables.get("max_allowed_packet") ?? Number.POSITIVE_INFINITY)
})

/** Also of a server that takes no writes for now: reading needs its dialect, too. */
export const askServer = (options: MysqlOptions, lanes: LanePool): Effect.Effect<Known, DestinationError> =>
  lanes.use((lane) =>
    Effect.gen(function*() {
      const variables = yield* readVariables(lane)
      return knownOf(yield* dialectOf(options, variables), variables)
    })
  ).pipe(
    Effect.catchTag(
      "MysqlFailure",
      (failure) => Effect.fail(destinationError(options, "asking for the server's version")(failure))
    )
  )

/** Statements that change nothing, and are refused where the account may not do what it will have to. */
const probes = [
  "INSERT INTO kafka_sources (cluster_id, topic, topic_id, consumer_group, pipeline) SELECT '', '', '', '', '' FROM DUAL WHERE FALSE",
  "UPDATE kafka_sources SET topic_id = topic_id WHERE FALSE",
  "SELECT id FROM kafka_sources LIMIT 0",
  "INSERT INTO kafka_offsets (topic, `partition`, consumer_group, `offset`) SELECT '', 0, '', 0 FROM DUAL WHERE FALSE",
  "UPDATE kafka_offsets SET `offset` = `offset` WHERE FALSE",
  "SELECT generation FROM kafka_offsets LIMIT 0",
  "INSERT INTO dead_letters (topic, `partition`, `offset`, consumer_group, headers, error_class, error_code, error_message, source_id) SELECT '', 0, 0, '', '[]', '', 0, '', 0 FROM DUAL WHERE FALSE",
  "UPDATE dead_letters SET attempts = attempts WHERE FALSE",
  "SELECT id FROM dead_letters LIMIT 0"
]

/**
 * Asks the server anew: it may be another one than the last time.
 * @param learn is told what it says of itself
 */
export const prepare = (
  options: MysqlOptions,
  lanes: LanePool,
  learn: (known: Known) => Effect.Effect<void>
): Effect.Effect<void, DestinationError> =>
  lanes.use((lane) =>
    Effect.gen(function*() {
      const variables = yield* readVariables(lane)
      // Read-only: the next attempt looks the host up again, it may lead to the new primary by then.
      const dialect = yield* Effect.tapError(checkServer(options, variables), () => lane.destroy)
      const config = { ...options, dialect }
      yield* learn(knownOf(dialect, variables))
      const foreign = isForeign(yield* readTable(lane, kafkaOffsets.name))
      yield* ensure(lane, config, kafkaSources.name, decideOwnTable(lane, dialect, kafkaSources))
      const altered = yield* ensure(lane, config, kafkaOffsets.name, decideOwnTable(lane, dialect, kafkaOffsets))
      yield* ensure(lane, config, deadLetters.name, decideOwnTable(lane, dialect, deadLetters))
      yield* runFresh(lane, probes)
      if (foreign && altered) {
        yield* Effect.logWarning(
          `adopted table kafka_offsets of database ${options.database}, made by another program: stop that program for good. `
            + "It does not ask who owns a partition, and its offsets may be ahead of its rows"
        )
      }
    })
  ).pipe(
    Effect.catchTag(
      "MysqlFailure",
      (failure) => Effect.fail(destinationError(options, "preparing the database")(failure))
    )
  )

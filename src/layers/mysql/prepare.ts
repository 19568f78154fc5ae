import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { type DestinationError, DestinationRefused, DestinationUnavailable } from "../Destination.js"
import { decideOwnTable, isForeign } from "./adopt.js"
import { readTable } from "./catalog.js"
import { ensure } from "./ddl.js"
import { destinationError } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import { kafkaOffsets, kafkaSources } from "./ownTables.js"
import { rowsOf, runFresh } from "./session.js"

const variableNames = [
  "version",
  "version_comment",
  "super_read_only",
  "innodb_read_only",
  "log_bin",
  "binlog_format",
  "max_allowed_packet"
]
const decodeVariables = rowsOf(Schema.Struct({ Variable_name: Schema.String, Value: Schema.String }))
type Variables = ReadonlyMap<string, string>

/** SHOW, not SELECT @@name, which fails on servers that lack the name. */
const readVariables = (lane: Lane) =>
  runFresh(lane, [`SHOW VARIABLES WHERE Variable_name IN (${variableNames.map((name) => `'${name}'`).join(", ")})`])
    .pipe(
      Effect.flatMap(([result]) => decodeVariables(result)),
      Effect.map((rows): Variables => new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value])))
    )

/** INVISIBLE columns came with 8.0.23. */
const oldest = [8, 0, 23]

const isOldEnough = (version: string): boolean => {
  const parts = /^(\d+)\.(\d+)\.(\d+)/u.exec(version)?.slice(1).map(Number) ?? []
  const differing = oldest.findIndex((part, index) => parts[index] !== part)
  return parts.length === oldest.length && (differing === -1 || (parts[differing] ?? 0) > (oldest[differing] ?? 0))
}

/** Servers that speak MySQL's protocol and are something else. */
const others = ["MariaDB", "TiDB", "Vitess", "SingleStore", "OceanBase"]

const refused = (what: string, cure: string): DestinationRefused =>
  new DestinationRefused({ what, cure, kind: "configuration" })

const checkServer = (config: MysqlConfig, variables: Variables): DestinationError | undefined => {
  const version = variables.get("version") ?? "unknown"
  const where = `the server at ${config.host}:${config.port}`
  const other = others.find((name) =>
    `${version} ${variables.get("version_comment") ?? ""}`.toLowerCase().includes(name.toLowerCase())
  )
  if (other !== undefined) {
    return refused(`${where} is ${other} (${version})`, `${other} is not supported yet: use MySQL 8.0.23 or newer`)
  }
  if (!isOldEnough(version)) {
    return refused(`${where} is version ${version}`, "use MySQL 8.0.23 or newer")
  }
  const readOnly = ["super_read_only", "innodb_read_only"].find((name) => variables.get(name) === "ON")
  if (readOnly !== undefined) {
    return new DestinationUnavailable({
      what: `${where} does not take writes (${readOnly}=ON): it is a replica, or a fail-over is under way`,
      code: 1290
    })
  }
  const format = variables.get("binlog_format") ?? "ROW"
  if (variables.get("log_bin") === "ON" && format !== "ROW") {
    return refused(
      `${where} has binlog_format=${format}, under which transactions at READ COMMITTED are refused (1665) or unsafe to replicate`,
      "as an administrator: SET PERSIST binlog_format='ROW';"
    )
  }
  return undefined
}

/** Statements that change nothing, and are refused where the account may not do what it will have to. */
const probes = [
  "INSERT INTO kafka_sources (cluster_id, topic, topic_id, consumer_group, pipeline) SELECT '', '', '', '', '' FROM DUAL WHERE FALSE",
  "UPDATE kafka_sources SET topic_id = topic_id WHERE FALSE",
  "SELECT id FROM kafka_sources LIMIT 0",
  "INSERT INTO kafka_offsets (topic, `partition`, consumer_group, `offset`) SELECT '', 0, '', 0 FROM DUAL WHERE FALSE",
  "UPDATE kafka_offsets SET `offset` = `offset` WHERE FALSE",
  "SELECT generation FROM kafka_offsets LIMIT 0"
]

/**
 * @param packetBytesMax is told what the server takes in one statement
 */
export const prepare = (
  config: MysqlConfig,
  lanes: LanePool,
  packetBytesMax: Ref.Ref<number>
): Effect.Effect<void, DestinationError> =>
  lanes.use((lane) =>
    Effect.gen(function*() {
      const variables = yield* readVariables(lane)
      const reason = checkServer(config, variables)
      if (reason !== undefined) {
        // Read-only: the next attempt looks the host up again, it may lead to the new primary by then.
        yield* lane.destroy
        return yield* reason
      }
      yield* Ref.set(packetBytesMax, Number(variables.get("max_allowed_packet") ?? Number.POSITIVE_INFINITY))
      const foreign = isForeign(yield* readTable(lane, kafkaOffsets.name))
      yield* ensure(lane, config, kafkaSources.name, decideOwnTable(lane, kafkaSources))
      const altered = yield* ensure(lane, config, kafkaOffsets.name, decideOwnTable(lane, kafkaOffsets))
      yield* runFresh(lane, probes)
      if (foreign && altered) {
        yield* Effect.logWarning(
          `adopted table kafka_offsets of database ${config.database}, made by another program: stop that program for good. `
            + "It does not ask who owns a partition, and its offsets may be ahead of its rows"
        )
      }
    })
  ).pipe(
    Effect.catchTag(
      "MysqlFailure",
      (failure) => Effect.fail(destinationError(config, "preparing the database")(failure))
    )
  )

import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { keyColumnNames } from "../../domain/sql/TablePlan.js"
import { currentSources } from "../../domain/verification.js"
import type { DestinationError, PartitionRows, StoredOffset } from "../Destination.js"
import { readTable } from "./catalog.js"
import { destinationError, noSuchTable } from "./errors.js"
import type { Lane } from "./Lane.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig, MysqlOptions } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rollback, rowsOf, runFresh, text } from "./session.js"
import { hasKeyColumns } from "../../domain/sql/evolution/evolve.js"

/** Counting a whole table takes longer than any write may; it still ends. */
const countTimeoutMs = 600_000

/** The name that every BIGINT goes by on its way out, as decimal text. */
const decimal = (expression: string, name: string): string => `CAST(${expression} AS CHAR) AS \`${name}\``

const decodeStored = rowsOf(
  Schema.Struct({ partition: Schema.NonNegativeInt, stored: Schema.BigInt, sourceId: Schema.NonNegativeInt })
)

export const stored =
  (config: MysqlOptions, lanes: LanePool) =>
  (topic: string, group: string, only?: number): Effect.Effect<ReadonlyArray<StoredOffset>, DestinationError> =>
    lanes.use((lane) =>
      runFresh(lane, [
        `SELECT \`partition\`, ${decimal("`offset`", "stored")}, source_id AS sourceId FROM kafka_offsets`
        + ` WHERE topic = ${text(topic)} AND consumer_group = ${text(group)}`
        + `${only === undefined ? "" : ` AND \`partition\` = ${only}`} ORDER BY \`partition\``
      ]).pipe(Effect.flatMap(([result]) => decodeStored(result)))
    ).pipe(
      // Nobody has prepared this database yet, so that nothing is stored.
      Effect.catchIf(({ code }) => code === noSuchTable, () => Effect.succeed([])),
      Effect.map((rows) =>
        rows.map(({ partition, sourceId, stored: offset }) => ({ topic, partition, group, offset, sourceId }))
      ),
      Effect.mapError(destinationError(config, `reading the stored offsets of topic ${topic}`))
    )

/** Whether a table's rows say where they came from. One that is missing has none. */
const kindOf = (lane: Lane, table: string): Effect.Effect<"missing" | "keyed" | "plain", MysqlFailure> =>
  Effect.map(
    readTable(lane, table),
    (found) => found === undefined ? "missing" : hasKeyColumns(found) ? "keyed" : "plain"
  )

const decodeNames = rowsOf(Schema.Struct({ name: Schema.String }))

/** Base tables: a view of one would show its rows a second time. */
export const keyedTables = (
  config: MysqlOptions,
  lanes: LanePool
): Effect.Effect<ReadonlyArray<string>, DestinationError> =>
  lanes.use((lane) =>
    runFresh(lane, [
      "SELECT c.TABLE_NAME AS name FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
      + " ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE = 'BASE TABLE'"
      + ` WHERE c.TABLE_SCHEMA = DATABASE() AND c.COLUMN_NAME IN (${keyColumnNames.map(text).join(", ")})`
      + ` GROUP BY c.TABLE_NAME HAVING COUNT(*) = ${keyColumnNames.length} ORDER BY c.TABLE_NAME`
    ]).pipe(Effect.flatMap(([result]) => decodeNames(result)))
  ).pipe(
    Effect.map((rows) => rows.map(({ name }) => name)),
    Effect.mapError(destinationError(config, "looking for tables"))
  )

export const holdsRows =
  (config: MysqlConfig, lanes: LanePool) =>
  (table: string, sourceId: number, partition: number): Effect.Effect<boolean, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        if ((yield* kindOf(lane, table)) !== "keyed") return false
        const [rows] = yield* runFresh(lane, [
          `SELECT 1 FROM ${config.dialect.identifier(table)}`
          + ` WHERE _source = ${sourceId} AND _partition = ${partition} LIMIT 1`
        ])
        return Array.isArray(rows) && rows.length > 0
      })
    ).pipe(Effect.mapError(destinationError(config, `looking for rows in table ${table}`)))

const decodePartitions = rowsOf(
  Schema.Struct({
    partition: Schema.NonNegativeInt,
    stored: Schema.BigInt,
    rows: Schema.BigInt,
    distinctOffsets: Schema.BigInt,
    firstOffset: Schema.NullOr(Schema.BigInt),
    lastOffset: Schema.NullOr(Schema.BigInt),
    beyond: Schema.BigInt
  })
)

export interface Wanted {
  readonly topic: string
  readonly group: string
  readonly table: string
}

/** Offsets and the rows that belong to them, by the source that the offset was read from. */
const countRows = (config: MysqlConfig, { group, table, topic }: Wanted, withRows: boolean): string =>
  `SELECT o.\`partition\`, ${decimal("o.`offset`", "stored")}, ${decimal("COUNT(t._offset)", "rows")},`
  + ` ${decimal("COUNT(DISTINCT t._offset)", "distinctOffsets")}, ${decimal("MIN(t._offset)", "firstOffset")},`
  + ` ${decimal("MAX(t._offset)", "lastOffset")}, ${decimal("COUNT(IF(t._offset >= o.`offset`, 1, NULL))", "beyond")}`
  + " FROM kafka_offsets o LEFT JOIN "
  + (withRows ? config.dialect.identifier(table) : "(SELECT 0 AS _source, 0 AS _partition, 0 AS _offset) ")
  + ` t ON ${withRows ? "t._source = o.source_id AND t._partition = o.`partition`" : "FALSE"}`
  + ` WHERE o.topic = ${text(topic)} AND o.consumer_group = ${text(group)} GROUP BY o.\`partition\`, o.\`offset\``
  + " ORDER BY o.`partition`"

const readPartitions = (config: MysqlConfig, lane: Lane, wanted: Wanted, kind: "missing" | "keyed" | "plain") =>
  lane.run(countRows(config, wanted, kind === "keyed"), countTimeoutMs).pipe(
    Effect.flatMap(decodePartitions),
    Effect.map((found): ReadonlyArray<PartitionRows> =>
      found.map(
        ({ beyond, distinctOffsets, firstOffset, lastOffset, partition, rows: count, stored: storedOffset }) => {
          const { group, topic } = wanted
          const rows = { count, distinctOffsets, firstOffset, lastOffset, beyondStored: beyond }
          return { topic, partition, group, storedOffset, ...(kind === "plain" ? {} : { rows }) }
        }
      )
    )
  )

const decodeSources = rowsOf(Schema.Struct({ id: Schema.NonNegativeInt, inUse: Schema.Number }))
const decodeUnstored = rowsOf(
  Schema.Struct({
    partition: Schema.NonNegativeInt,
    rows: Schema.BigInt,
    distinctOffsets: Schema.BigInt,
    firstOffset: Schema.NullOr(Schema.BigInt),
    lastOffset: Schema.NullOr(Schema.BigInt)
  })
)

const storedKeys = ({ group, topic }: Wanted): string =>
  `FROM kafka_offsets o WHERE o.topic = ${text(topic)} AND o.consumer_group = ${text(group)}`

/** Rows of the group's source in partitions that no row of `kafka_offsets` tells of: somebody has deleted it. */
const readUnstored = (config: MysqlConfig, lane: Lane, wanted: Wanted, offsetsThere: boolean) =>
  Effect.gen(function*() {
    const { group, table, topic } = wanted
    const inUse = offsetsThere ? `EXISTS (SELECT 1 ${storedKeys(wanted)} AND o.source_id = s.id)` : "0"
    const known = yield* lane.run(
      `SELECT s.id, ${inUse} AS inUse FROM kafka_sources s WHERE s.topic = ${text(topic)}`
        + ` AND s.consumer_group = ${text(group)} ORDER BY s.id DESC`
    ).pipe(Effect.flatMap(decodeSources))
    const sources = currentSources(known.map((one) => ({ id: one.id, inUse: one.inUse === 1 })))
    if (sources.length === 0) return []
    const found = yield* lane.run(
      `SELECT t._partition AS \`partition\`, ${decimal("COUNT(*)", "rows")},`
        + ` ${decimal("COUNT(DISTINCT t._source, t._offset)", "distinctOffsets")},`
        + ` ${decimal("MIN(t._offset)", "firstOffset")}, ${decimal("MAX(t._offset)", "lastOffset")}`
        + ` FROM ${config.dialect.identifier(table)} t WHERE t._source IN (${sources.join(", ")})`
        + (offsetsThere ? ` AND t._partition NOT IN (SELECT o.\`partition\` ${storedKeys(wanted)})` : "")
        + " GROUP BY t._partition ORDER BY t._partition",
      countTimeoutMs
    ).pipe(Effect.flatMap(decodeUnstored))
    return found.map(({ partition, rows: count, ...offsets }): PartitionRows => {
      const rows = { count, ...offsets, beyondStored: 0n }
      return { topic, partition, group, storedOffset: undefined, rows }
    })
  })

/** One REPEATABLE READ snapshot over all tables: rows and offsets as they were at one moment, while writers go on. */
export const snapshot =
  (config: MysqlConfig, lanes: LanePool) =>
  (wanted: ReadonlyArray<Wanted>): Effect.Effect<ReadonlyArray<PartitionRows>, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        const offsetsThere = (yield* kindOf(lane, "kafka_offsets")) !== "missing"
        const sourcesThere = (yield* kindOf(lane, "kafka_sources")) !== "missing"
        const kinds = yield* Effect.forEach(wanted, ({ table }) => kindOf(lane, table))
        yield* runFresh(lane, ["START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"], {
          isolation: "REPEATABLE READ"
        })
        const partitions = yield* Effect.forEach(
          wanted,
          (each, index) =>
            Effect.gen(function*() {
              const kind = kinds[index] ?? "missing"
              const told = offsetsThere ? yield* readPartitions(config, lane, each, kind) : []
              const unstored = sourcesThere && kind === "keyed"
                ? yield* readUnstored(config, lane, each, offsetsThere)
                : []
              return [...told, ...unstored]
            })
        )
        return partitions.flat()
      }).pipe(Effect.ensuring(rollback(lane)))
    ).pipe(Effect.mapError(destinationError(config, "reading offsets and rows in one snapshot")))

export interface OffsetsRequest {
  readonly table: string
  readonly sourceId: number
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  readonly limit: number
}

const decodeOffsets = rowsOf(Schema.Struct({ position: Schema.BigInt }))

export const rowOffsets =
  (config: MysqlConfig, lanes: LanePool) =>
  (request: OffsetsRequest): Effect.Effect<ReadonlyArray<bigint>, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        yield* runFresh(lane, ["DO 0"])
        const result = yield* lane.run(
          `SELECT DISTINCT ${decimal("_offset", "position")} , _offset FROM ${config.dialect.identifier(request.table)}`
            + ` WHERE _source = ${request.sourceId} AND _partition = ${request.partition}`
            + ` AND _offset >= ${request.from} AND _offset < ${request.to} ORDER BY _offset LIMIT ${request.limit}`,
          countTimeoutMs
        )
        return (yield* decodeOffsets(result)).map(({ position }) => position)
      })
    ).pipe(Effect.mapError(destinationError(config, `reading the offsets in table ${request.table}`)))

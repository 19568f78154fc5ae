import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Destination, DestinationUnavailable, type PartitionRows } from "../../../src/layers/Destination.js"
import { destinationError } from "../../../src/layers/mysql/errors.js"
import type { Lane } from "../../../src/layers/mysql/Lane.js"
import { make } from "../../../src/layers/mysql/layer.js"
import type { MysqlOptions } from "../../../src/layers/mysql/MysqlConfig.js"
import { lost } from "../../../src/layers/mysql/MysqlFailure.js"
import type { Database, TargetVersion } from "./Database.js"
import { openLane } from "./lane.js"
import type { SimMysql } from "./SimMysql.js"

/** Production's defaults, where the layer is not told otherwise. */
export const simOptions: MysqlOptions = {
  host: "mysql.simulated",
  port: 3306,
  database: "bank",
  username: "consumer",
  password: Redacted.make("secret"),
  maxPoolSize: 4,
  connectTimeoutMs: 4000,
  statementTimeoutMs: 8000,
  ddlLockTimeoutMs: 6000
}

const offsetsOf = (rows: ReadonlyArray<TargetVersion>): ReadonlyArray<bigint> =>
  rows.map(({ offset }) => offset).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

const rowsIn = (database: Database, table: string): ReadonlyArray<TargetVersion> =>
  database.targets.get(table)?.values() ?? []

const partitionRows = (
  database: Database,
  { group, table, topic }: { readonly topic: string; readonly group: string; readonly table: string }
): ReadonlyArray<PartitionRows> => {
  const stored = new Map(
    database.offsets.values().filter((one) => one.topic === topic && one.group === group)
      .map(({ offset, partition }) => [partition, offset])
  )
  const rows = rowsIn(database, table).filter(({ source }) => database.topicOf(source) === topic)
  return [...new Set([...stored.keys(), ...rows.map(({ partition }) => partition)])].map((partition) => {
    const storedOffset = stored.get(partition)
    const offsets = offsetsOf(rows.filter((row) => row.partition === partition))
    return {
      topic,
      partition,
      group,
      storedOffset,
      rows: {
        count: BigInt(offsets.length),
        distinctOffsets: BigInt(new Set(offsets).size),
        firstOffset: offsets[0] ?? null,
        lastOffset: offsets.at(-1) ?? null,
        beyondStored: BigInt(offsets.filter((offset) => storedOffset !== undefined && offset >= storedOffset).length)
      }
    }
  })
}

const readOnly = () => new DestinationUnavailable({ what: "the simulated server does not take writes", code: 1290 })

/**
 * Production's destination of one process, on connections to the simulated server. Only what reads or changes the
 * catalog is simple here: it has nothing to do with exactly once.
 */
export const layerSimMysql = (
  server: SimMysql,
  process: string,
  over: Partial<MysqlOptions> = {}
): Layer.Layer<Destination> => {
  const options = { ...simOptions, ...over }
  const open = openLane(server, process, options)
  const { database } = server
  const ask = (lane: Lane) =>
    Effect.timeoutFail(lane.run("DO 0"), { duration: options.statementTimeoutMs, onTimeout: () => lost("no answer") })
  /** One round trip to the server, so that these fail when everything else does. */
  const asking = <A>(doing: string, answer: () => A) =>
    Effect.acquireUseRelease(open, ask, (lane) => lane.close).pipe(
      Effect.mapBoth({ onFailure: destinationError(options, doing), onSuccess: answer })
    )
  return Layer.scoped(
    Destination,
    Effect.map(make(options, open), (production) =>
      Destination.of({
        ...production,
        prepare: Effect.filterOrFail(
          asking("preparing the database", () => server.isReadOnly()),
          (isReadOnly) => !isReadOnly,
          readOnly
        ).pipe(Effect.asVoid),
        ensureTable: ({ table }) =>
          asking("creating a table", () => {
            database.createTable(table)
            return { keyColumns: true, ignored: new Set<string>() }
          }),
        deletable: ({ table }) => asking("looking for a table", () => database.targets.has(table)),
        keyedTables: Effect.suspend(() => asking("looking for tables", () => [...database.targets.keys()])),
        holdsRows: (table, sourceId, partition) =>
          asking("looking for rows", () =>
            rowsIn(database, table).some((row) => row.source === sourceId && row.partition === partition)),
        snapshot: (wanted) =>
          asking("reading a snapshot", () => wanted.flatMap((one) => partitionRows(database, one))),
        rowOffsets: ({ from, limit, partition, sourceId, table, to }) =>
          asking("reading offsets", () =>
            offsetsOf(
              rowsIn(database, table).filter((row) =>
                row.source === sourceId && row.partition === partition && row.offset >= from && row.offset < to
              )
            ).slice(0, limit))
      }))
  )
}

import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { metadataColumn } from "../../domain/sql/metadata.js"
import { type Column, keyColumnNames, type TablePlan } from "../../domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../domain/TopicSettings.js"
import { currentSources } from "../../domain/verification.js"
import { DestinationRefused, type PartitionRows } from "../Destination.js"
import { rollback, type Session } from "./libsqlConnection.js"
import { storedOffsets } from "./libsqlOffsets.js"
import { rowsOf } from "./libsqlRows.js"

const decodeColumns = rowsOf(Schema.Struct({
  name: Schema.String,
  type: Schema.String,
  required: Schema.BigIntFromSelf,
  preset: Schema.NullOr(Schema.String)
}))

const columnsOf = (session: Session, table: string) =>
  session.rows(
    "SELECT name, type, \"notnull\" AS required, dflt_value AS preset FROM pragma_table_info(?)",
    [table]
  ).pipe(Effect.flatMap(decodeColumns))

const hasKey = (columns: ReadonlyArray<{ readonly name: string }>) =>
  keyColumnNames.every((key) => columns.some(({ name }) => name.toLowerCase() === key))

const refused = (what: string, cure: string) => new DestinationRefused({ what, cure, kind: "configuration" })

interface Problem {
  readonly what: string
}

interface Found {
  readonly name: string
  readonly type: string
  readonly required: bigint
  readonly preset: string | null
}

const named = (found: ReadonlyArray<Found>, name: string): Found | undefined =>
  found.find((column) => column.name.toLowerCase() === name.toLowerCase())

const columnProblem = (dialect: Dialect, found: Found, column: Column): ReadonlyArray<Problem> => {
  const type = dialect.columnType(column)
  if (found.type.toUpperCase() !== type.toUpperCase()) {
    return [{ what: `column ${column.name} is ${found.type}, not ${type}` }]
  }
  return column.nullable && found.required === 1n
    ? [{ what: `column ${column.name} is NOT NULL, the schema allows null` }]
    : []
}

/** All that no new column cures. */
const problemsOf = (dialect: Dialect, plan: TablePlan, found: ReadonlyArray<Found>): ReadonlyArray<Problem> => {
  const wanted = [...plan.columns, ...plan.metadata.map(metadataColumn)]
  const filled = new Set([...wanted.map(({ name }) => name.toLowerCase()), ...keyColumnNames])
  return [
    ...wanted.flatMap((column) => {
      const actual = named(found, column.name)
      return actual === undefined ? [] : columnProblem(dialect, actual, column)
    }),
    ...found.filter(({ name, preset, required }) =>
      required === 1n && preset === null && !filled.has(name.toLowerCase())
    ).map(({ name }) => ({
      what: `column ${name} is NOT NULL without a default, and the schema has no such field`
    }))
  ]
}

/**
 * Creates the table, adds the columns that it lacks unless the policy is `none`, and compares the rest with the plan. SQLite
 * has no MODIFY: whatever else a table would need is refused, all of it at once.
 */
export const ensureTable = Effect.fnUntraced(
  function*(session: Session, dialect: Dialect, plan: TablePlan, policy: EvolutionPolicy, autoCreate: boolean) {
    const { table } = plan
    const found = yield* columnsOf(session, table)
    if (found.length === 0) {
      if (!autoCreate) {
        return yield* refused(`table ${table} does not exist`, `create it: ${dialect.createTable(plan)}`)
      }
      yield* session.change(dialect.createTable(plan))
      return { keyColumns: true, ignored: new Set<string>() }
    }
    const lacking = [...plan.columns, ...plan.metadata.map(metadataColumn)]
      .filter(({ name }) => named(found, name) === undefined)
    const lackingKey = lacking.filter(({ name }) => plan.key.includes(name))
      .map(({ name }) => ({ what: `key column ${name} is missing` }))
    const problems = [...problemsOf(dialect, plan, found), ...lackingKey]
    if (problems.length > 0) {
      return yield* refused(
        `table ${table} cannot take the records: ${problems.map(({ what }) => what).join("; ")}`,
        "let another table be created: table.name.format"
      )
    }
    const keyColumns = hasKey(found)
    if (policy.mode === "none") return { keyColumns, ignored: new Set(lacking.map(({ name }) => name)) }
    yield* Effect.forEach(lacking, (column) =>
      session.change(
        `ALTER TABLE ${dialect.identifier(table)} ADD COLUMN ${dialect.identifier(column.name)} ${
          dialect.columnType(column)
        }`
      ))
    return { keyColumns, ignored: new Set<string>() }
  }
)

const decodeNames = rowsOf(Schema.Struct({ name: Schema.String }))

export const keyedTables = (session: Session) =>
  session.rows(
    "SELECT m.name AS name FROM sqlite_master m WHERE m.type = 'table' AND (SELECT COUNT(*) FROM pragma_table_info(m.name) c"
      + ` WHERE LOWER(c.name) IN (${keyColumnNames.map((name) => `'${name}'`).join(", ")})) = ${keyColumnNames.length}`
      + " ORDER BY m.name",
    []
  ).pipe(Effect.flatMap(decodeNames), Effect.map((rows) => rows.map(({ name }) => name)))

const decodeIndexes = rowsOf(Schema.Struct({ columns: Schema.NullOr(Schema.String) }))

const sorted = (names: ReadonlyArray<string>): string => names.map((name) => name.toLowerCase()).toSorted().join("\n")

/** Refused where the plan's key is not the whole of a key of the table. */
export const deletable = Effect.fnUntraced(function*(session: Session, { key, table, topic }: TablePlan) {
  if ((yield* columnsOf(session, table)).length === 0) return false
  const indexes = yield* session.rows(
    "SELECT group_concat(i.name, char(10)) AS columns FROM pragma_index_list(?) l, pragma_index_info(l.name) i"
      + " WHERE l.\"unique\" = 1 AND l.partial = 0 GROUP BY l.name"
      + " UNION ALL SELECT group_concat(c.name, char(10)) FROM pragma_table_info(?) c WHERE c.pk > 0",
    [table, table]
  ).pipe(Effect.flatMap(decodeIndexes))
  if (indexes.some(({ columns }) => columns !== null && sorted(columns.split("\n")) === sorted(key))) return true
  return yield* refused(
    `table ${table} cannot take the deletions of topic ${topic}: ${key.join(", ")} is not the whole key of its rows`,
    "name the whole key by pk.fields"
  )
})

export const holdsRows = Effect.fnUntraced(
  function*(session: Session, dialect: Dialect, table: string, sourceId: number, partition: number) {
    if (!hasKey(yield* columnsOf(session, table))) return false
    const rows = yield* session.rows(
      `SELECT 1 FROM ${dialect.identifier(table)} WHERE _source = ? AND _partition = ? LIMIT 1`,
      [BigInt(sourceId), BigInt(partition)]
    )
    return rows.length > 0
  }
)

const decodeCounts = rowsOf(Schema.Struct({
  count: Schema.BigIntFromSelf,
  distinctOffsets: Schema.BigIntFromSelf,
  firstOffset: Schema.NullOr(Schema.BigIntFromSelf),
  lastOffset: Schema.NullOr(Schema.BigIntFromSelf),
  beyondStored: Schema.BigIntFromSelf
}))

const noRows = { count: 0n, distinctOffsets: 0n, firstOffset: null, lastOffset: null, beyondStored: 0n }

const decodeSources = rowsOf(Schema.Struct({ id: Schema.BigIntFromSelf, inUse: Schema.BigIntFromSelf }))
const decodeUnstored = rowsOf(Schema.Struct({
  partition: Schema.BigIntFromSelf,
  count: Schema.BigIntFromSelf,
  distinctOffsets: Schema.BigIntFromSelf,
  firstOffset: Schema.NullOr(Schema.BigIntFromSelf),
  lastOffset: Schema.NullOr(Schema.BigIntFromSelf)
}))

interface Wanted {
  readonly topic: string
  readonly group: string
  readonly table: string
}

/** Rows of the group's source in partitions that no row of `kafka_offsets` tells of: somebody has deleted it. */
const unstoredRows = Effect.fnUntraced(
  function*(session: Session, dialect: Dialect, { group, table, topic }: Wanted, stored: ReadonlySet<number>) {
    const known = yield* session.rows(
      "SELECT s.id AS id, EXISTS (SELECT 1 FROM kafka_claims c WHERE c.topic = s.topic"
        + " AND c.consumer_group = s.consumer_group AND c.source_id = s.id) AS inUse"
        + " FROM kafka_sources s WHERE s.topic = ? AND s.consumer_group = ? ORDER BY s.id DESC",
      [topic, group]
    ).pipe(Effect.flatMap(decodeSources))
    const sources = currentSources(known.map(({ id, inUse }) => ({ id: Number(id), inUse: inUse === 1n })))
    const found = yield* Effect.forEach(sources, (id) =>
      session.rows(
        "SELECT _partition AS \"partition\", COUNT(*) AS count, COUNT(DISTINCT _offset) AS distinctOffsets,"
          + ` MIN(_offset) AS firstOffset, MAX(_offset) AS lastOffset FROM ${dialect.identifier(table)}`
          + " WHERE _source = ? GROUP BY _partition ORDER BY _partition",
        [BigInt(id)]
      ).pipe(Effect.flatMap(decodeUnstored)))
    return found.flat().flatMap(({ partition, ...counts }): ReadonlyArray<PartitionRows> =>
      stored.has(Number(partition))
        ? []
        : [{
          topic,
          partition: Number(partition),
          group,
          storedOffset: undefined,
          rows: { ...counts, beyondStored: 0n }
        }]
    )
  }
)

/** One read transaction: SQLite shows it the file as it was at its first statement. */
export const snapshot = Effect.fnUntraced(function*(
  session: Session,
  dialect: Dialect,
  wanted: ReadonlyArray<Wanted>
) {
  // Otherwise nobody has prepared this file yet, so that nothing is stored.
  const offsetsThere = (yield* columnsOf(session, "kafka_offsets")).length > 0
  const sourcesThere = (yield* columnsOf(session, "kafka_sources")).length > 0
  yield* session.change("BEGIN")
  const collect = Effect.forEach(wanted, ({ group, table, topic }) =>
    Effect.gen(function*() {
      const columns = yield* columnsOf(session, table)
      const partitions: Array<PartitionRows> = []
      const stored = offsetsThere ? yield* storedOffsets(session, topic, group) : []
      for (const { offset, partition, sourceId } of stored) {
        const base = { topic, partition, group, storedOffset: offset }
        if (columns.length === 0) partitions.push({ ...base, rows: noRows })
        else if (!hasKey(columns)) partitions.push(base)
        else {
          const [rows] = yield* session.rows(
            "SELECT COUNT(*) AS count, COUNT(DISTINCT _offset) AS distinctOffsets, MIN(_offset) AS firstOffset,"
              + " MAX(_offset) AS lastOffset, COUNT(*) FILTER (WHERE _offset >= ?) AS beyondStored"
              + ` FROM ${dialect.identifier(table)} WHERE _source = ? AND _partition = ?`,
            [offset, BigInt(sourceId), BigInt(partition)]
          ).pipe(Effect.flatMap(decodeCounts))
          partitions.push({ ...base, rows: rows ?? noRows })
        }
      }
      if (sourcesThere && hasKey(columns)) {
        const known = new Set(stored.map(({ partition }) => partition))
        partitions.push(...yield* unstoredRows(session, dialect, { topic, group, table }, known))
      }
      return partitions
    }))
  return (yield* Effect.ensuring(collect, rollback(session))).flat()
})

const decodeOffsets = rowsOf(Schema.Struct({ offset: Schema.BigIntFromSelf }))

export const rowOffsets = Effect.fnUntraced(function*(session: Session, dialect: Dialect, request: {
  readonly table: string
  readonly sourceId: number
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  readonly limit: number
}) {
  const { from, limit, partition, sourceId, table, to } = request
  if (!hasKey(yield* columnsOf(session, table))) return []
  const rows = yield* session.rows(
    `SELECT DISTINCT _offset AS "offset" FROM ${dialect.identifier(table)} WHERE _source = ? AND _partition = ?`
      + " AND _offset >= ? AND _offset < ? ORDER BY _offset LIMIT ?",
    [BigInt(sourceId), BigInt(partition), from, to, BigInt(limit)]
  ).pipe(Effect.flatMap(decodeOffsets))
  return rows.map(({ offset }) => offset)
})

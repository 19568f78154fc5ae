import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Dialect } from "../../domain/sql/Dialect.js"
import { keyColumnNames, type TablePlan } from "../../domain/sql/TablePlan.js"
import { DestinationRefused, type PartitionRows } from "../Destination.js"
import { rollback, type Session } from "./libsqlConnection.js"
import { rowsOf, storedOffsets } from "./libsqlOffsets.js"

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

/** Creates the table or compares it with the plan; all differences at once, each with what cures it. */
export const ensureTable = Effect.fnUntraced(
  function*(session: Session, dialect: Dialect, plan: TablePlan, autoCreate: boolean) {
    const { table } = plan
    let found = yield* columnsOf(session, table)
    if (found.length === 0) {
      if (!autoCreate) {
        return yield* refused(`table ${table} does not exist`, `create it: ${dialect.createTable(plan)}`)
      }
      yield* session.change(dialect.createTable(plan))
      found = yield* columnsOf(session, table)
    }
    const problems: Array<string> = []
    const cures: Array<string> = []
    const planned = new Set<string>(keyColumnNames)
    for (const column of plan.columns) {
      planned.add(column.name.toLowerCase())
      const type = dialect.columnType(column)
      const actual = found.find(({ name }) => name.toLowerCase() === column.name.toLowerCase())
      if (actual === undefined) {
        problems.push(`column ${column.name} is missing`)
        cures.push(
          `ALTER TABLE ${dialect.identifier(table)} ADD COLUMN ${dialect.identifier(column.name)} ${type}`
        )
      } else if (actual.type.toUpperCase() !== type.toUpperCase()) {
        problems.push(`column ${column.name} is ${actual.type}, not ${type}`)
      } else if (column.nullable && actual.required === 1n) {
        problems.push(`column ${column.name} is NOT NULL, the schema allows null`)
      }
    }
    for (const { name, preset, required } of found) {
      if (required === 1n && preset === null && !planned.has(name.toLowerCase())) {
        problems.push(`column ${name} is NOT NULL without a default, and the schema has no such field`)
      }
    }
    if (problems.length > 0) {
      const other = cures.length < problems.length ? ["let another table be created: table.name.format"] : []
      return yield* refused(
        `table ${table} cannot take the records: ${problems.join("; ")}`,
        [...cures, ...other].join("; ")
      )
    }
    return { keyColumns: hasKey(found) }
  }
)

const refused = (what: string, cure: string) => new DestinationRefused({ what, cure, kind: "configuration" })

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

/** One read transaction: SQLite shows it the file as it was at its first statement. */
export const snapshot = Effect.fnUntraced(function*(
  session: Session,
  dialect: Dialect,
  wanted: ReadonlyArray<{ readonly topic: string; readonly group: string; readonly table: string }>
) {
  // Nobody has prepared this file yet, so that nothing is stored.
  if ((yield* columnsOf(session, "kafka_offsets")).length === 0) return []
  yield* session.change("BEGIN")
  const collect = Effect.forEach(wanted, ({ group, table, topic }) =>
    Effect.gen(function*() {
      const columns = yield* columnsOf(session, table)
      const partitions: Array<PartitionRows> = []
      for (const { offset, partition, sourceId } of yield* storedOffsets(session, topic, group)) {
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
    `SELECT _offset AS "offset" FROM ${dialect.identifier(table)} WHERE _source = ? AND _partition = ?`
      + " AND _offset >= ? AND _offset < ? ORDER BY _offset LIMIT ?",
    [BigInt(sourceId), BigInt(partition), from, to, BigInt(limit)]
  ).pipe(Effect.flatMap(decodeOffsets))
  return rows.map(({ offset }) => offset)
})

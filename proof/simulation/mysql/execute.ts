import type { RowRule } from "./faults.js"
import { type Condition, valueOf } from "./literals.js"
import { type Lockable, take, type Wait } from "./locks.js"
import { type Database, offsetKey, type OffsetVersion, type SourceVersion } from "./Database.js"
import type { Row, Transaction } from "./rows.js"
import type { Statement } from "./statements.js"
import type { TableDelete, TableInsert } from "./tableStatements.js"

/** An error of the server. */
export interface Refusal {
  readonly errno: number
  readonly message: string
}

export type Outcome = { readonly result: unknown } | { readonly refusal: Refusal }

/** Runs until it needs a lock that is taken; goes on when told how the wait ended. */
export type Running = Generator<Lockable, Outcome, Wait>

/** What a statement may see and touch. */
export interface Context {
  readonly database: Database
  readonly transaction: Transaction
  readonly connection: number
  readonly isDirtyRead: boolean
  readonly isUnique: boolean
  readonly isDiskFull: boolean
  readonly rowRule: RowRule | undefined
  /** Of the last statement that was no SHOW WARNINGS. */
  readonly warnings: Array<number>
  /** Whether a connection of this account is there, and idle. */
  readonly isIdle: (connection: number) => boolean | undefined
  readonly variables: ReadonlyArray<readonly [name: string, value: string]>
}

export const header = (affectedRows: number): Outcome => ({ result: { affectedRows, insertId: 0, warningStatus: 0 } })
const rowsOf = (result: ReadonlyArray<unknown>): Outcome => ({ result })
export const refused = (errno: number, message: string): Outcome => ({ refusal: { errno, message } })

const waitRefused: Readonly<Record<Exclude<Wait, "granted">, Outcome>> = {
  timeout: refused(1205, "Lock wait timeout exceeded; try restarting transaction"),
  deadlock: refused(1213, "Deadlock found when trying to get lock; try restarting transaction")
}

const fits = (value: string | number | undefined, wanted: string | undefined): boolean =>
  wanted === undefined || String(value) === wanted

/** Rows of `kafka_offsets` that the key columns of WHERE name: one, or all that fit where a column is missing. */
const candidates = ({ database }: Context, where: ReadonlyArray<Condition>): ReadonlyArray<Row<OffsetVersion>> => {
  const topic = valueOf(where, "topic")
  const partition = valueOf(where, "partition")
  const group = valueOf(where, "consumer_group")
  if (topic !== undefined && partition !== undefined && group !== undefined) {
    const row = database.offsets.rows.get(offsetKey(topic, partition, group))
    return row === undefined ? [] : [row]
  }
  return [...database.offsets.rows.values()].filter(({ latest }) =>
    fits(latest?.topic, topic) && fits(latest?.partition, partition) && fits(latest?.group, group)
  )
}

const matches = (version: OffsetVersion | undefined, where: ReadonlyArray<Condition>): version is OffsetVersion =>
  version !== undefined && where.every(([column, value]) => {
    if (column === "offset") return String(version.offset) === value
    if (column === "generation") return String(version.generation) === value
    return column !== "owner" || version.owner === value
  })

function* move(context: Context, statement: Extract<Statement, { kind: "move" }>): Running {
  const { transaction } = context
  let found = 0
  for (const row of candidates(context, statement.where)) {
    const before = row.holder === transaction
    if (!take(transaction, row)) {
      const how = yield row
      if (how !== "granted") return waitRefused[how]
    }
    // Only now, behind the lock, is WHERE looked at: what the holder before has committed counts.
    const version = row.seenBy(transaction)
    if (!matches(version, statement.where)) {
      if (!before) transaction.releaseUnmatched(row)
      continue
    }
    found += 1
    const conn = statement.conn ? context.connection : version.conn
    row.write(transaction, { ...version, offset: BigInt(statement.offset), conn })
    transaction.claims.set(row.key, {
      generation: valueOf(statement.where, "generation"),
      owner: valueOf(statement.where, "owner")
    })
  }
  return header(found)
}

function* claim(context: Context, { raises, values }: Extract<Statement, { kind: "claim" }>): Running {
  const { connection, database, transaction } = context
  const [topic = "", partition = "", group = "", initial = "", , owner = "", , source = ""] = values
  const row = database.offsets.at(offsetKey(topic, partition, group))
  if (!take(transaction, row)) {
    const how = yield row
    if (how !== "granted") return waitRefused[how]
  }
  const known = row.seenBy(transaction)
  const sourceId = Number(source)
  row.write(
    transaction,
    known === undefined
      ? {
        topic,
        partition: Number(partition),
        group,
        offset: BigInt(initial),
        generation: 1n,
        owner,
        conn: connection,
        sourceId
      }
      : {
        ...known,
        generation: known.generation + (raises ? 1n : 0n),
        owner,
        conn: connection,
        sourceId: known.sourceId === 0 ? sourceId : known.sourceId
      }
  )
  return header(known === undefined ? 1 : 2)
}

function* look(context: Context, { forUpdate, where }: Extract<Statement, { kind: "look" }>): Running {
  const { transaction } = context
  const found: Array<unknown> = []
  for (const row of candidates(context, where)) {
    if (forUpdate && !take(transaction, row)) {
      const how = yield row
      if (how !== "granted") return waitRefused[how]
    }
    const version = row.seenBy(transaction)
    if (version === undefined) continue
    const { generation, offset, owner, sourceId } = version
    found.push({ stored: String(offset), generation: String(generation), owner, sourceId })
  }
  return rowsOf(found)
}

const insertKey = (context: Context, { table, upsert }: TableInsert, tuple: TableInsert["tuples"][number]): string =>
  upsert
    ? `${table}/${tuple.key}`
    : context.isUnique
    ? `${tuple.source}-${tuple.partition}-${tuple.offset}`
    : `#${context.database.nextRow()}`

function* insert(context: Context, statement: TableInsert): Running {
  const { database, isDiskFull, rowRule, transaction, warnings } = context
  const table = database.targets.get(statement.table)
  if (table === undefined) return refused(1146, `Table 'bank.${statement.table}' doesn't exist`)
  if (isDiskFull) return refused(1114, `The table '${statement.table}' is full`)
  for (const tuple of statement.tuples) {
    const rule = rowRule?.({ table: statement.table, ...tuple })
    if (rule?.kind === "error") return refused(rule.code, "Data too long for column 'id' at row 1")
    if (rule?.kind === "warning") warnings.push(rule.code)
    const row = table.at(insertKey(context, statement, tuple))
    if (!take(transaction, row)) {
      const how = yield row
      if (how !== "granted") return waitRefused[how]
    }
    if (!statement.upsert && row.seenBy(transaction) !== undefined) {
      return refused(1062, `Duplicate entry '${row.key}' for key '${statement.table}.PRIMARY'`)
    }
    const { offset, partition, source } = tuple
    // What a warning tells of: the value is not what it was.
    const content = rule === undefined ? tuple.content : `rounded ${tuple.content}`
    row.write(transaction, { source, partition, offset, content, seq: database.nextRow() })
  }
  return header(statement.tuples.length)
}

function* remove({ database, transaction }: Context, { keys, table: name }: TableDelete): Running {
  const table = database.targets.get(name)
  if (table === undefined) return refused(1146, `Table 'bank.${name}' doesn't exist`)
  let found = 0
  for (const key of keys) {
    const row = table.rows.get(`${name}/${key}`)
    if (row === undefined) continue
    if (!take(transaction, row)) {
      const how = yield row
      if (how !== "granted") return waitRefused[how]
    }
    if (row.seenBy(transaction) === undefined) continue
    found += 1
    row.write(transaction, undefined)
  }
  return header(found)
}

function* letter({ database, isDiskFull, transaction }: Context, values: ReadonlyMap<string, string>): Running {
  if (isDiskFull) return refused(1114, "The table 'dead_letters' is full")
  const [source = "", topic = "", partition = "", offset = ""] = ["source_id", "topic", "partition", "offset"]
    .map((name) => values.get(name))
  const row = database.letters.at(`${source}-${partition}-${offset}`)
  if (!take(transaction, row)) {
    const how = yield row
    if (how !== "granted") return waitRefused[how]
  }
  const attempts = (row.seenBy(transaction)?.attempts ?? 0) + 1
  row.write(transaction, {
    source: Number(source),
    topic,
    partition: Number(partition),
    offset: BigInt(offset),
    attempts
  })
  return header(attempts === 1 ? 1 : 2)
}

const ownerOf = (context: Context, { sleeping, where }: Extract<Statement, { kind: "owner" }>): Outcome => {
  const [row] = candidates(context, where)
  const conn = (context.isDirtyRead ? row?.latest : row?.seenBy(context.transaction))?.conn
  if (conn === undefined || conn === context.connection) return rowsOf([])
  const idle = context.isIdle(conn)
  return rowsOf(idle === undefined || (sleeping && !idle) ? [] : [{ conn: String(conn) }])
}

const stored = ({ database }: Context, where: ReadonlyArray<Condition>): Outcome => {
  const only = valueOf(where, "partition")
  return rowsOf(
    database.offsets.values()
      .filter(({ group, topic }) => topic === valueOf(where, "topic") && group === valueOf(where, "consumer_group"))
      .filter(({ partition }) => only === undefined || only === String(partition))
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset, partition, sourceId }) => ({ partition, stored: String(offset), sourceId }))
  )
}

const sourceRow = ({ database }: Context, { clusterId, id, pipeline, topicId }: SourceVersion) => ({
  id,
  clusterId,
  topicId,
  pipeline,
  inUse: database.offsets.values().some(({ sourceId }) => sourceId === id) ? 1 : 0
})

const sources = (context: Context, where: ReadonlyArray<Condition>): Outcome =>
  rowsOf(
    context.database.sources.values()
      .filter(({ group, topic }) => topic === valueOf(where, "topic") && group === valueOf(where, "consumer_group"))
      .toSorted((a, b) => b.id - a.id)
      .map((source) => sourceRow(context, source))
  )

function* newSource({ database, transaction }: Context, values: ReadonlyArray<string>): Running {
  const [clusterId = "", topic = "", topicId = "", group = "", pipeline = ""] = values
  const same = (one: SourceVersion | undefined) =>
    one !== undefined && [one.clusterId, one.topic, one.topicId, one.group].join("\0") ===
      [clusterId, topic, topicId, group].join("\0")
  const twin = [...database.sources.rows.values()].find(({ latest }) => same(latest))
  if (twin !== undefined) {
    if (!take(transaction, twin)) {
      const how = yield twin
      if (how !== "granted") return waitRefused[how]
    }
    if (same(twin.seenBy(transaction))) return refused(1062, `Duplicate entry '${topic}' for key 'kafka_sources.life'`)
  }
  const id = database.nextSource()
  const row = database.sources.at(String(id))
  take(transaction, row)
  row.write(transaction, { id, clusterId, topic, topicId, group, pipeline })
  return header(1)
}

function* fillTopicId(
  { database, transaction }: Context,
  { set, where }: Extract<Statement, { kind: "topic id" }>
): Running {
  const row = database.sources.rows.get(valueOf(where, "id") ?? "")
  if (row === undefined) return header(0)
  if (!take(transaction, row)) {
    const how = yield row
    if (how !== "granted") return waitRefused[how]
  }
  const version = row.seenBy(transaction)
  if (version === undefined || version.topicId !== "") return header(0)
  row.write(transaction, { ...version, topicId: valueOf(set, "topic_id") ?? "" })
  return header(1)
}

const letterOffsets = ({ database }: Context, sql: string): Outcome => {
  const numbers = [...sql.matchAll(/(?:=|<|LIMIT) (\d+)/gu)].map(([, digits = ""]) => BigInt(digits))
  const [source = 0n, partition = 0n, from = 0n, to = 0n, limit = 0n] = numbers
  return rowsOf(
    database.letters.values()
      .filter((one) => BigInt(one.source) === source && BigInt(one.partition) === partition)
      .map(({ offset }) => offset)
      .filter((offset) => offset >= from && offset < to)
      .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      .slice(0, Number(limit))
      .map((offset) => ({ position: String(offset) }))
  )
}

/** What needs no lock. The session sees to transactions and settings itself. */
const ask = (context: Context, statement: Exclude<OnRows, { kind: Locking }>): Outcome => {
  switch (statement.kind) {
    case "owner":
      return ownerOf(context, statement)
    case "stored":
      return stored(context, statement.where)
    case "sources":
      return sources(context, statement.where)
    case "two sources":
      return rowsOf(
        context.database.sources.values().filter(({ id }) => statement.ids.includes(id))
          .map((one) => ({ ...sourceRow(context, one), inUse: 0 }))
      )
    case "letter offsets":
      return letterOffsets(context, statement.sql)
    case "warnings":
      return rowsOf(context.warnings.slice(0, 1).map((Code) => ({ Level: "Note", Code, Message: "Data truncated" })))
    case "warning count":
      return rowsOf([{ warnings: context.warnings.length }])
    case "variables":
      return rowsOf(context.variables.map(([name, Value]) => ({ Variable_name: name, Value })))
    case "index columns":
      return rowsOf(
        statement.sql.includes(".PRIMARY") ? ["_source", "_partition", "_offset"].map((name) => ({ name })) : []
      )
    case "nothing":
      return header(0)
  }
}

type Locking = "move" | "claim" | "look" | "insert" | "delete" | "letter" | "new source" | "topic id"
type Control = "begin" | "commit" | "rollback" | "settings" | "isolation" | "kill"

/** What touches rows or asks; transactions and settings are the session's. */
export type OnRows = Exclude<Statement, { kind: Control }>

export function* execute(context: Context, statement: OnRows): Running {
  switch (statement.kind) {
    case "move":
      return yield* move(context, statement)
    case "claim":
      return yield* claim(context, statement)
    case "look":
      return yield* look(context, statement)
    case "insert":
      return yield* insert(context, statement)
    case "delete":
      return yield* remove(context, statement)
    case "letter":
      return yield* letter(context, statement.values)
    case "new source":
      return yield* newSource(context, statement.values)
    case "topic id":
      return yield* fillTopicId(context, statement)
    case "owner":
    case "stored":
    case "sources":
    case "two sources":
    case "letter offsets":
    case "warnings":
    case "warning count":
    case "variables":
    case "index columns":
    case "nothing":
      return ask(context, statement)
  }
}

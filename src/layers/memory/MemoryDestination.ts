import * as Context from "effect/Context"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DeadLetter } from "../../domain/DeadLetter.js"
import type { Dialect } from "../../domain/sql/Dialect.js"
import {
  type AcquireRequest,
  type Claim,
  Destination,
  DestinationRefused,
  DestinationUnavailable,
  type LetterOffsetsRequest,
  type PartitionRows,
  resolutionOf,
  type SourceIdentity,
  WriteError,
  WriteOutcome,
  type WriteRequest
} from "../Destination.js"
import { type AtServer, makeAtServer } from "./MemoryProcess.js"

/** What happens to one transaction. `Committed…Lost` and `…Lost` at COMMIT look the same from outside: unknown. */
export type Fault =
  | { readonly _tag: "None" }
  | { readonly _tag: "Reject"; readonly error: WriteError }
  | { readonly _tag: "CommitAnswerLost" }
  | { readonly _tag: "CommitLost" }

interface OffsetRow {
  offset: bigint
  generation: bigint
  owner: string
  sourceId: number
}

export interface MemoryRow {
  readonly table: string
  readonly sourceId: number
  readonly partition: number
  readonly offset: bigint
  readonly text: string
  /** Owner of the transaction that wrote it. */
  readonly owner: string
  /** When its transaction was committed. */
  readonly atMs: number
}

export interface MemoryLetter {
  readonly letter: DeadLetter
  readonly attempts: number
  /** When its transaction was committed. */
  readonly atMs: number
}

/** A database in memory, with the row lock on the offset and faults chosen by the test. */
export class MemoryDatabase {
  readonly offsets = new Map<string, OffsetRow>()
  readonly rows: Array<MemoryRow> = []
  readonly keys = new Set<string>()
  /** One per source, partition and offset, in the order in which they were first written. */
  readonly letters = new Map<string, MemoryLetter>()
  readonly tables = new Set<string>()
  /** Topic id under which a topic's group has begun. */
  readonly lives = new Map<string, string>()
  /** Owner of each acquisition, in order, per partition. */
  readonly owners: Array<string> = []
  private readonly locks = new Map<string, Effect.Semaphore>()
  /** Called once per transaction, before anything is written. */
  fault: (request: WriteRequest) => Fault = () => ({ _tag: "None" })
  /** How long a transaction takes. */
  latencyMs = 0
  down = false
  /** Calls so far, whatever came of them. */
  requests = 0
  /** Off: the compare-and-set and the unique key are missing, to show what they prevent. */
  fenced = true

  lock(key: string): Effect.Semaphore {
    const existing = this.locks.get(key)
    if (existing !== undefined) return existing
    const created = Effect.unsafeMakeSemaphore(1)
    this.locks.set(key, created)
    return created
  }
}

/** The state behind the layer, for tests: what it holds and which faults it has. */
export class MemoryDatabaseState extends Context.Tag("tributary/MemoryDatabaseState")<
  MemoryDatabaseState,
  MemoryDatabase
>() {}

const keyOf = (
  { group, partition, topic }: { readonly topic: string; readonly partition: number; readonly group: string }
) => `${topic}/${partition}/${group}`

const insert = /^INSERT INTO [`"](.+?)[`"].*? VALUES (.*)$/s
const row = /\(([^()]*),(\d+),(\d+),(\d+)\)/g

/** Reads back the text that the row encoder has written: key columns last, values without parentheses. */
const parseStatement = (statement: string, owner: string, atMs: number): ReadonlyArray<MemoryRow> => {
  const [, table = "", values = ""] = insert.exec(statement) ?? []
  return [...values.matchAll(row)].map(([, text = "", sourceId, partition, offset = "0"]) => ({
    table,
    sourceId: Number(sourceId),
    partition: Number(partition),
    offset: BigInt(offset),
    text,
    owner,
    atMs
  }))
}

const reachable = (database: MemoryDatabase): Effect.Effect<void, DestinationUnavailable> =>
  Effect.suspend(() => {
    database.requests += 1
    return database.down
      ? Effect.fail(new DestinationUnavailable({ what: "the database is down", code: 2003 }))
      : Effect.void
  })

const holds = (found: OffsetRow | undefined, { generation, owner }: Claim): found is OffsetRow =>
  found !== undefined && found.generation === generation && found.owner === owner

const storeLetter = (database: MemoryDatabase, letter: DeadLetter, atMs: number): void => {
  const key = `${letter.sourceId}/${letter.partition}/${letter.record.offset}`
  database.letters.set(key, { letter, atMs, attempts: (database.letters.get(key)?.attempts ?? 0) + 1 })
}

const letterOffsets = (database: MemoryDatabase, request: LetterOffsetsRequest): ReadonlyArray<bigint> =>
  [...database.letters.values()]
    .filter(({ letter }) => letter.sourceId === request.sourceId && letter.partition === request.partition)
    .map(({ letter }) => letter.record.offset)
    .filter((offset) => offset >= request.from && offset < request.to)
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .slice(0, request.limit)

const write = (database: MemoryDatabase, request: WriteRequest): Effect.Effect<WriteOutcome> =>
  Effect.gen(function*() {
    const { claim, expected, next, statements } = request
    database.requests += 1
    if (database.down) return rolledBack("reconnect", 2003, "the database is down")
    const fault = database.fault(request)
    const stored = database.offsets.get(keyOf(claim))
    if (stored === undefined) return WriteOutcome.Fenced()
    if (database.fenced && !(holds(stored, claim) && stored.offset === expected)) return WriteOutcome.Fenced()
    yield* Effect.sleep(database.latencyMs)
    if (fault._tag === "Reject") return WriteOutcome.RolledBack({ error: fault.error })
    const nowMs = yield* Clock.currentTimeMillis
    const rows = statements.flatMap((statement) => parseStatement(statement, claim.owner, nowMs))
    const keys = rows.map(({ offset, partition, sourceId, table }) => `${table}/${sourceId}/${partition}/${offset}`)
    if (database.fenced && keys.some((key) => database.keys.has(key))) {
      return rolledBack("already-there", 1062, "Duplicate entry")
    }
    const lost = new WriteError({ class: "reconnect", code: 2013, what: "connection lost during COMMIT" })
    if (fault._tag === "CommitLost") return WriteOutcome.Unknown({ error: lost })
    stored.offset = next
    database.rows.push(...rows)
    for (const key of keys) database.keys.add(key)
    for (const letter of request.letters) storeLetter(database, letter, nowMs)
    return fault._tag === "CommitAnswerLost" ? WriteOutcome.Unknown({ error: lost }) : WriteOutcome.Committed()
  }).pipe(database.lock(keyOf(request.claim)).withPermits(1))

const rolledBack = (errorClass: WriteError["class"], code: number, what: string) =>
  WriteOutcome.RolledBack({ error: new WriteError({ class: errorClass, code, what }) })

const source = (database: MemoryDatabase, { group, topic, topicId }: SourceIdentity) =>
  Effect.suspend(() => {
    const key = `${topic}/${group}`
    const life = database.lives.get(key) ?? topicId
    database.lives.set(key, life)
    return life === topicId
      ? Effect.succeed(1)
      : Effect.fail(new DestinationRefused({ what: "the topic has another id", cure: "see the log", kind: "held" }))
  })

const acquire = (database: MemoryDatabase, request: AcquireRequest) =>
  Effect.sync((): Claim => {
    const key = keyOf(request)
    const stored = database.offsets.get(key) ??
      { offset: request.initial, generation: 0n, owner: "", sourceId: request.sourceId }
    stored.generation += 1n
    stored.owner = request.owner
    database.offsets.set(key, stored)
    database.owners.push(request.owner)
    return { ...request, generation: stored.generation, offset: stored.offset }
  }).pipe(database.lock(keyOf(request)).withPermits(1))

const resolve = (database: MemoryDatabase, request: WriteRequest) =>
  Effect.sync(() => resolutionOf(request, database.offsets.get(keyOf(request.claim)))).pipe(
    database.lock(keyOf(request.claim)).withPermits(1)
  )

const snapshotOf = (database: MemoryDatabase, topic: string, group: string, table: string): Array<PartitionRows> => {
  const inTable = database.rows.filter((one) => one.table === table)
  const stored = [...database.offsets].flatMap(([key, { offset }]) => {
    const [storedTopic, partition, storedGroup] = key.split("/")
    return storedTopic === topic && storedGroup === group ? [[Number(partition), offset] as const] : []
  })
  const partitions = new Set([...stored.map(([partition]) => partition), ...inTable.map(({ partition }) => partition)])
  return [...partitions].map((partition) => {
    const storedOffset = new Map(stored).get(partition)
    const offsets = inTable.filter((one) => one.partition === partition).map(({ offset }) => offset)
    const sorted = offsets.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const rows = {
      count: BigInt(offsets.length),
      distinctOffsets: BigInt(new Set(offsets).size),
      firstOffset: sorted[0] ?? null,
      lastOffset: sorted.at(-1) ?? null,
      beyondStored: BigInt(offsets.filter((offset) => storedOffset !== undefined && offset >= storedOffset).length)
    }
    return { topic, partition, group, storedOffset, rows }
  })
}

const destination = (database: MemoryDatabase, dialect: Dialect, atServer: AtServer) => {
  const up = reachable(database)
  return Destination.of({
    dialect: Effect.succeed(dialect),
    prepare: up,
    source: (identity) => Effect.zipRight(up, source(database, identity)),
    stored: (topic, group, only) =>
      Effect.map(up, () =>
        [...database.offsets].flatMap(([key, { offset, sourceId }]) => {
          const [storedTopic, storedPartition, storedGroup] = key.split("/")
          const partition = Number(storedPartition)
          return storedTopic === topic && storedGroup === group && partition === (only ?? partition)
            ? [{ topic, partition, group, offset, sourceId }]
            : []
        })),
    acquire: (request) => Effect.zipRight(up, atServer(acquire(database, request))),
    write: (request) => atServer(write(database, request)),
    resolve: (request) => Effect.zipRight(up, atServer(resolve(database, request))),
    ensureTable: ({ table }) =>
      Effect.map(up, () => {
        database.tables.add(table)
        return { keyColumns: true, ignored: new Set<string>() }
      }),
    keyedTables: Effect.map(up, () => [...new Set([...database.tables, ...database.rows.map(({ table }) => table)])]),
    deletable: ({ table }) => Effect.map(up, () => database.tables.has(table)),
    holdsRows: (table, _sourceId, partition) =>
      Effect.map(up, () => database.rows.some((one) => one.table === table && one.partition === partition)),
    snapshot: (wanted) =>
      Effect.map(up, () => wanted.flatMap(({ group, table, topic }) => snapshotOf(database, topic, group, table))),
    rowOffsets: ({ from, limit, partition, table, to }) =>
      Effect.map(up, () =>
        database.rows.filter((one) => one.table === table && one.partition === partition)
          .map((one) => one.offset).filter((offset) => offset >= from && offset < to).slice(0, limit)),
    letterOffsets: (request) => Effect.map(up, () => letterOffsets(database, request))
  })
}

/** A destination in memory; the dialect decides only how statements look. */
export const layerMemory = (dialect: Dialect): Layer.Layer<Destination | MemoryDatabaseState> =>
  Layer.unwrapEffect(Effect.map(makeAtServer, (atServer) => {
    const database = new MemoryDatabase()
    return Layer.merge(
      Layer.succeed(MemoryDatabaseState, database),
      Layer.succeed(Destination, destination(database, dialect, atServer))
    )
  }))

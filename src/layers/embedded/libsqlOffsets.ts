import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import {
  type AcquireRequest,
  type Claim,
  DestinationRefused,
  resolutionOf,
  type StoredOffset,
  type WriteRequest
} from "../Destination.js"
import type { Session } from "./libsqlConnection.js"
import { deadLettersTable } from "./libsqlDeadLetters.js"
import { rowsOf } from "./libsqlRows.js"

export interface OffsetKey {
  readonly topic: string
  readonly partition: number
  readonly group: string
}

const tables = [
  `CREATE TABLE IF NOT EXISTS kafka_sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    topic_id TEXT NOT NULL,
    consumer_group TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    UNIQUE (cluster_id, topic, topic_id, consumer_group, pipeline)
  ) STRICT`,
  `CREATE TABLE IF NOT EXISTS kafka_offsets (
    topic TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    consumer_group TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (topic, "partition", consumer_group)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS kafka_claims (
    topic TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    consumer_group TEXT NOT NULL,
    generation INTEGER NOT NULL,
    owner TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    PRIMARY KEY (topic, "partition", consumer_group)
  ) STRICT, WITHOUT ROWID`,
  deadLettersTable
]

export const createOwnTables = (session: Session) =>
  Effect.forEach(tables, (table) => session.change(table), { discard: true })

export const whereKey = "topic = ? AND \"partition\" = ? AND consumer_group = ?"
export const keyOf = ({ group, partition, topic }: OffsetKey) => [topic, BigInt(partition), group] as const

const Row = Schema.Struct({
  partition: Schema.BigIntFromSelf,
  offset: Schema.BigIntFromSelf,
  generation: Schema.NullOr(Schema.BigIntFromSelf),
  owner: Schema.NullOr(Schema.String),
  sourceId: Schema.NullOr(Schema.BigIntFromSelf)
})
const decodeRows = rowsOf(Row)

const columns = `o."partition" AS "partition", o."offset" AS "offset", c.generation AS generation, c.owner AS owner,`
  + " c.source_id AS sourceId"
const joined = "kafka_offsets o LEFT JOIN kafka_claims c ON c.topic = o.topic AND c.\"partition\" = o.\"partition\""
  + " AND c.consumer_group = o.consumer_group"

export const storedOffsets = (session: Session, topic: string, group: string, only?: number) =>
  session.rows(
    `SELECT ${columns} FROM ${joined} WHERE o.topic = ? AND o.consumer_group = ?`
      + `${only === undefined ? "" : ` AND o."partition" = ${only}`} ORDER BY o."partition"`,
    [topic, group]
  ).pipe(
    Effect.flatMap(decodeRows),
    Effect.map((rows) =>
      rows.map(({ offset, partition, sourceId }): StoredOffset => ({
        topic,
        group,
        partition: Number(partition),
        offset,
        sourceId: Number(sourceId ?? 0n)
      }))
    )
  )

const rowOf = (session: Session, key: OffsetKey) =>
  session.rows(
    `SELECT ${columns} FROM ${joined} WHERE o.topic = ? AND o."partition" = ? AND o.consumer_group = ?`,
    [...keyOf(key)]
  ).pipe(Effect.flatMap(decodeRows), Effect.map(([row]) => row))

/** Inside a transaction. The write lock of the file is the row lock: a running transaction of the old owner is over. */
export const acquire = Effect.fnUntraced(function*(session: Session, request: AcquireRequest) {
  const { group, initial, owner, partition, sourceId, topic } = request
  const before = yield* rowOf(session, request)
  const storedSource = Number(before?.sourceId ?? 0n)
  if (storedSource !== 0 && storedSource !== sourceId) {
    return yield* new DestinationRefused({
      what: `kafka_offsets says that ${topic}-${partition} of group ${group} was read from source ${storedSource}`
        + ` of kafka_sources, not ${sourceId}`,
      cure: "read it under another consumer.group; or, if what was read before no longer counts, delete the row",
      kind: "held"
    })
  }
  yield* session.change(
    "INSERT INTO kafka_offsets (topic, \"partition\", consumer_group, \"offset\") VALUES (?, ?, ?, ?)"
      + " ON CONFLICT DO NOTHING",
    [...keyOf(request), initial]
  )
  yield* session.change(
    "INSERT INTO kafka_claims (topic, \"partition\", consumer_group, generation, owner, source_id)"
      + " VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET generation = generation + 1, owner = excluded.owner,"
      + " source_id = excluded.source_id",
    [...keyOf(request), owner, BigInt(sourceId)]
  )
  const row = yield* rowOf(session, request)
  if (row === undefined) return yield* Effect.dieMessage("the row that was just written is not there")
  return {
    topic,
    partition,
    group,
    generation: row.generation ?? 0n,
    owner,
    sourceId,
    offset: row.offset
  } satisfies Claim
})

/** Inside a transaction, so that the one in question is over. */
export const resolve = (session: Session, request: WriteRequest) =>
  Effect.map(rowOf(session, request.claim), (row) => resolutionOf(request, row))

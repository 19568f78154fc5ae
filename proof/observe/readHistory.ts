import { Schema } from "effect"
import type { Connection } from "mysql2/promise"
import { rowsOf } from "../../test/e2e/support/database.js"
import type { History, LetterRow, Observation, OffsetMove, SourceLog, TargetRow } from "../checker/History.js"

/** What the tables say, at one moment. */
export type Tables = Pick<History, "rows" | "letters" | "moves" | "stored">

interface Audited {
  readonly sql: Connection
  readonly topics: ReadonlyArray<string>
}

const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.NullOr(schema)

const Target = Schema.Struct({
  content: Schema.String,
  partition: Schema.Number,
  offset: Schema.BigInt,
  seq: Schema.NumberFromString,
  move: maybe(Schema.NumberFromString)
})

const Letter = Schema.Struct({
  topic: Schema.String,
  partition: Schema.Number,
  offset: Schema.BigInt,
  replayed: Schema.NumberFromString,
  move: maybe(Schema.NumberFromString)
})

const Move = Schema.Struct({
  seq: Schema.NumberFromString,
  topic: Schema.String,
  partition: Schema.Number,
  from: maybe(Schema.BigInt),
  to: Schema.BigInt,
  generation: Schema.BigInt,
  owner: Schema.String,
  writer: Schema.String,
  reset: Schema.Number
})

const Stored = Schema.Struct({ topic: Schema.String, partition: Schema.Number, offset: Schema.BigInt })

const chars = (...names: ReadonlyArray<string>) =>
  names.map((name) => `CAST(\`${name}\` AS CHAR) AS \`${name}\``).join()
/** The group that reads a topic, where no other is set. */
export const groupOf = (topic: string): string => `group-${topic}`
const listed = (values: ReadonlyArray<string>) => values.map((value) => `'${value}'`).join()

const rowsOfTopic = async (sql: Connection, topic: string) => {
  const rows = await rowsOf(
    sql,
    Target,
    `SELECT id AS content, _partition AS \`partition\`, CAST(_offset AS CHAR) AS \`offset\`, ${chars("seq", "move")}
     FROM \`${topic}\` ORDER BY seq`
  )
  return rows.map((row) => ({ ...row, topic }))
}

interface Effect {
  readonly move: number | null
  readonly offset: bigint
}

/** What each move's transaction has written. A number of a move that is not there belongs to one that was rolled back. */
const effectsByMove = (effects: ReadonlyArray<Effect>): ReadonlyMap<number, ReadonlyArray<bigint>> => {
  const byMove = new Map<number, Array<bigint>>()
  for (const { move, offset } of effects) {
    if (move === null) continue
    const known = byMove.get(move)
    if (known === undefined) byMove.set(move, [offset])
    else known.push(offset)
  }
  return byMove
}

const tablesNow = async ({ sql, topics }: Audited): Promise<Tables> => {
  const found: Array<typeof Target.Type & { readonly topic: string }> = []
  for (const topic of topics) for (const row of await rowsOfTopic(sql, topic)) found.push(row)
  const ours = `topic IN (${listed(topics)}) AND consumer_group IN (${listed(topics.map(groupOf))})`
  const letters = await rowsOf(
    sql,
    Letter,
    `SELECT topic, \`partition\`, CAST(\`offset\` AS CHAR) AS \`offset\`, CAST(replayed_at IS NOT NULL AS CHAR) AS replayed,
       CAST(proof_letters.move AS CHAR) AS move
     FROM dead_letters LEFT JOIN proof_letters USING (id) WHERE ${ours}`
  )
  const moves = await rowsOf(
    sql,
    Move,
    `SELECT ${chars("seq", "from", "to", "generation")}, topic, \`partition\`, owner, writer, is_reset AS \`reset\`
     FROM proof_moves WHERE ${ours} ORDER BY seq`
  )
  const stored = await rowsOf(
    sql,
    Stored,
    `SELECT topic, \`partition\`, CAST(\`offset\` AS CHAR) AS \`offset\` FROM kafka_offsets WHERE ${ours}`
  )
  const effects = effectsByMove([...found, ...letters])
  return {
    rows: found.map(({ content, offset, partition, seq, topic }): TargetRow => ({
      topic,
      partition,
      offset,
      content,
      seq
    })),
    letters: letters.map(({ offset, partition, replayed, topic }): LetterRow => ({
      topic,
      partition,
      offset,
      ...(replayed === 0 ? {} : { replayed: true })
    })),
    moves: moves.map(({ from, reset, ...move }): OffsetMove => ({
      ...move,
      from: from ?? undefined,
      effects: effects.get(move.seq) ?? [],
      ...(reset === 0 ? {} : { reset: true })
    })),
    stored
  }
}

/**
 * What the tables say that `installAudit` has made, all at one moment: in one snapshot, so that it may also be read while
 * the program writes. Offsets are those of each topic's default group.
 */
export const readTables = async (audited: Audited): Promise<Tables> => {
  await audited.sql.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
  try {
    return await tablesNow(audited)
  } finally {
    await audited.sql.query("ROLLBACK")
  }
}

/** The history of real servers: the tables first, then the logs, which only grow. */
export const historyOf = (
  logs: ReadonlyArray<SourceLog>,
  tables: Tables,
  observations: ReadonlyArray<Observation> = []
): History => ({ ...tables, logs, observations })

import { Schema } from "effect"
import { differences, type Observed, type Range, type Sent } from "./checker.js"
import { type Asked, progress, rowsOf, storedOffsets } from "./database.js"
import { logsOf, type Program } from "./Program.js"
import { until } from "./until.js"
import { account, type World } from "./World.js"

/** Ends of a topic's log as plain kafkajs tells them, not the program's own client. */
export const rangesOf = async ({ admin }: World, topic: string): Promise<ReadonlyMap<number, Range>> =>
  new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ high, low, partition }) => [
      partition,
      { low: BigInt(low), end: BigInt(high) }
    ])
  )

/** Waits until the logs of all partitions end there: a broker ends a transaction before it has written its markers. */
export const logsEndAt = async (world: World, topic: string, ends: ReadonlyMap<number, bigint>): Promise<void> => {
  await until(`the logs of ${topic} end at ${[...ends.values()].join(", ")}`, async () => {
    const ranges = await rangesOf(world, topic)
    return [...ends].every(([partition, end]) => ranges.get(partition)?.end === end) || undefined
  })
}

const Row = Schema.Struct({
  id: Schema.String,
  partition: Schema.Number,
  offset: Schema.BigInt,
  seq: Schema.optionalWith(Schema.NumberFromString, { exact: true })
})

export interface Expected {
  readonly topic: string
  readonly sent: ReadonlyArray<Sent>
  /** Column that tells records apart. */
  readonly idColumn?: string
  readonly dense?: boolean
  readonly withSequence?: boolean
}

export const observe = async (world: World, expected: Expected): Promise<Observed> => {
  const { dense = true, idColumn = "id", sent, topic, withSequence = false } = expected
  const rows = await rowsOf(
    world.sql,
    Row,
    `SELECT ${idColumn} AS id, _partition AS \`partition\`, CAST(_offset AS CHAR) AS \`offset\`
     ${withSequence ? ", CAST(seq AS CHAR) AS seq" : ""} FROM \`${topic}\` ORDER BY _partition, _offset`
  )
  return {
    topic,
    sent,
    rows,
    ranges: await rangesOf(world, topic),
    stored: await storedOffsets(world.sql, topic),
    dense
  }
}

/** All that contradicts "every record is a row once", over all topics. */
export const check = async (world: World, expected: ReadonlyArray<Expected>): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const one of expected) found.push(...differences(await observe(world, one)))
  return found
}

/** Waits until the stored offsets are the ends of the logs. */
export const caughtUp = async (
  world: World,
  programs: ReadonlyArray<Program>,
  withinMs?: number,
  topics: ReadonlyArray<string> = world.topics
): Promise<void> => {
  await until("the stored offsets are the ends of the logs", async () => {
    for (const topic of topics) {
      const stored = await storedOffsets(world.sql, topic)
      for (const [partition, { end }] of await rangesOf(world, topic)) {
        if ((stored.get(partition) ?? 0n) !== end) return undefined
      }
    }
    return true
  }, {
    everyMs: 200,
    ...(withinMs === undefined ? {} : { withinMs }),
    about: logsOf(programs)
  })
}

/** Waits until each partition has a row in `kafka_offsets`, which somebody else can lock from then on. */
export const allAcquired = async (world: World, programs: ReadonlyArray<Program>): Promise<void> => {
  await until("each partition has a stored offset", async () => {
    for (const topic of world.topics) {
      if ((await storedOffsets(world.sql, topic)).size < world.partitions) return undefined
    }
    return true
  }, { about: logsOf(programs) })
}

const Count = Schema.Struct({ n: Schema.NumberFromString })

const Version = Schema.Struct({ version: Schema.String })

/**
 * Waits of transactions in this database for a row. MySQL has `innodb_trx` too, which fails as a whole (3854) while
 * anybody's statement has an emoji in it; MariaDB has that alone.
 */
const lockWaits = async ({ database, sql }: World): Promise<string> => {
  const [server] = await rowsOf(sql, Version, "SELECT VERSION() AS version")
  return server?.version.includes("MariaDB") === true
    ? `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
       JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
       WHERE t.trx_state = 'LOCK WAIT' AND p.db = '${database}'`
    : `SELECT COUNT(*) AS n FROM performance_schema.data_lock_waits w
       JOIN performance_schema.threads t ON t.thread_id = w.requesting_thread_id
       WHERE t.processlist_db = '${database}'`
}

/**
 * Waits until a transaction in the world's database waits for a row that somebody else holds. MariaDB looks for those
 * anew only when nobody has asked it for 100 ms (trx_i_s_possibly_fetch_data_into_cache in InnoDB): who asks more often
 * is told for ever what was so at first.
 */
export const waitsForRow = async (world: World): Promise<void> => {
  const query = await lockWaits(world)
  await until("a transaction waits for a row", async () => {
    const [found] = await rowsOf(world.sql, Count, query)
    return (found?.n ?? 0) > 0 || undefined
  }, { everyMs: 500 })
}

/** How a world's database is asked. */
export interface Server extends Pick<World, "database"> {
  readonly sql: Asked
}

/** How many connections the program has in the world's database: each may have a transaction open. */
export const connectionsOf = async ({ database, sql }: Server): Promise<number> => {
  const query = `SELECT COUNT(*) AS n FROM performance_schema.processlist
    WHERE user = '${account.user}' AND db = '${database}'`
  const [found] = await rowsOf(sql, Count, query)
  return found?.n ?? 0
}

/** Waits until the server has ended what processes that are gone have left behind, one way or the other. */
export const noConnection = async (world: World): Promise<void> => {
  await until("the program has no connection", async () => await connectionsOf(world) === 0 || undefined)
}

/** Waits until the sum of all stored offsets is at least that. */
export const progressReaches = async (
  world: World,
  wanted: number,
  programs: ReadonlyArray<Program>,
  withinMs?: number
): Promise<number> =>
  until(`stored offsets add up to ${wanted}`, async () => {
    const reached = await progress(world.sql)
    return reached >= wanted ? reached : undefined
  }, {
    everyMs: 20,
    ...(withinMs === undefined ? {} : { withinMs }),
    about: logsOf(programs)
  })

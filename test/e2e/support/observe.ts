import { Schema } from "effect"
import { differences, type Observed, type Range, type Sent } from "./checker.js"
import { progress, rowsOf, storedOffsets } from "./database.js"
import { type Program, tail } from "./Program.js"
import { until } from "./until.js"
import type { World } from "./World.js"

/** Ends of a topic's log as plain kafkajs tells them, not the program's own client. */
export const rangesOf = async ({ admin }: World, topic: string): Promise<ReadonlyMap<number, Range>> =>
  new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ high, low, partition }) => [
      partition,
      { low: BigInt(low), end: BigInt(high) }
    ])
  )

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

/** What to look at when something does not come. */
const logsOf = (programs: ReadonlyArray<Program>) => () =>
  programs.map((program) => tail(program.log())).join("\n----\n")

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

/** Transactions in the world's database that are in one of these states. */
const transactionsIn = async (world: World, ...states: ReadonlyArray<"RUNNING" | "LOCK WAIT">): Promise<number> => {
  const [found] = await rowsOf(
    world.sql,
    Count,
    `SELECT COUNT(*) AS n FROM information_schema.innodb_trx t
     JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
     WHERE t.trx_state IN (${states.map((state) => `'${state}'`).join()}) AND p.db = '${world.database}'`
  )
  return found?.n ?? 0
}

/** Waits until a transaction in the world's database waits for a row that somebody else holds. */
export const waitsForRow = async (world: World): Promise<void> => {
  await until("a transaction waits for a row", async () => await transactionsIn(world, "LOCK WAIT") > 0 || undefined)
}

/** Waits until the server has ended what a process that was killed has left behind, one way or the other. */
export const noTransaction = async (world: World): Promise<void> => {
  const states = ["RUNNING", "LOCK WAIT"] as const
  await until("no transaction is open", async () => await transactionsIn(world, ...states) === 0 || undefined)
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

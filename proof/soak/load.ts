import { Schema } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { rowsOf } from "../../test/e2e/support/database.js"
import { rangesOf } from "../../test/e2e/support/observe.js"
import { openProducer } from "../../test/e2e/support/openProducer.js"
import { entry, registerEntry } from "../../test/e2e/support/records.js"
import type { World } from "../../test/e2e/support/World.js"

/** Says where a record lies: the sequence of a partition begins at offset 0 and nobody else writes to it. */
const idOf = (partition: number, offset: number) => `${partition}-${String(offset).padStart(12, "0")}`

/** Records at a steady rate, each telling its place, so that hours of them can be checked without remembering them. */
export const load = async (
  world: World,
  perSecond: number,
  stop: AbortSignal
): Promise<{ readonly ended: Promise<void> }> => {
  const schemaId = await registerEntry(world.addresses.registry, world.topics)
  const producer = await openProducer(world)
  const next = new Map(world.topics.map((topic) => [topic, Array.from({ length: world.partitions }, () => 0)]))
  const share = perSecond / world.topics.length / world.partitions
  const since = performance.now()
  const sendDue = async () => {
    const due = Math.floor(((performance.now() - since) / 1000) * share)
    for (const [topic, offsets] of next) {
      const messages = offsets.flatMap((from, partition) =>
        Array.from({ length: Math.max(0, due - from) }, (_, nth) => {
          const id = idOf(partition, from + nth)
          return { partition, key: id, value: entry(schemaId, id, `soak ${id}`) }
        })
      )
      if (messages.length > 0) await producer.send({ topic, messages })
      next.set(topic, offsets.map((from) => Math.max(from, due)))
    }
  }
  const send = async () => {
    while (!stop.aborted) {
      await sendDue()
      await sleep(100)
    }
  }
  return { ended: send() }
}

const Wrong = Schema.Struct({
  partition: Schema.Number,
  rows: Schema.BigInt,
  first: Schema.BigInt,
  last: Schema.BigInt,
  strange: Schema.BigInt,
  late: Schema.BigInt
})

/** What contradicts "every record is a row once, in order", found by the database itself. */
export const differencesOf = async (world: World, topic: string): Promise<ReadonlyArray<string>> => {
  const rows = await rowsOf(
    world.sql,
    Wrong,
    `SELECT _partition AS \`partition\`, CAST(COUNT(*) AS CHAR) AS \`rows\`, CAST(MIN(_offset) AS CHAR) AS first,
       CAST(MAX(_offset) AS CHAR) AS last, CAST(SUM(repeated OR id <> CONCAT(_partition, '-', LPAD(_offset, 12, '0'))) AS CHAR) AS strange,
       CAST(SUM(late) AS CHAR) AS late
     FROM (SELECT _partition, _offset, id, COALESCE(LAG(_offset) OVER places = _offset, 0) AS repeated,
             COALESCE(LAG(seq) OVER places > seq, 0) AS late FROM \`${topic}\`
           WINDOW places AS (PARTITION BY _partition ORDER BY _offset)) AS ordered
     GROUP BY _partition`
  )
  const ranges = await rangesOf(world, topic)
  return [...ranges].flatMap(([partition, { end }]) => {
    const found = rows.find((row) => row.partition === partition)
    const right = found !== undefined && found.rows === end && found.first === 0n && found.last === end - 1n
      && found.strange === 0n && found.late === 0n
    return right
      ? []
      : [`${topic}-${partition}: ${end} records, but ${
        found === undefined
          ? "no rows"
          : JSON.stringify(found, (_, value: unknown) => typeof value === "bigint" ? String(value) : value)
      }`]
  })
}

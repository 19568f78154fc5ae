import { Schema } from "effect"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import type { Sent } from "./support/checker.js"
import { rowsOf, storedOffsets } from "./support/database.js"
import { type Feed, makeFeed } from "./support/Feed.js"
import { caughtUp, observe } from "./support/observe.js"
import { openProducer } from "./support/openProducer.js"
import { entry } from "./support/records.js"
import { until } from "./support/until.js"
import { makeWorld, type World } from "./support/World.js"

/** Sends a topic's bytes as one record of its partition 1, between records that are fine. */
const surround = async (world: World, feed: Feed, valueOf: (topic: string) => Buffer) => {
  await feed.fill(37)
  const producer = await openProducer(world)
  for (const topic of world.topics) await producer.send({ topic, messages: [{ partition: 1, value: valueOf(topic) }] })
  await feed.fill(20)
}

const nameOf = ({ at, id }: Sent) => (at === undefined ? id : `${at.partition}@${at.offset} ${id}`)

/** Partition 1 holds what lies before the record, and nothing behind it; the others hold everything. */
const assertStopsBefore = async (world: World, feed: Feed, topic: string) => {
  await until("the other partitions have caught up", async () => {
    const stored = await storedOffsets(world.sql, topic)
    return stored.get(0) === 57n && stored.get(2) === 57n && stored.get(1) === 37n ? true : undefined
  })
  const { rows } = await observe(world, { topic, sent: [] })
  const wanted = feed.sent(topic).filter(({ at }) => at?.partition !== 1 || at.offset < 37n).map(nameOf)
  assert.sameMembers(rows.map(({ id, offset, partition }) => `${partition}@${offset} ${id}`), wanted)
}

/** A table that refuses one text, whoever writes it. */
const strictTable = (topic: string) =>
  `CREATE TABLE \`${topic}\` (id VARCHAR(40) NOT NULL, text VARCHAR(80) NOT NULL CHECK (text <> 'forbidden'),
   _source SMALLINT UNSIGNED NOT NULL, _partition INT NOT NULL, _offset BIGINT NOT NULL,
   PRIMARY KEY (_source, _partition, _offset))`

beforeAll(ensureBuilt, 240_000)

const Letter = Schema.Struct({
  offset: Schema.BigInt,
  error: Schema.String,
  code: Schema.Number,
  attempts: Schema.Number
})

describeWith(["kafka", "registry", "mysql"], "a record that cannot be written", (servers) => {
  it(
    "becomes a dead letter, also across kill -9; every other record is a row, and the offsets reach the end",
    async () => {
      const world = await makeWorld(servers, { topics: ["letters"] })
      const [topic = ""] = world.topics
      await world.sql.query(strictTable(topic))
      const feed = await makeFeed(world)
      await surround(world, feed, () => Buffer.from("not avro"))
      const first = world.run()
      await first.says(/acquired at offset/)
      first.signal("SIGKILL")
      await first.ended
      await surround(world, feed, () => entry(feed.schemaId, "12345678", "forbidden"))
      const second = world.run()
      await caughtUp(world, [second])
      const letters = await rowsOf(
        world.sql,
        Letter,
        "SELECT CAST(`offset` AS CHAR) AS `offset`, error_class AS error, error_code AS code, attempts FROM dead_letters"
          + " ORDER BY dead_letters.`offset`"
      )
      assert.deepStrictEqual(letters, [
        { offset: 37n, error: "undecodable", code: 0, attempts: 1 },
        { offset: 95n, error: "rejected", code: 3819, attempts: 1 }
      ])
      const { rows } = await observe(world, { topic, sent: [] })
      assert.sameMembers(
        rows.map(({ id, offset, partition }) => `${partition}@${offset} ${id}`),
        feed.sent(topic).map(nameOf)
      )
      assert.notInclude(second.log(), "forbidden")
      assert.deepStrictEqual(await second.stop(), { code: 0, signal: null })
    },
    600_000
  )

  // One program for all of them: each topic has its own record, and none minds the others'.
  const cases = [
    { name: "garbage", value: () => Buffer.from("not avro"), says: /cannot be decoded/ },
    { name: "empty", value: () => Buffer.alloc(0), says: /cannot be decoded/ },
    {
      name: "misfit",
      value: (id: number) => Buffer.concat([entry(id, "12345678", "12345678"), Buffer.from([1])]),
      says: /does not fit its schema/
    },
    {
      name: "strict",
      value: (id: number) => entry(id, "12345678", "forbidden"),
      says: /cannot be stored: .*\[errno=3819\]/
    }
  ]
  it(
    "errors=stop: its partition stops there, named by topic-partition@offset, all before it written; the others go on",
    async () => {
      const world = await makeWorld(servers, { topics: cases.map(({ name }) => name) })
      const bad = cases.map((one, index) => ({ ...one, topic: world.topics[index] ?? "" }))
      await world.sql.query(strictTable(bad.at(-1)?.topic ?? ""))
      const feed = await makeFeed(world)
      await surround(
        world,
        feed,
        (topic) => bad.find((one) => one.topic === topic)?.value(feed.schemaId) ?? Buffer.alloc(0)
      )
      const program = world.run({ errors: "stop" })
      for (const { says, topic } of bad) {
        const line = await program.says(new RegExp(` ERROR .*partition ${topic}-1 is stopped`))
        assert.include(line, `record ${topic}-1@37`)
        assert.match(line, says)
        await assertStopsBefore(world, feed, topic)
      }
      assert.lengthOf(program.lines(/ ERROR /), bad.length)
      assert.notInclude(program.log(), "forbidden'") // what a record holds is nobody's business in a log
      assert.isUndefined(program.end())
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    600_000
  )
})

import { Schema } from "effect"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import type { Sent } from "./support/checker.js"
import { rowsOf, storedOffsets } from "./support/database.js"
import { type Feed, makeFeed } from "./support/Feed.js"
import { caughtUp, observe } from "./support/observe.js"
import { entry } from "./support/records.js"
import { until } from "./support/until.js"
import { makeWorld, type World } from "./support/World.js"

/** Sends these bytes as one record, between records that are fine. */
const surround = async (world: World, feed: Feed, value: Buffer) => {
  const [topic = ""] = world.topics
  await feed.fill(37)
  const producer = world.kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ partition: 1, value }] })
  await producer.disconnect()
  await feed.fill(20)
}

const nameOf = ({ at, id }: Sent) => (at === undefined ? id : `${at.partition}@${at.offset} ${id}`)

/** Partition 1 holds what lies before the record, and nothing behind it; the others hold everything. */
const assertStopsBefore = async (world: World, feed: Feed) => {
  const [topic = ""] = world.topics
  await until("the other partitions have caught up", async () => {
    const stored = await storedOffsets(world.sql, topic)
    return stored.get(0) === 57n && stored.get(2) === 57n && stored.get(1) === 37n ? true : undefined
  })
  const { rows } = await observe(world, { topic, sent: [] })
  const wanted = feed.sent(topic).filter(({ at }) => at?.partition !== 1 || at.offset < 37n).map(nameOf)
  assert.sameMembers(rows.map(({ id, offset, partition }) => `${partition}@${offset} ${id}`), wanted)
}

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
      await world.sql.query(
        `CREATE TABLE \`${topic}\` (id VARCHAR(40) NOT NULL, text VARCHAR(80) NOT NULL CHECK (text <> 'forbidden'),
       _source SMALLINT UNSIGNED NOT NULL, _partition INT NOT NULL, _offset BIGINT NOT NULL,
       PRIMARY KEY (_source, _partition, _offset))`
      )
      const feed = await makeFeed(world)
      await surround(world, feed, Buffer.from("not avro"))
      const first = world.run()
      await first.says(/acquired at offset/)
      first.signal("SIGKILL")
      await first.ended
      await surround(world, feed, entry(feed.schemaId, "12345678", "forbidden"))
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
    120_000
  )

  const cases = [
    { name: "bytes that are no Avro of the registry", value: () => Buffer.from("not avro"), says: /cannot be decoded/ },
    { name: "an empty value", value: () => Buffer.alloc(0), says: /cannot be decoded/ },
    {
      name: "a body that does not fit its schema",
      value: (id: number) => Buffer.concat([entry(id, "12345678", "12345678"), Buffer.from([1])]),
      says: /does not fit its schema/
    }
  ]
  for (const { name, says, value } of cases) {
    it(
      `errors=stop, ${name}: its partition stops there, named by topic-partition@offset; the others go on`,
      async () => {
        const world = await makeWorld(servers, { topics: ["poison"] })
        const [topic = ""] = world.topics
        const feed = await makeFeed(world)
        await surround(world, feed, value(feed.schemaId))
        const program = world.run({ errors: "stop" })
        const line = await program.says(/ ERROR .*is stopped/)
        assert.include(line, `partition ${topic}-1 is stopped: record ${topic}-1@37`)
        assert.match(line, says)
        await assertStopsBefore(world, feed)
        assert.lengthOf(program.lines(/ ERROR /), 1)
        assert.isUndefined(program.end())
        assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
      },
      120_000
    )
  }

  it(
    "errors=stop, a value that the table refuses: found inside its transaction, all before it is written, nothing of it",
    async () => {
      const world = await makeWorld(servers, { topics: ["strict"] })
      const [topic = ""] = world.topics
      await world.sql.query(
        `CREATE TABLE \`${topic}\` (id VARCHAR(40) NOT NULL, text VARCHAR(80) NOT NULL CHECK (text <> 'forbidden'),
         _source SMALLINT UNSIGNED NOT NULL, _partition INT NOT NULL, _offset BIGINT NOT NULL,
         PRIMARY KEY (_source, _partition, _offset))`
      )
      const feed = await makeFeed(world)
      await surround(world, feed, entry(feed.schemaId, "12345678", "forbidden"))
      const program = world.run({ errors: "stop" })
      const line = await program.says(/ ERROR .*is stopped/)
      assert.include(line, `record ${topic}-1@37 cannot be stored`)
      assert.include(line, "[errno=3819]")
      assert.notInclude(program.log(), "forbidden'") // what a record holds is nobody's business in a log
      await assertStopsBefore(world, feed)
    },
    120_000
  )
})

import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { storedOffsets } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, observe } from "./support/observe.js"
import { until } from "./support/until.js"
import { brokerTimeoutMs, createTopics, holdOffsetRow, makeWorld, type World } from "./support/World.js"

/** Deletes the records of a partition below an offset, as retention would. */
const deleteBelow = async ({ admin }: World, topic: string, partition: number, offset: number) => {
  // kafkajs finds the leader only of topics whose metadata this client has seen.
  await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "offsets that the log does not hold", (servers) => {
  it(
    "records deleted below the stored offset stop that partition with both offsets and the cure; the others go on",
    async () => {
      const world = await makeWorld(servers, { topics: ["gone"] })
      const [topic = ""] = world.topics
      const feed = await makeFeed(world)
      await feed.fill(200)
      const first = world.run()
      await caughtUp(world, [first])
      await first.stop()
      await feed.fill(300)
      await deleteBelow(world, topic, 1, 350)

      const second = world.run()
      const line = await second.says(/ ERROR .*is stopped/)
      assert.include(line, `records are gone: ${topic}-1 wants offset 200, but its log starts at 350`)
      assert.match(line, /to accept the loss, stop Tributary and run: UPDATE kafka_offsets SET `offset` = 350/)
      await until("the others have caught up", async () => {
        const stored = await storedOffsets(world.sql, topic)
        return stored.get(0) === 500n && stored.get(2) === 500n ? true : undefined
      })
      assert.strictEqual((await storedOffsets(world.sql, topic)).get(1), 200n)
      assert.isUndefined(second.end())
      await second.stop()

      // The cure, as the line gives it: the loss is accepted by a person, and only the lost records are missing.
      const [, statement = ""] = /run: (UPDATE .*)$/.exec(line) ?? []
      await world.sql.query(statement)
      const third = world.run()
      await caughtUp(world, [third])
      const sent = feed.sent(topic).filter(({ at }) =>
        at === undefined || at.partition !== 1 || at.offset < 200n || at.offset >= 350n
      )
      assert.deepStrictEqual(await check(world, [{ topic, sent, dense: false }]), [])
    },
    600_000
  )

  it("records deleted while their partition waits for the database are noticed, not skipped", async () => {
    const world = await makeWorld(servers, { topics: ["overtaken"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(100)
    const program = world.run()
    await caughtUp(world, [program])
    // Somebody holds the partition's row; more than the queue takes arrives, and is deleted before it is fetched.
    const row = await holdOffsetRow(world, topic, 0)
    await feed.fill(4000)
    await program.says(/Backpressure activated/)
    await until("the other partitions have caught up", async () => {
      const stored = await storedOffsets(world.sql, topic)
      return stored.get(1) === 4100n && stored.get(2) === 4100n ? true : undefined
    })
    await feed.send(topic, 0, 10_000)
    await deleteBelow(world, topic, 0, 14_000)
    await row.release()
    const line = await program.says(/ ERROR .*is stopped: records are gone/)
    const stored = (await storedOffsets(world.sql, topic)).get(0) ?? 0n
    assert.include(line, `${topic}-0 wants offset ${stored}, but its log starts at 14000`)
    const { rows } = await observe(world, { topic, sent: [] })
    const own = rows.filter(({ partition }) => partition === 0).map(({ offset }) => offset)
    assert.deepStrictEqual(own, Array.from({ length: Number(stored) }, (_, index) => BigInt(index)))
    assert.isUndefined(program.end())
  }, 600_000)

  it(
    "a topic that was deleted and created again is stopped, even where its new log is longer than the old one",
    async () => {
      const world = await makeWorld(servers, { topics: ["again"], partitions: 2 })
      const [topic = ""] = world.topics
      const feed = await makeFeed(world)
      await feed.fill(300)
      const first = world.run()
      await caughtUp(world, [first])
      await first.stop()
      await world.admin.deleteTopics({ topics: [topic], timeout: brokerTimeoutMs })
      await until("the topic is gone", async () => (await world.admin.listTopics()).includes(topic) ? undefined : true)
      await createTopics(world.admin, [topic], 2)
      // Partition 0 is longer than before: by its offsets alone nobody could tell.
      await feed.send(topic, 0, 500)
      await feed.send(topic, 1, 100)
      const second = world.run()
      const line = await second.says(/ ERROR .*is stopped/)
      assert.match(line, /the topic was deleted and created again: its id is \S+, it was \S+\)/)
      assert.include(line, "read it under another consumer.group; or, to begin this life from its start, delete")
      assert.deepStrictEqual(await storedOffsets(world.sql, topic), new Map([[0, 300n], [1, 300n]]))
      const { rows } = await observe(world, { topic, sent: [] })
      assert.lengthOf(rows, 600)
      assert.isUndefined(second.end())
    },
    600_000
  )
})

import { assert, beforeAll, it } from "vitest"
import { makeRandom } from "../../src/domain/random.js"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { codecs } from "./support/codecs.js"
import { progress } from "./support/database.js"
import { makeFeed, textOf } from "./support/Feed.js"
import { kafkaJars, sendByJava } from "./support/java.js"
import { allAcquired, caughtUp, check, progressReaches, waitsForRow } from "./support/observe.js"
import type { Program } from "./support/Program.js"
import { tableWithSequence } from "./support/records.js"
import { holdOffsetRow, makeWorld } from "./support/World.js"

const seed = Number(process.env["TRIBUTARY_TEST_SEED"] ?? 20_260_731)
const kills = 12
const total = 100_000
const jars = kafkaJars()
const zstdFrom = jars === undefined ? "without Kafka's jars: zstd not by Java" : "zstd by Java"

beforeAll(ensureBuilt, 240_000)

// Outline: two instances read 3 topics × 3 partitions. Each round sends a piece of the records, waits until a random part
// of it is stored, and kills one instance (sometimes both) there and then; a new one is started at once. A row that is
// held meanwhile keeps one partition in its transaction, however late the kill comes.
// Kafka's own Java producer adds zstd; where its jars are not to be had, the tests' producer does, and the name of the test
// says so. At the end both instances catch up, and every row is compared with what was sent.
describeWith(["kafka", "registry", "mysql"], "exactly once", (servers) => {
  it(
    `${kills} kills with SIGKILL while two instances run lose and repeat nothing, whatever the codec (${zstdFrom}; seed ${seed})`,
    async () => {
      const world = await makeWorld(servers, { topics: ["chaos1", "chaos2", "chaos3"] })
      for (const topic of world.topics) await world.sql.query(tableWithSequence(topic))
      const feed = await makeFeed(world)
      const random = makeRandom(seed)
      const perPartition = 10_800
      const byJava = (total - 9 * perPartition) / 2
      const perRound = perPartition / kills
      const java = async (topic: string, count: number) => {
        if (jars === undefined) return await feed.send(topic, 0, count, "zstd")
        const ids = feed.ids(topic, count)
        await sendByJava({ jars, brokers: servers.kafka, topic, codec: "zstd", schemaId: feed.schemaId, ids, textOf })
        feed.remember(topic, ids.map((id) => ({ id })))
      }
      const [first = "", second = ""] = world.topics
      await java(first, byJava)

      const running: Array<Program> = [world.run(), world.run()]
      const all = [...running]
      await allAcquired(world, running)
      for (let round = 0; round < kills; round++) {
        const before = await progress(world.sql)
        const place = [random.integer(0, world.topics.length - 1), random.integer(0, world.partitions - 1)] as const
        const row = await holdOffsetRow(world, world.topics[place[0]] ?? "", place[1])
        const sending = feed.fill(perRound, codecs, 150)
        const piece = perRound * world.topics.length * world.partitions
        await progressReaches(world, before + random.integer(1, Math.floor(piece * 0.8)), running)
        await waitsForRow(world)
        for (const victim of round % 4 === 3 ? [0, 1] : [random.integer(0, 1)]) {
          const program = running[victim]
          assert.isUndefined(program?.end(), `an instance has ended by itself:\n${program?.log()}`)
          await program?.stop("SIGKILL")
          const next = world.run()
          running[victim] = next
          all.push(next)
        }
        await row.release()
        await sending
      }
      await java(second, byJava)
      await caughtUp(world, running, 120_000)

      const expected = world.topics.map((topic) => ({ topic, sent: feed.sent(topic), withSequence: true }))
      assert.strictEqual(expected.reduce((sum, { sent }) => sum + sent.length, 0), total)
      assert.deepStrictEqual(await check(world, expected), [])
      for (const program of running) assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
      for (const program of all) assert.deepStrictEqual(program.lines(/^\s+at |TRB-7000/), [])
    },
    900_000
  )
})

import { assert, beforeAll, it, onTestFinished } from "vitest"
import { requestTimeoutMs } from "../../src/layers/kafka/client.js"
import { describeWith, startKafka, startMysql } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, progressReaches } from "./support/observe.js"
import { assertCalm, assertMembershipKept, assertPauses, outlive } from "./support/outage.js"
import { makeWorld, reconnected } from "./support/World.js"

beforeAll(ensureBuilt, 240_000)

describeWith(["own:kafka", "registry", "mysql"], "a broker that dies", (servers) => {
  it(
    "and comes back while records flow: the program lives on, catches up, and every record is a row once",
    async () => {
      const broker = await startKafka()
      onTestFinished(() => broker.stop())
      const world = await makeWorld({ ...servers, kafka: broker.address }, {
        topics: ["broker1", "broker2", "broker3"]
      })
      const feed = await makeFeed(world)
      await feed.fill(4000)
      const program = world.run()
      await progressReaches(world, 5000, [program])
      const beganMs = performance.now()
      await broker.kill()
      await outlive(program)
      const startsMs = performance.now()
      await broker.start()
      const losses = 2 + Math.floor((performance.now() - startsMs) / requestTimeoutMs)
      await feed.fill(1000)
      await caughtUp(world, [program], 120_000)
      // Each topic's client tells the broker's state when it changes; one that starts may be lost a second time, and
      // again for each request that it takes and does not answer in time.
      assertCalm(program, beganMs, losses * world.topics.length)
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    600_000
  )
})

describeWith(["kafka", "registry", "own:mysql"], "a database that dies", (servers) => {
  it(
    "and comes back while records flow: the program lives on, catches up, and every record is a row once",
    async () => {
      const mysql = await startMysql()
      onTestFinished(() => mysql.stop())
      const before = await makeWorld({ ...servers, mysql: mysql.address }, { topics: ["base1", "base2", "base3"] })
      const feed = await makeFeed(before)
      await feed.fill(4000)
      const program = before.run()
      await progressReaches(before, 5000, [program])
      const beganMs = performance.now()
      await mysql.kill()
      await feed.fill(500)
      await outlive(program)
      await mysql.start()
      const world = { ...before, sql: await reconnected(before) }
      await feed.fill(500)
      await caughtUp(world, [program], 120_000)
      const partitions = world.topics.length * world.partitions
      // Each may have been waiting for the answer to a COMMIT, and says so once.
      assertCalm(program, beganMs, partitions)
      assertPauses(program, partitions)
      assertMembershipKept(program, world.topics)
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    600_000
  )
})

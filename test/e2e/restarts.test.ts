import { setTimeout as sleep } from "node:timers/promises"
import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith, startKafka, startMysql } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, progressReaches } from "./support/observe.js"
import type { Program } from "./support/Program.js"
import { makeWorld, reconnected } from "./support/World.js"

/** Long enough that every retry has failed several times. */
const outageMs = 8000
/** Three topics of three partitions may each say once that it begins and once that it is over; and some more. */
const outageLinesMax = 60

const assertCalm = (program: Program) => {
  assert.isUndefined(program.end(), program.log())
  assert.deepStrictEqual(program.lines(/^\s+at |TRB-7000/), [])
  const loud = program.lines(/ (?:WARN|ERROR) /).filter((line) => !line.includes("Backpressure"))
  assert.isAtMost(loud.length, outageLinesMax, `the log is flooded:\n${loud.join("\n")}`)
}

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
      await broker.kill()
      await sleep(outageMs)
      assert.isUndefined(program.end(), program.log())
      await broker.start()
      await feed.fill(1000)
      await caughtUp(world, [program], 120_000)
      assertCalm(program)
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    240_000
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
      await mysql.kill()
      await feed.fill(500)
      await sleep(outageMs)
      assert.isUndefined(program.end(), program.log())
      await mysql.start()
      const world = { ...before, sql: await reconnected(before) }
      await feed.fill(500)
      await caughtUp(world, [program], 120_000)
      assertCalm(program)
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    240_000
  )
})

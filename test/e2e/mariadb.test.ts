import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { progress } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { allAcquired, caughtUp, check, progressReaches, waitsForRow } from "./support/observe.js"
import { holdOffsetRow, makeWorld } from "./support/World.js"

const kills = 4
const perRound = 300

beforeAll(ensureBuilt, 240_000)

// Outline: the chaos of exactlyOnce.test.ts in small, on MariaDB. The tables are made by the program, each round kills the
// instance at work behind a part of the round's records and starts another; in the end every row is compared. One partition
// waits for its row at each kill, inside its transaction.
describeWith(["kafka", "registry", "mariadb"], "exactly once on MariaDB", ({ kafka, mariadb, registry }) => {
  it(`${kills} kills with SIGKILL lose and repeat nothing`, async () => {
    const world = await makeWorld({ kafka, registry, mysql: mariadb }, { topics: ["mariadb1", "mariadb2"] })
    const feed = await makeFeed(world)
    let program = world.run()
    await allAcquired(world, [program])
    for (let round = 0; round < kills; round++) {
      const before = await progress(world.sql)
      const piece = perRound * world.topics.length * world.partitions
      const row = await holdOffsetRow(world, world.topics[round % 2] ?? "", round % world.partitions)
      const sending = feed.fill(perRound, ["none"], 50)
      await progressReaches(world, before + Math.floor((piece * (round + 1)) / (kills + 2)), [program])
      await waitsForRow(world)
      assert.isUndefined(program.end(), `the instance has ended by itself:\n${program.log()}`)
      await program.stop("SIGKILL")
      await row.release()
      program = world.run()
      await sending
    }
    await caughtUp(world, [program])
    const expected = world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))
    assert.deepStrictEqual(await check(world, expected), [])
    assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
  }, 400_000)
})

import { assert, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { storedOffsets } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, progressReaches } from "./support/observe.js"
import { makeWorld, type World } from "./support/World.js"

/** `topic-partition=offset …`, as the program tells it at its end. */
const told = (line: string): Record<string, string> =>
  Object.fromEntries([...line.matchAll(/(\S+-\d+)=(\d+)/g)].map(([, name = "", offset = ""]) => [name, offset]))

const stored = async (world: World): Promise<Record<string, string>> => {
  const all: Record<string, string> = {}
  for (const topic of world.topics) {
    for (const [partition, offset] of await storedOffsets(world.sql, topic)) {
      all[`${topic}-${partition}`] = String(offset)
    }
  }
  return all
}

describeWith(["kafka", "registry", "mysql"], "an orderly end", (servers) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`${signal} in mid-flight: exit 0 in time, the offsets told are those stored, a second start goes on there`, async () => {
      const world = await makeWorld(servers, { topics: ["drain1", "drain2"] })
      const feed = await makeFeed(world)
      await feed.fill(5000)
      const deadlineMs = 15_000
      const program = world.run({ "shutdown.timeout.ms": String(deadlineMs) })
      await progressReaches(world, 3000, [program])
      const since = performance.now()
      assert.deepStrictEqual(await program.stop(signal), { code: 0, signal: null }, program.log())
      assert.isBelow(performance.now() - since, deadlineMs)

      const offsets = await stored(world)
      assert.isBelow(Object.values(offsets).reduce((sum, offset) => sum + Number(offset), 0), 30_000)
      assert.deepStrictEqual(told(program.lines(/stored offsets: /)[0] ?? ""), offsets)
      assert.lengthOf(program.lines(/kafka consumer application stopped$/), 1)

      const next = world.run()
      await caughtUp(world, [next])
      for (const line of next.lines(/acquired at offset/)) {
        const [, partition = "", offset = ""] = /\[(\S+-\d+)\] .*acquired at offset (\d+)/.exec(line) ?? []
        assert.strictEqual(offset, offsets[partition], line)
      }
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
    })
  }
})

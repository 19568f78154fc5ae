import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { progress } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, progressReaches } from "./support/observe.js"
import { losses, takeOvers } from "./support/membership.js"
import { logsOf, type Program, tail } from "./support/Program.js"
import { tableWithSequence } from "./support/records.js"
import { until } from "./support/until.js"
import { makeWorld } from "./support/World.js"

const freezes = 4

/** No index that could refuse a repeated row: only the protocol keeps a zombie out. */
const withoutKeys = (table: string) =>
  tableWithSequence(table).replace("PRIMARY KEY (_source, _partition, _offset)", "KEY (_source, _partition, _offset)")

const stateOf = (program: Program) => program.lines(/partitions (?:assigned|lost)|acquired|fenced/).at(-1) ?? ""

beforeAll(ensureBuilt, 240_000)

// Outline: two instances share the partitions. One is frozen in mid-flight, with a transaction open and a queue that is
// full, for longer than its session lasts; the other takes its partitions over and goes on. Then it is thawed: it
// believes that it owns them still, and finds its queue and its open connections as it left them.
describeWith(["kafka", "registry", "mysql"], "an owner that has been replaced without knowing it", (servers) => {
  it("an instance that is frozen, replaced and thawed writes nothing", async () => {
    const world = await makeWorld(servers, { topics: ["zombie"] })
    const [topic = ""] = world.topics
    await world.sql.query(withoutKeys(topic))
    const feed = await makeFeed(world)
    const [one, other] = [world.run(), world.run()]
    const both = [one, other]
    await until("both have joined", () => both.every((program) => program.lines(/assigned/).length > 0) || undefined)
    for (let round = 0; round < freezes; round++) {
      const [frozen, healthy] = round % 2 === 0 ? [one, other] : [other, one]
      await until(
        "both have partitions",
        () => both.every((program) => stateOf(program).includes("acquired")) || undefined,
        { about: logsOf(both) }
      )
      const before = await progress(world.sql)
      const [taken, lost] = [takeOvers(healthy), losses(frozen)]
      const sending = feed.fill(3000, ["none"], 1000)
      await progressReaches(world, before + 500 + 300 * round, both)
      frozen.signal("SIGSTOP")
      await sending
      await until("the other has all partitions", () => takeOvers(healthy) > taken || undefined, {
        about: () => tail(healthy.log())
      })
      await caughtUp(world, both)
      frozen.signal("SIGCONT")
      await until("the thawed one has noticed", () => losses(frozen) > lost || undefined, {
        about: () => tail(frozen.log())
      })
      await feed.fill(100)
      await caughtUp(world, both)
    }
    for (const program of both) {
      assert.isUndefined(program.end(), program.log())
      assert.deepStrictEqual(program.lines(/ ERROR |^\s+at /), [])
    }
    const expected = [{ topic, sent: feed.sent(topic), withSequence: true }]
    assert.deepStrictEqual(await check(world, expected), [])
    for (const program of both) assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    assert.deepStrictEqual(await check(world, expected), [])
  }, 900_000)
})

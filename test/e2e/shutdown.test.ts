import { assert, beforeAll, it } from "vitest"
import { startTcpProxy } from "../../proof/support/tcpProxy.js"
import { describeWith } from "../servers/index.js"
import { atEnd } from "./support/atEnd.js"
import { ensureBuilt } from "./support/build.js"
import { storedOffsets } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { allAcquired, caughtUp, check, progressReaches } from "./support/observe.js"
import { until } from "./support/until.js"
import { holdOffsetRow, makeWorld, type World } from "./support/World.js"

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

/**
 * Runs it until it has caught up. The next rows that it sends from then on are lost on their way, and nobody is told; a wait
 * for a lock would end by itself after 5 s, and one for an answer after 30 s, if it were not told to wait for longer.
 */
const onSilentWay = async (world: World, settings: Readonly<Record<string, string>>) => {
  const { hostname, port } = new URL(world.addresses.mysql)
  const proxy = await startTcpProxy(() => ({ host: hostname, port: Number(port) }))
  atEnd(proxy.close)
  const program = world.run({
    ...settings,
    "mysql.url": `jdbc:mysql://127.0.0.1:${proxy.port}/${world.database}`,
    "mysql.statement.timeout.ms": "3600000"
  })
  await caughtUp(world, [program])
  proxy.arm({ trigger: /INSERT INTO/, fault: "swallow" })
  return {
    program,
    silenced: () => until("rows are on their way", () => proxy.struck() > 0 || undefined, { about: program.log })
  }
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "an orderly end", (servers) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(
      `${signal} in mid-flight: exit 0 in time, the offsets told are those stored, a second start goes on there`,
      async () => {
        const world = await makeWorld(servers, { topics: ["drain1", "drain2"] })
        const [held = ""] = world.topics
        const feed = await makeFeed(world)
        // Beyond its deadline it would end with exit code 1.
        const program = world.run({ "shutdown.timeout.ms": "30000" })
        await allAcquired(world, [program])
        // However late the signal comes: this partition still has all of its records before it.
        const row = await holdOffsetRow(world, held, 0)
        await feed.fill(5000)
        await progressReaches(world, 3000, [program])
        program.signal(signal)
        await program.says(/stopping: /)
        await row.release()
        assert.deepStrictEqual(await program.ended, { code: 0, signal: null }, program.log())

        const offsets = await stored(world)
        assert.isBelow(Number(offsets[`${held}-0`]), 5000)
        // A partition that was acquired and has had no turn yet has nothing to tell.
        const moved = Object.fromEntries(Object.entries(offsets).filter(([, offset]) => offset !== "0"))
        assert.deepStrictEqual(told(program.lines(/stored offsets: /)[0] ?? ""), moved)
        assert.lengthOf(program.lines(/kafka consumer application stopped$/), 1)

        const next = world.run()
        await caughtUp(world, [next])
        for (const line of next.lines(/acquired at offset/)) {
          const [, partition = "", offset = ""] = /\[(\S+-\d+)\] .*acquired at offset (\d+)/.exec(line) ?? []
          assert.strictEqual(offset, offsets[partition], line)
        }
        assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      },
      400_000
    )
  }

  it(
    "a database that does not answer: at the deadline it gives up with exit 1 and says so; nothing is lost",
    async () => {
      const world = await makeWorld(servers, { topics: ["stuck"] })
      const [topic = ""] = world.topics
      const feed = await makeFeed(world)
      await feed.fill(10)
      const { program, silenced } = await onSilentWay(world, { "shutdown.timeout.ms": "1500" })
      await feed.fill(1000)
      await silenced()
      assert.deepStrictEqual(await program.stop(), { code: 1, signal: null }, program.log())
      assert.include(program.log(), "the drain did not end within 1500 ms")
      assert.deepStrictEqual(program.lines(/^\s+at /), [])
      const next = world.run()
      await caughtUp(world, [next])
      assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic) }]), [])
    },
    400_000
  )

  it("a second SIGTERM ends it at once; nothing is lost", async () => {
    const world = await makeWorld(servers, { topics: ["twice"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(10)
    const { program, silenced } = await onSilentWay(world, { "shutdown.timeout.ms": "60000" })
    await feed.fill(1000)
    await silenced()
    program.signal("SIGTERM")
    await program.says(/stopping: /)
    assert.deepStrictEqual(await program.stop("SIGTERM"), { code: null, signal: "SIGTERM" })
    const next = world.run()
    await caughtUp(world, [next])
    assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic) }]), [])
  }, 400_000)
})

import { setTimeout as sleep } from "node:timers/promises"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { storedOffsets } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check } from "./support/observe.js"
import type { Program } from "./support/Program.js"
import { until } from "./support/until.js"
import { holdOffsetRow, makeWorld, openSession } from "./support/World.js"

const activated = "Backpressure activated and message processing stopped..."
const resolved = "Backpressure has been resolved. Resuming message processing..."
/** Twice the session time-out of 6 s: a member that does not send heartbeats would have been thrown out. */
const heldMs = 13_000
const mebibyte = 1024 * 1024
/** Far more than a few queues of 310 records, far less than the records that wait. */
const growthMax = 150 * mebibyte
const queueMax = 300 + 10

/** The largest memory seen until `done`. */
const peakUntil = async (program: Program, done: Promise<unknown>): Promise<number> => {
  let peak = 0
  const sampling = setInterval(() => {
    peak = Math.max(peak, program.residentBytes())
  }, 50)
  try {
    await done
  } finally {
    clearInterval(sampling)
  }
  return peak
}

const line = (topic: string, partition: number, more = "") =>
  new RegExp(`\\[${topic}-${partition}\\] WARN tributary\\.Partition - Backpressure${more}`)

/** Waits until it says that the partition is paused: before that nothing is held up. */
const paused = (program: Program, topic: string, partition: number) =>
  program.says(line(topic, partition, " activated"))

const assertPair = async (program: Program, topic: string, partition: number) => {
  const where = `topic=${topic} partition=${partition}`
  const of = await until("the last pair is whole", () => {
    const lines = program.lines(line(topic, partition))
    return lines.at(-1)?.includes(resolved) === true ? lines : undefined
  }, { about: program.log })
  const [first = "", last = ""] = [of[0], of.at(-1)]
  assert.include(first, ` - ${activated} [${where} queued=`)
  assert.match(last, new RegExp(` - ${resolved.replaceAll(".", "\\.")} \\[${where} queued=\\d+ paused=\\d+ms\\]$`))
  for (const one of of) assert.isAtMost(Number(/queued=(\d+)/.exec(one)?.[1]), queueMax, one)
}

const assertMembershipKept = (program: Program, topics: number) => {
  assert.deepStrictEqual(program.lines(/partitions lost/), [])
  assert.lengthOf(program.lines(/partitions assigned: 0, 1, 2 /), topics, "the group has rebalanced")
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "back-pressure", (servers) => {
  it(
    "a partition that the database holds up is paused and said; the others go on, nobody loses the membership",
    async () => {
      const world = await makeWorld(servers, { topics: ["slow", "free"] })
      const [slow = "", free = ""] = world.topics
      const feed = await makeFeed(world)
      await feed.fill(10)
      const program = world.run()
      await caughtUp(world, [program])
      const row = await holdOffsetRow(world, slow, 0)
      const before = program.residentBytes()
      const held = (async () => {
        const since = performance.now()
        await feed.fill(20_000, ["none"], 2000)
        await until("all others have caught up", async () => {
          const [a, b] = [await storedOffsets(world.sql, slow), await storedOffsets(world.sql, free)]
          return [a.get(1), a.get(2), b.get(0), b.get(1), b.get(2)].every((offset) => offset === 20_010n)
            ? true
            : undefined
        }, { everyMs: 200, withinMs: 120_000, about: program.log })
        await paused(program, slow, 0)
        await sleep(Math.max(0, heldMs - (performance.now() - since)))
      })()
      const peak = await peakUntil(program, held)
      assert.strictEqual((await storedOffsets(world.sql, slow)).get(0), 10n)
      assert.isBelow(peak - before, growthMax, `${before / mebibyte} MiB became ${peak / mebibyte} MiB`)
      await row.release()
      await caughtUp(world, [program], 120_000)
      await assertPair(program, slow, 0)
      assertMembershipKept(program, 2)
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    600_000
  )

  it("a table that is locked as a whole holds up its topic within the same bounds", async () => {
    const world = await makeWorld(servers, { topics: ["locked"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(10)
    const program = world.run()
    await caughtUp(world, [program])
    const session = await openSession(world)
    await session.query(`LOCK TABLES \`${topic}\` READ`)
    const before = program.residentBytes()
    const held = Promise.all([
      feed.fill(10_000, ["none"], 2000),
      ...[0, 1, 2].map((partition) => paused(program, topic, partition)),
      sleep(heldMs)
    ])
    const peak = await peakUntil(program, held)
    assert.isBelow(peak - before, growthMax, `${before / mebibyte} MiB became ${peak / mebibyte} MiB`)
    await session.query("UNLOCK TABLES")
    await caughtUp(world, [program], 120_000)
    for (const partition of [0, 1, 2]) await assertPair(program, topic, partition)
    assertMembershipKept(program, 1)
    assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic) }]), [])
  }, 600_000)
})

import kafkajs from "kafkajs"
import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { codecs, compressionTypes } from "./support/codecs.js"
import { makeFeed, textOf } from "./support/Feed.js"
import { caughtUp, check, logsEndAt, rangesOf } from "./support/observe.js"
import { entry } from "./support/records.js"
import { makeWorld, suffix, type World } from "./support/World.js"
import { storedOffsets } from "./support/database.js"

const transactional = async (world: World, name: string) => {
  const producer = world.kafka.producer({
    transactionalId: `${name}-${suffix()}`,
    transactionTimeout: 600_000, // or the broker aborts by itself what a slow test leaves open
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner
  })
  await producer.connect()
  onTestFinished(() => producer.disconnect().catch(() => {}))
  return producer
}

beforeAll(ensureBuilt, 240_000)

// Outline: two transactional ids write into the same partitions, their transactions interleaved, every third one
// aborted, in all codecs, some before the consumer starts and some while it runs; the last thing in every partition is
// an aborted transaction, so that its log ends with records and markers that nobody may see.
describeWith(["kafka", "registry", "mysql"], "transactional producers", (servers) => {
  it(
    "only committed records become rows, and the stored offset is the end of the log behind an aborted tail",
    async () => {
      const world = await makeWorld(servers, { topics: ["tx1", "tx2"] })
      const feed = await makeFeed(world)
      const producers = [await transactional(world, "a"), await transactional(world, "b")]
      const aborted = new Set<string>()
      let turn = 0
      let end = 0n // of each log

      const sendPiece = async (transaction: kafkajs.Transaction, committed: boolean) => {
        for (const topic of world.topics) {
          for (let partition = 0; partition < world.partitions; partition++) {
            const ids = feed.ids(topic, 20)
            const codec = codecs[turn++ % codecs.length] ?? "none"
            const [placed] = await transaction.send({
              topic,
              compression: compressionTypes[codec],
              // Among the keys one of four zero bytes: such a record once passed for a control record.
              messages: ids.map((id, index) => ({
                partition,
                key: index === 0 ? Buffer.alloc(4) : id,
                value: entry(feed.schemaId, id, textOf(id))
              }))
            })
            const base = BigInt(placed?.baseOffset ?? "-1")
            if (committed) {
              feed.remember(topic, ids.map((id, at) => ({ id, at: { partition, offset: base + BigInt(at) } })))
            } else ids.forEach((id) => aborted.add(id))
          }
        }
        end += 20n
      }

      const finish = async (transaction: kafkajs.Transaction, committed: boolean) => {
        await (committed ? transaction.commit() : transaction.abort())
        end += 1n // its marker
      }

      /** Two transactions that overlap in every partition; `a` begins first and ends first, or last. */
      const pair = async (commitA: boolean, commitB: boolean, nested: boolean) => {
        const [first, second] = producers
        const a = await first?.transaction()
        const b = await second?.transaction()
        if (a === undefined || b === undefined) return
        await sendPiece(a, commitA)
        await sendPiece(b, commitB)
        await sendPiece(a, commitA)
        await (nested ? finish(b, commitB) : finish(a, commitA))
        if (nested) await sendPiece(a, commitA)
        else await sendPiece(b, commitB)
        await (nested ? finish(a, commitA) : finish(b, commitB))
      }

      await pair(false, true, true)
      await pair(true, false, false)
      await pair(false, false, true)
      const program = world.run()
      await pair(true, true, false)
      await pair(false, true, false)
      await feed.fill(100, codecs, 20)
      end += 100n
      await pair(true, false, true)
      await pair(false, false, false)

      const ends = new Map(Array.from({ length: world.partitions }, (_, partition) => [partition, end]))
      for (const topic of world.topics) await logsEndAt(world, topic, ends)
      await caughtUp(world, [program])
      const expected = world.topics.map((topic) => ({ topic, sent: feed.sent(topic), dense: false }))
      assert.deepStrictEqual(await check(world, expected), [])
      for (const topic of world.topics) {
        const [rows] = await world.sql.query(`SELECT id FROM \`${topic}\``)
        assert.isArray(rows)
        const shown = new Set(JSON.stringify(rows).match(/[a-z0-9_]+-\d{9}/g))
        assert.isAbove(shown.size, 0)
        assert.deepStrictEqual([...shown].filter((id) => aborted.has(id)), [])
      }
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    },
    400_000
  )

  it("an open transaction is waited for: nothing behind it is read, and all of it once it is committed", async () => {
    const world = await makeWorld(servers, { topics: ["open"], partitions: 1 })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    const producer = await transactional(world, "open")
    await feed.send(topic, 0, 10)
    const transaction = await producer.transaction()
    const [id = ""] = feed.ids(topic, 1)
    await transaction.send({ topic, messages: [{ partition: 0, value: entry(feed.schemaId, id, textOf(id)) }] })
    feed.remember(topic, [{ id, at: { partition: 0, offset: 10n } }])
    await feed.send(topic, 0, 10)
    const program = world.run()
    await caughtUp(world, [program]) // the end that readers of committed records are told: where the transaction begins
    assert.deepStrictEqual(await storedOffsets(world.sql, topic), new Map([[0, 10n]]))
    await program.stop("SIGKILL")
    const next = world.run()
    await next.says(/acquired at offset 10 /)
    await transaction.commit()
    await logsEndAt(world, topic, new Map([[0, 22n]]))
    await caughtUp(world, [next])
    assert.deepStrictEqual(await rangesOf(world, topic), new Map([[0, { low: 0n, end: 22n }]]))
    assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic), dense: false }]), [])
  }, 400_000)
})

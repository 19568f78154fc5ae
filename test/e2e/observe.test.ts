import { type Connection, createConnection } from "mysql2/promise"
import { assert, beforeAll, it } from "vitest"
import { connectionsLeft } from "../../proof/chaos/leftovers.js"
import { check, sizeOf } from "../../proof/checker/check.js"
import type { FindingKind, SourceLog } from "../../proof/checker/History.js"
import { installAudit } from "../../proof/observe/audit.js"
import { readLogs } from "../../proof/observe/kafkaLog.js"
import { historyOf, readTables } from "../../proof/observe/readHistory.js"
import { startTcpProxy } from "../../proof/support/tcpProxy.js"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { atEnd } from "./support/atEnd.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, logsEndAt, progressReaches } from "./support/observe.js"
import { entry } from "./support/records.js"
import { until } from "./support/until.js"
import { account, makeWorld, suffix, type World } from "./support/World.js"

/** Records that nobody may see, and one that is no Avro. */
const addOddities = async ({ kafka }: World, topic: string, schemaId: number) => {
  const plain = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const inTransactions = kafka.producer({ transactionalId: `t-${suffix()}`, idempotent: true, maxInFlightRequests: 1 })
  for (const producer of [plain, inTransactions]) {
    await producer.connect()
    atEnd(() => producer.disconnect().catch(() => {}))
  }
  await plain.send({ topic, messages: [{ partition: 0, key: "poison", value: Buffer.from("not avro") }] })
  const transaction = await inTransactions.transaction()
  const messages = ["unseen-001", "unseen-002"].map((id) => ({ partition: 1, key: id, value: entry(schemaId, id, id) }))
  await transaction.send({ topic, messages })
  await transaction.abort()
}

const of = (partition: number, offset: number) => `_partition = ${partition} AND _offset = ${offset}`

/** A change by hand, and what is found then; it is taken back by `undo`. */
const corruptions = (topic: string): ReadonlyArray<readonly [FindingKind, change: string, undo: string]> => {
  const copy = (offset: string) =>
    `INSERT INTO \`${topic}\` (id, text, _source, _partition, _offset)
     SELECT id, text, _source, _partition, ${offset} FROM \`${topic}\` WHERE ${of(0, 5)} LIMIT 1`
  const offsets = `kafka_offsets WHERE topic = '${topic}' AND \`partition\` = 0`
  return [
    [
      "lost",
      `UPDATE \`${topic}\` SET _partition = 99 WHERE ${of(0, 5)}`,
      `UPDATE \`${topic}\` SET _partition = 0 WHERE ${of(99, 5)}`
    ],
    ["repeated", copy("_offset"), `DELETE FROM \`${topic}\` WHERE ${of(0, 5)} ORDER BY seq DESC LIMIT 1`],
    ["row without its offset", copy("1000000"), `DELETE FROM \`${topic}\` WHERE ${of(0, 1_000_000)}`],
    [
      "wrong content",
      `UPDATE \`${topic}\` SET id = CONCAT(id, 'x') WHERE ${of(1, 7)}`,
      `UPDATE \`${topic}\` SET id = TRIM('x' FROM id) WHERE ${of(1, 7)}`
    ],
    [
      "stored offset went back",
      `UPDATE ${offsets.replace(" WHERE", " SET `offset` = `offset` - 1 WHERE")}`,
      `UPDATE ${offsets.replace(" WHERE", " SET `offset` = `offset` + 1 WHERE")}`
    ]
  ]
}

const kindsIn = async (sql: Connection, topic: string, logs: ReadonlyArray<SourceLog>) =>
  check(historyOf(logs, await readTables({ sql, topics: [topic] }))).map(({ kind }) => kind)

/** The move of one who has been replaced, and was not kept out: nothing but where it comes from tells. */
const moveFromElsewhere = async ({ addresses, database }: World, topic: string) => {
  const { hostname, port, username } = new URL(addresses.mysql)
  const proxy = await startTcpProxy(() => ({ host: hostname, port: Number(port) }))
  atEnd(proxy.close)
  proxy.comeFrom("127.0.0.2")
  const sql = await createConnection({ host: "127.0.0.1", port: proxy.port, user: username, database })
  await sql.query("UPDATE kafka_offsets SET generation = generation WHERE topic = ? AND `partition` = 0", [topic])
  await sql.end()
}

/** While the program's account has a connection, as after a process that has not let go of it. */
const withConnection = async <A>({ addresses, database }: World, look: () => Promise<A>): Promise<A> => {
  const { hostname, port } = new URL(addresses.mysql)
  const sql = await createConnection({ host: hostname, port: Number(port), ...account, database })
  const found = await look()
  await sql.end()
  return found
}

beforeAll(ensureBuilt, 240_000)

// A history that does not say what has happened would make every run of `npm run chaos` pass. Outline: one instance is
// killed in mid-flight, the next goes on. Nothing may be found. Then the tables are changed by hand, one way after the
// other, and each is found.
describeWith(["kafka", "registry", "mysql"], "the history of real servers", (servers) => {
  it("holds nothing against a program that is killed and replaced, and shows each corruption", async () => {
    const world = await makeWorld(servers, { topics: ["observed"], partitions: 2 })
    const [topic = ""] = world.topics
    await installAudit(world)
    const feed = await makeFeed(world)
    await feed.fill(1500, ["none"], 500)
    await addOddities(world, topic, feed.schemaId)
    await logsEndAt(world, topic, new Map([[0, 1501n], [1, 1503n]]))
    await feed.fill(1500, ["gzip"], 500)
    const reading = readLogs(world, world.topics) // nothing is produced any more: meanwhile
    atEnd(() => reading.catch(() => {})) // whatever fails first
    const killed = world.run({ "batch.max.rows": "100" })
    await progressReaches(world, 300, [killed])
    await killed.stop("SIGKILL")
    const next = world.run()
    await caughtUp(world, [next])
    // The one that was killed may have come to the end by itself; the next one takes its partitions over all the same.
    const hasBoth = () => next.lines(/acquired at offset/).length >= 2 || undefined
    await until("the next one has both partitions", hasBoth, { about: next.log })
    const logs = await reading
    const history = historyOf(logs, await readTables(world))
    assert.deepStrictEqual(check(history), [])
    const { acquisitions, moves, ...size } = sizeOf(history)
    assert.deepStrictEqual(size, {
      partitions: 2,
      records: 6001,
      abortedRecords: 2,
      rows: 6000,
      letters: 1,
      observations: 0
    })
    assert.isAtLeast(acquisitions, 3) // those of the killed one, and of both partitions by the next
    assert.isAbove(moves, acquisitions)
    await next.stop()
    assert.deepStrictEqual(await connectionsLeft(world), [])
    assert.lengthOf(await withConnection(world, () => connectionsLeft(world, 0)), 1)
    await moveFromElsewhere(world, topic)
    assert.deepStrictEqual(await kindsIn(world.sql, topic, logs), ["effect by a fenced owner"])
    await world.sql.query("DELETE FROM proof_moves ORDER BY seq DESC LIMIT 1")
    for (const [kind, change, undo] of corruptions(topic)) {
      await world.sql.query(change)
      assert.include(await kindsIn(world.sql, topic, logs), kind)
      await world.sql.query(undo)
    }
  }, 600_000)
})

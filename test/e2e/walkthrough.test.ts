import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { assert, beforeAll, it } from "vitest"
import { type Dataset, datasetRecord } from "../../src/domain/datasets.js"
import { describeWith } from "../servers/index.js"
import { ensureBuilt, shippedProperties } from "./support/build.js"
import { rowsOf } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check, rangesOf } from "./support/observe.js"
import { openProducer } from "./support/openProducer.js"
import { runProgram } from "./support/Program.js"
import { entry } from "./support/records.js"
import { account, makeWorld, type World } from "./support/World.js"

/** What tells two records of a data set apart, as the producer makes it and as the table shows it. */
const identities: Record<Dataset, { readonly column: string; readonly id: (index: number) => string }> = {
  dataset1: {
    column: "transaction_id",
    id: (index) => String(datasetRecord("dataset1", 1, index).value["transaction_id"])
  },
  dataset2: {
    column: "CONCAT(customer_id, '@', CAST(updated_at AS CHAR))",
    id: (index) => {
      const { customer_id: id, updated_at: at } = datasetRecord("dataset2", 1, index).value
      return `${String(id)}@${new Date(Number(at)).toISOString().replace("T", " ").replace("Z", "")}`
    }
  },
  dataset3: {
    column: "LOWER(quote_id)",
    id: (index) => {
      const bytes = datasetRecord("dataset3", 1, index).value["quote_id"]
      const hex = Buffer.isBuffer(bytes) ? bytes.toString("hex") : ""
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
    }
  }
}

/** All that `select *` prints; a fifth column would be an error. */
const Printed = Schema.Struct({
  topic: Schema.String,
  partition: Schema.Number,
  consumer_group: Schema.String,
  offset: Schema.BigInt
}).annotations({ parseOptions: { onExcessProperty: "error" } })

const produce = async (world: World, args: ReadonlyArray<string>) => {
  const { code, log } = await runProgram({
    args: ["produce", "--config", world.properties(), ...args],
    folder: world.folder
  })
  assert.strictEqual(code, 0, log)
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "the walk-through", (servers) => {
  it(
    "the shipped property file, changed only where it names hosts, database and topics: produced, killed, compared",
    async () => {
      const world = await makeWorld(servers, { topics: ["dataset1", "dataset2", "dataset3"] })
      const shipped = readFileSync(shippedProperties, "utf8").trimEnd().split("\n")
      const ours = readFileSync(world.properties(), "utf8").trimEnd().split("\n")
      const changed = shipped.filter((line, index) => line !== ours[index]).map((line) => line.split("=")[0])
      const places = ["kafka.bootstrap.servers", "kafka.topics", "kafka.schema.registry.url", "mysql.url"]
      assert.deepStrictEqual(changed, places)
      assert.lengthOf(ours, shipped.length)

      const count = 3000
      await produce(world, ["--count", "1000", "--compression", "gzip"])
      const killed = world.run()
      await killed.says(/acquired at offset/)
      await produce(world, ["--count", "1000", "--from", "1000", "--compression", "snappy"])
      await killed.stop("SIGKILL")
      await produce(world, ["--count", "1000", "--from", "2000", "--compression", "lz4"])
      const program = world.run()
      await caughtUp(world, [program])

      const datasets = ["dataset1", "dataset2", "dataset3"] as const
      const expected = datasets.map((dataset, index) => ({
        topic: world.topics[index] ?? "",
        idColumn: identities[dataset].column,
        sent: Array.from({ length: count }, (_, record) => ({ id: identities[dataset].id(record) }))
      }))
      assert.deepStrictEqual(await check(world, expected), [])
      assert.isAtLeast(program.lines(/Backpressure activated/).length + killed.lines(/Backpressure/).length, 1)

      const verified = await runProgram({ args: ["verify", "--config", world.properties()], folder: world.folder })
      assert.strictEqual(verified.code, 0, verified.log)
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
      const [topic = ""] = world.topics
      await world.sql.query(`DELETE FROM \`${topic}\` LIMIT 1`)
      const different = await runProgram({ args: ["verify", "--config", world.properties()], folder: world.folder })
      assert.strictEqual(different.code, 2, different.log)
    },
    600_000
  )

  it("select * from kafka_offsets prints topic, partition, consumer_group, offset: the ends of the topic", async () => {
    const world = await makeWorld(servers, { topics: ["looks"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(70)
    const program = world.run()
    await caughtUp(world, [program])
    const [, fields] = await world.sql.query("select * from kafka_offsets")
    assert.deepStrictEqual(fields.map(({ name }) => name), ["topic", "partition", "consumer_group", "offset"])
    const rows = await rowsOf(world.sql, Printed, "select * from kafka_offsets")
    const ends = await rangesOf(world, topic)
    const wanted = [0, 1, 2].map((partition) => {
      const end = ends.get(partition)?.end ?? -1n
      return { topic, partition, consumer_group: `group-${topic}`, offset: end }
    })
    assert.deepStrictEqual(rows, wanted)
  }, 300_000)

  it("keys may be plain text, Avro, empty or missing", async () => {
    const world = await makeWorld(servers, { topics: ["keys"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    const producer = await openProducer(world)
    const keys = [
      "plain",
      entry(feed.schemaId, "avro-key-1", "avro-key-1"),
      Buffer.alloc(0),
      null,
      Buffer.from([0, 255])
    ]
    for (const [index, key] of keys.entries()) {
      const [id = ""] = feed.ids(topic, 1)
      const partition = index % 3
      const value = entry(feed.schemaId, id, "any text")
      const [placed] = await producer.send({ topic, messages: [{ partition, key, value }] })
      feed.remember(topic, [{ id, at: { partition, offset: BigInt(placed?.baseOffset ?? "-1") } }])
    }
    const program = world.run()
    await caughtUp(world, [program])
    assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic) }]), [])
  }, 300_000)

  it("the database may be named by jdbc:mysql:// or mysql://, with the account in the URL or beside it", async () => {
    const world = await makeWorld(servers, { topics: ["urls"] })
    const [topic = ""] = world.topics
    const feed = await makeFeed(world)
    const { host } = new URL(servers.mysql)
    const password = encodeURIComponent(account.password).replace("!", "%21")
    const forms: ReadonlyArray<Readonly<Record<string, string>>> = [
      { "mysql.url": `jdbc:mysql://${host}/${world.database}` },
      { "mysql.url": `mysql://${host}/${world.database}` },
      { "mysql.url": `mysql://${account.user}:${password}@${host}/${world.database}` }
    ]
    for (const form of forms) {
      await feed.fill(20)
      const program = world.run(form)
      await caughtUp(world, [program])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
      assert.notInclude(program.log(), account.password)
    }
    assert.deepStrictEqual(await check(world, [{ topic, sent: feed.sent(topic) }]), [])
  }, 600_000)
})

import { Either, Schema } from "effect"
import { createHash } from "node:crypto"
import { assert, beforeAll, it } from "vitest"
import { writeFrame } from "../../src/domain/WireFormat.js"
import { compile } from "../../src/layers/avro/AvroCodec.js"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { rowsOf, storedOffsets } from "./support/database.js"
import { openProducer } from "./support/openProducer.js"
import { startProgram } from "./support/Program.js"
import { register } from "./support/records.js"
import { until } from "./support/until.js"
import { makeWorld, type World } from "./support/World.js"

// Outline: a user's walk through what a property file says of tables. Of three topics `orders.eu` is upserted by its key
// and deleted from, `events` has two record types with a table for each, `clicks` is appended to. The program is killed,
// and runs again while `clicks` gets a new field and a record that nobody can read. In the end the plan is empty, and
// verify has found every record as a row, a deletion or a letter.

const record = (name: string, fields: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    type: "record",
    name,
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }))
  })

const settingsOf = (orders: string, events: string) => ({
  [`table.${orders}.insert.mode`]: "upsert",
  [`table.${orders}.pk.mode`]: "record_key",
  [`table.${orders}.delete.enabled`]: "true",
  [`table.${orders}.fields.rename`]: "customer:client",
  [`table.${orders}.fields.hash`]: "card",
  [`table.${events}.table.name.format`]: "ev_${record}"
})

/** Registers a schema; what writes values of it. */
const writerOf = async (registry: string, subject: string, schema: string) => {
  const id = await register(registry, subject, schema)
  const codec = Either.getOrThrow(compile(schema))
  return (value: unknown) => Buffer.from(writeFrame(id, codec.encode(value)))
}

interface Message {
  readonly key?: Buffer
  readonly value: Buffer | null
}

const send = async (world: World, topic: string, ...messages: ReadonlyArray<Message>) => {
  const producer = await openProducer(world)
  await producer.send({ topic, messages: messages.map((message) => ({ partition: 0, ...message })) })
}

const reached = (world: World, topic: string, offset: bigint) =>
  until(
    `${topic} is stored up to ${offset}`,
    async () => (await storedOffsets(world.sql, topic)).get(0) === offset ? true : undefined
  )

const Rows = Schema.Record({ key: Schema.String, value: Schema.NullOr(Schema.Union(Schema.String, Schema.Number)) })

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "tables as a property file says them", ({ kafka, mysql, registry }) => {
  it(
    "upsert, delete, two record types, a new field, a dead letter, kill -9: nothing is left to plan, verify agrees",
    async () => {
      const world = await makeWorld({ kafka, mysql, registry }, {
        topics: ["orders.eu", "events", "clicks"],
        partitions: 1
      })
      const [orders = "", events = "", clicks = ""] = world.topics
      const file = world.properties(settingsOf(orders, events))
      const tributary = async (...args: ReadonlyArray<string>) => {
        const program = startProgram({ args: [...args, "--config", file], folder: world.folder })
        const { code } = await program.ended
        return { code, text: program.log() }
      }
      const rows = (query: string) => rowsOf(world.sql, Rows, query)

      const orderKey = await writerOf(registry, `${orders}-key`, record("OrderKey", { id: "long" }))
      const order = await writerOf(registry, `${orders}-value`, record("Order", { customer: "string", card: "string" }))
      const created = await writerOf(registry, `${events}-Created`, record("Created", { id: "long" }))
      const paid = await writerOf(registry, `${events}-Paid`, record("Paid", { id: "long", cents: "int" }))
      const click = await writerOf(registry, `${clicks}-value`, record("Click", { id: "long" }))
      const put = (id: bigint, customer: string) => ({
        key: orderKey({ id }),
        value: order({ customer, card: "4111" })
      })

      const planned = await tributary("plan", "--check", "--topic", orders, "--topic", clicks)
      assert.strictEqual(planned.code, 2, planned.text)
      assert.match(planned.text, /^Plan: 2 create, /mu)

      const first = startProgram({ args: ["run", "--config", file], folder: world.folder })
      await send(world, orders, put(1n, "Ada"), put(2n, "Bob"), put(1n, "Ada L."), {
        key: orderKey({ id: 2n }),
        value: null
      })
      await send(world, events, { value: created({ id: 1n }) }, { value: paid({ id: 1n, cents: 250 }) })
      await send(world, clicks, { value: click({ id: 1n }) })
      await reached(world, orders, 4n)
      await first.stop("SIGKILL")

      const second = startProgram({ args: ["run", "--config", file], folder: world.folder })
      await reached(world, clicks, 1n)
      const newer = record("Click", { id: "long", source: ["null", "string"] })
      const clickFrom = await writerOf(registry, `${clicks}-value`, newer)
      await send(world, clicks, { value: clickFrom({ id: 2n, source: "mail" }) }, { value: Buffer.from("{}") }, {
        value: click({ id: 3n })
      })
      await send(world, orders, put(2n, "Bea"), put(3n, "Cyd"), { key: orderKey({ id: 3n }), value: null })
      await reached(world, clicks, 4n)
      await reached(world, orders, 7n)
      await reached(world, events, 2n)
      assert.lengthOf(second.lines(/ add column source, /u), 1)
      await second.says(/ WARN .*1 dead letter: /u) // behind the commit
      assert.lengthOf(second.lines(/ WARN .*1 dead letter: .*-0@2 undecodable/u), 1)
      assert.deepStrictEqual(await second.stop(), { code: 0, signal: null })

      const card = createHash("sha256").update("4111").digest("hex")
      assert.deepStrictEqual(await rows(`SELECT id, client, card FROM \`${orders}\` ORDER BY id`), [
        { id: "1", client: "Ada L.", card },
        { id: "2", client: "Bea", card }
      ])
      assert.deepStrictEqual(await rows("SELECT * FROM ev_Created"), [{ id: "1" }])
      assert.deepStrictEqual(await rows("SELECT * FROM ev_Paid"), [{ id: "1", cents: 250 }])
      assert.deepStrictEqual(await rows(`SELECT * FROM \`${clicks}\` ORDER BY id`), [
        { id: "1", source: null },
        { id: "2", source: "mail" },
        { id: "3", source: null }
      ])
      assert.deepStrictEqual(await rows("SELECT topic, `offset`, error_class, attempts FROM dead_letters"), [
        { topic: clicks, offset: "2", error_class: "undecodable", attempts: 1 }
      ])
      assert.strictEqual((await tributary("plan", "--check", "--topic", orders, "--topic", clicks)).code, 0)
      const verified = await tributary("verify")
      assert.deepStrictEqual([verified.code, verified.text.match(/ exact$/gmu)?.length], [0, 2], verified.text)
      assert.match(verified.text, / lag 0 .*RESULT: offsets only$/mu) // an upsert leaves one row of several records
    },
    400_000
  )
})

import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect, Schema } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import type { Surroundings } from "../../src/programs/execute.js"
import { handlers } from "../../src/programs/handlers.js"
import { program } from "../../src/programs/program.js"
import { captured } from "../programs/captured.js"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { rowsOf } from "./support/database.js"
import { noConnection } from "./support/observe.js"
import { openProducer } from "./support/openProducer.js"
import { runProgram, startProgram } from "./support/Program.js"
import { entry, registerEntry } from "./support/records.js"
import { holdRows, makeWorld, type World } from "./support/World.js"

beforeAll(ensureBuilt, 240_000)

const Letter = Schema.Struct({ open: Schema.Number, attempts: Schema.Number, n: Schema.NumberFromString })
const letterStates = (world: World) =>
  rowsOf(
    world.sql,
    Letter,
    "SELECT replayed_at IS NULL AS `open`, attempts, CAST(COUNT(*) AS CHAR) AS n FROM dead_letters"
      + " GROUP BY replayed_at IS NULL, attempts ORDER BY 1, 2"
  )
const Ids = Schema.Struct({ id: Schema.String })
const ids = async (world: World, topic: string) =>
  (await rowsOf(world.sql, Ids, `SELECT id FROM \`${topic}\` ORDER BY id`)).map(({ id }) => id)

/** The program in this process: several starts of a process would cost more than what is tested here. */
const tributary = (...argv: ReadonlyArray<string>) => {
  const { console, err, out } = captured()
  const surroundings: Surroundings = { argv, environment: {}, version: "1.2.3", self: ["tributary"] }
  return Effect.runPromise(
    program(surroundings, handlers).pipe(
      Effect.withConsole(console),
      Effect.provide(NodeContext.layer),
      Effect.map((code) => ({ code, log: [...out, ...err].join("\n") }))
    )
  )
}

const long = "x".repeat(60)
const nameOf = (kind: string, index: number) => `${kind}-${String(index).padStart(6, "0")}`

/** `count` records that are too long for a column of so many characters, each behind one that is not, are sent. */
const fed = async (world: World, count: number, characters: number, more: ReadonlyArray<Buffer> = []) => {
  const [topic = ""] = world.topics
  await world.sql.query(
    `CREATE TABLE \`${topic}\` (id VARCHAR(40) NOT NULL, text VARCHAR(${characters}) NOT NULL,
     _source SMALLINT UNSIGNED NOT NULL, _partition INT NOT NULL, _offset BIGINT NOT NULL,
     PRIMARY KEY (_source, _partition, _offset))`
  )
  const schemaId = await registerEntry(world.addresses.registry, world.topics)
  const producer = await openProducer(world)
  const indices = Array.from({ length: count }, (_, index) => index)
  const values = indices.flatMap((index) => [
    entry(schemaId, nameOf("good", index), "short text"),
    entry(schemaId, nameOf("long", index), long)
  ])
  await producer.send({ topic, messages: [...values, ...more].map((value) => ({ partition: 0, value })) })
  const good = indices.map((index) => nameOf("good", index))
  return { topic, good, all: [...good, ...indices.map((index) => nameOf("long", index))].toSorted() }
}

describeWith(["kafka", "registry", "mysql"], "tributary dlq", (servers) => {
  it(
    "letters of a table that was too narrow become rows once it is wide enough; the rest stays with its reason",
    async () => {
      const world = await makeWorld(servers, { topics: ["narrow"], partitions: 1 })
      const { all, good, topic } = await fed(world, 8, 50, [Buffer.from("not avro")])
      const file = world.properties({ "errors.max.rate": "1" })
      const run = await tributary("run", "-c", file, "--until-end")
      assert.strictEqual(run.code, 0, run.log)
      assert.deepStrictEqual(await ids(world, topic), good)
      const dlq = (...args: ReadonlyArray<string>) => tributary("dlq", ...args, "-c", file)
      const listed = await dlq("list", "--errno", "1406")
      assert.strictEqual(listed.code, 0, listed.log)
      assert.match(listed.log, /ID +WHEN +TOPIC:PART@OFFSET +ERRNO +REASON +TRIES +STATE/)
      assert.match(listed.log, new RegExp(`\\d+  \\S+Z +${topic}:0@1 +1406 +Data too long for column 'text'.* 1 +open`))
      assert.notInclude(listed.log, long)

      const early = await dlq("replay", "--topic", topic, "--execute")
      assert.strictEqual(early.code, 1, early.log)
      assert.include(early.log, "replayed 0   refused 9   left as they are 0")
      assert.deepStrictEqual(await letterStates(world), [{ open: 1, attempts: 2, n: 9 }])

      await world.sql.query(`ALTER TABLE \`${topic}\` MODIFY text VARCHAR(80) NOT NULL`)
      const dry = await dlq("replay", "--all")
      assert.strictEqual(dry.code, 0, dry.log)
      assert.include(dry.log, "DRY RUN: of 9 letters 8 can be encoded, 1 would be refused again, 0 left as they are")
      assert.deepStrictEqual(await letterStates(world), [{ open: 1, attempts: 2, n: 9 }])

      const replayed = await dlq("replay", "--all", "--execute", "--rate", "100/s")
      assert.strictEqual(replayed.code, 1, replayed.log)
      assert.include(replayed.log, "replayed 8   refused 1   left as they are 0")
      assert.deepStrictEqual(await ids(world, topic), all)
      assert.deepStrictEqual(await letterStates(world), [{ open: 0, attempts: 2, n: 8 }, {
        open: 1,
        attempts: 3,
        n: 1
      }])

      const verified = await tributary("verify", "-c", file)
      assert.strictEqual(verified.code, 0, verified.log)

      const exported = await dlq("export")
      assert.include(exported.log, `"value":"${Buffer.from("not avro").toString("base64")}"`)
      const unsure = await dlq("discard", "--execute")
      assert.strictEqual(unsure.code, 64, unsure.log)
      const discarded = await dlq("discard", "--all", "--execute", "--reason", "a test producer")
      assert.strictEqual(discarded.code, 0, discarded.log)
      assert.match(discarded.log, /WARN.*discarded 1 dead letters .*: a test producer/)
      assert.deepStrictEqual(await letterStates(world), [{ open: 0, attempts: 2, n: 8 }])
    },
    400_000
  )

  it("kill -9 in the middle of a replay, and two more at once: every letter is a row once", async () => {
    const world = await makeWorld(servers, { topics: ["killed"], partitions: 1 })
    const { all, topic } = await fed(world, 100, 80)
    // Told to read JSON where there is Avro, it refuses every record.
    const schema = join(world.folder, "entry.avsc")
    const fields = ["id", "text"].map((name) => ({ name, type: "string" }))
    writeFileSync(schema, JSON.stringify({ type: "record", name: "Entry", fields }))
    const wrong = { "errors.max.rate": "1", "value.format": "json", "value.schema": schema }
    const run = await tributary("run", "-c", world.properties(wrong, "wrong.properties"), "--until-end")
    assert.strictEqual(run.code, 0, run.log)
    assert.deepStrictEqual(await ids(world, topic), [])
    const file = world.properties()
    const replay = { args: ["dlq", "replay", "--all", "--execute", "-c", file], folder: world.folder }
    // The last letter is held, so that the kill does not come too late.
    const last = await holdRows(world, "SELECT 1 FROM dead_letters ORDER BY id DESC LIMIT 1")
    const first = startProgram(replay)
    await first.says(/100 of 200/)
    await first.stop("SIGKILL")
    await last.release()
    await noConnection(world)
    const between = (await letterStates(world)).find(({ open }) => open === 1)?.n ?? 0
    assert.isAbove(between, 0)
    assert.isBelow(between, 200)
    const [second, third] = await Promise.all([
      runProgram(replay),
      runProgram(replay)
    ])
    const replayed = [second, third].map(({ log }) => Number(/replayed (\d+)/.exec(log)?.[1]))
    assert.strictEqual((replayed[0] ?? 0) + (replayed[1] ?? 0), between, second.log + third.log)
    assert.deepStrictEqual(await ids(world, topic), all)
    assert.deepStrictEqual(await letterStates(world), [{ open: 0, attempts: 1, n: 200 }])
    const verified = await tributary("verify", "-c", file)
    assert.strictEqual(verified.code, 0, verified.log)
  }, 400_000)
})

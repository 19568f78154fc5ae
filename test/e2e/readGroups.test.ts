import { Schema } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { rowsOf } from "./support/database.js"
import { makeFeed } from "./support/Feed.js"
import { makeTopics } from "./support/ownTopics.js"
import { type Program, runProgram, startProgram } from "./support/Program.js"
import { until } from "./support/until.js"
import { makeWorld, type World } from "./support/World.js"

const count = 300

const printed = /^consumer-thread-(\d+) >> (own\S+ \d+)$/

/** What the members of these numbers have printed. */
const printedBy = (program: Program, from: number, to: number) =>
  program.lines(printed).flatMap((line) => {
    const [, member, value] = printed.exec(line) ?? []
    return value !== undefined && Number(member) >= from && Number(member) <= to ? [value] : []
  })

/** How many members have been told their partitions: before that a member has nothing to wake up from. */
const joined = (program: Program) =>
  new Set(program.lines(/^consumer-thread-\d+ >> Assigned partitions\./).map((line) => line.split(" ")[0])).size

const all = (topic: string) => Array.from({ length: count }, (_, n) => `${topic} ${n}`).toSorted()

/** With sessions that outlast a machine that stalls: nobody here waits for the end of one. */
const properties = (brokers: string) =>
  [`bootstrap.servers=${brokers}`, "auto.offset.reset=earliest", "session.timeout.ms=60000"]
    .flatMap((one) => ["--property", one])

beforeAll(ensureBuilt, 240_000)

// Outline: 20 members of one group, and 1 + 5 members of a second group on two topics, in one process, beside a group
// whose topic is missing. Then one member is stopped alone, and at last the process by a signal.
describeWith(["kafka"], "several groups in one process", ({ kafka: brokers }) => {
  it("26 members read each record once per group, whatever becomes of another group or member", async () => {
    const { folder, topics: [one = "", other = ""] } = await makeTopics(brokers, [3, 2], count)
    const file = join(folder, "consumer.json")
    writeFileSync(
      file,
      JSON.stringify([
        { "topic": one, "group.id": `${one}-a`, "consumer.no": 20 },
        { "topic": one, "group.id": `${one}-b` },
        { "topic": other, "group.id": `${one}-b`, "consumer.no": 5 },
        { "topic": `${one}-missing`, "group.id": `${one}-c`, "sink": "missing.csv" }
      ])
    )
    const program = startProgram({
      folder,
      stdin: true,
      args: ["read", "--groups", file, "--commit", "sync", ...properties(brokers)]
    })
    await program.says(/^27 members: 20 of group \S+ on \S+, 1 of group \S+ on \S+, 5 of group/)
    await program.says(/20 members stand by|17 of 20 members stand by/)
    await program.says(/-missing has failed, the others go on:$/)
    const done = () => printedBy(program, 0, 25).length >= 3 * count ? true : undefined
    await until("each record three times", done, { about: program.log })
    await until("each member stands by or reads", () => joined(program) === 26 || undefined, { about: program.log })
    assert.deepStrictEqual(printedBy(program, 0, 19).toSorted(), all(one))
    assert.deepStrictEqual(printedBy(program, 20, 20).toSorted(), all(one))
    assert.deepStrictEqual(printedBy(program, 21, 25).toSorted(), all(other))

    program.tell("stop consumer-thread-20")
    await program.says(/^consumer-thread-20 is told to stop; 25 of the members go on$/)
    await program.says(/^consumer-thread-20 trigger WakeupException$/)
    program.tell("stop consumer-thread-20")
    await program.says(/^no member consumer-thread-20 is running; there are: consumer-thread-0, /)
    assert.isUndefined(program.end())

    // One group has failed: the exit code says so although the others were stopped in order.
    assert.deepStrictEqual(await program.stop("SIGTERM"), { code: 1, signal: null })
    assert.lengthOf(program.lines(/^consumer-thread-\d+ trigger WakeupException$/), 26)
    assert.lengthOf(program.lines(/1 of 4 groups failed/), 1)
    assert.lengthOf(printedBy(program, 0, 25), 3 * count)
    assert.isEmpty(readFileSync(join(folder, "missing.csv", "positions.json"), "utf8").match(/"consumer-thread/g) ?? [])
  }, 600_000)

  it("a file with faults is refused as a whole, with all of them", async () => {
    const { folder } = await makeTopics(brokers, [], 0)
    writeFileSync(
      join(folder, "consumer.conf"),
      `[{"topic": "t", "group.id": "g", "consumer.no": "20"},\n{"topik": "t"}]`
    )
    const { code, log } = await runProgram({ folder, args: ["read", "--path", "consumer.conf"] })
    assert.strictEqual(code, 78)
    assert.include(
      log,
      `consumer.conf:1 $[0].consumer.no: "20" is not understood; expected a whole number from 1 to 1000`
    )
    assert.include(log, "consumer.conf:2 $[1].topik: is not known; did you mean topic?")
  }, 120_000)
})

const Row = Schema.Struct({ id: Schema.String })
const idsIn = async (world: World, table: string) =>
  (await rowsOf(world.sql, Row, `SELECT id FROM \`${table}\``)).map(({ id }) => id).toSorted()

// Outline: two topics; three members of one group on the first, another group's member on it with a table of its own, and
// two members of the first group on the second topic. One process, one database.
describeWith(["kafka", "registry", "mysql"], "the main job with several groups", (servers) => {
  it("each group has each record of its topic once, in a table of its own", async () => {
    const world = await makeWorld(servers, { topics: ["clicks", "views"] })
    const [clicks = "", views = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(200)
    const groups = (second: object) => {
      writeFileSync(
        join(world.folder, "consumer.json"),
        JSON.stringify([
          { "topic": clicks, "group.id": "first", "consumer.no": 3 },
          { "topic": clicks, "group.id": "second", ...second },
          { "topic": views, "group.id": "first", "consumer.no": 2 }
        ])
      )
      const args = ["run", "--until-end", "--groups", "consumer.json", "--config", world.properties()]
      return runProgram({ folder: world.folder, args })
    }
    const refused = await groups({})
    assert.strictEqual(refused.code, 78)
    assert.include(refused.log, `$[1]: group second on ${clicks} would write to table ${clicks}, as does group first`)

    const { code, log } = await groups({ table: `${clicks}_2` })
    assert.strictEqual(code, 0, log)
    const sent = (topic: string) => feed.sent(topic).map(({ id }) => id).toSorted()
    assert.lengthOf(sent(clicks), 600)
    assert.deepStrictEqual(await idsIn(world, clicks), sent(clicks))
    assert.deepStrictEqual(await idsIn(world, `${clicks}_2`), sent(clicks))
    assert.deepStrictEqual(await idsIn(world, views), sent(views))
    assert.match(log, /6 members: 3 of group first on/)

    // Without a file: one group over both topics, each of which has a membership of its own.
    const settings = { "consumer.group": `one-${clicks}`, "table.name.format": "${topic}_one" }
    const args = ["run", "--until-end", "--config", world.properties(settings, "one.properties")]
    const one = await runProgram({ folder: world.folder, args })
    assert.strictEqual(one.code, 0, one.log)
    assert.deepStrictEqual(await idsIn(world, `${clicks}_one`), sent(clicks))
    assert.deepStrictEqual(await idsIn(world, `${views}_one`), sent(views))
  }, 400_000)
})

import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { closedDoor } from "./support/door.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp, check } from "./support/observe.js"
import { runProgram } from "./support/Program.js"
import { createTopics, makeWorld, suffix, type World } from "./support/World.js"

/** A password that must be nowhere in what the program writes. */
const sentinel = "s3ntinel-Passw0rd"

/** Runs it to its end, as it must end by itself; both with the usual log and with the most talkative one. */
const refused = async (world: World, settings: Readonly<Record<string, string>>) => {
  const args = ["--config", world.properties(settings)]
  const quiet = await runProgram({ args, folder: world.folder })
  const talkative = await runProgram({ args: [...args, "--log-level", "debug"], folder: world.folder })
  assert.strictEqual(talkative.code, quiet.code)
  for (const { log } of [quiet, talkative]) assert.notInclude(log, sentinel)
  assert.notMatch(quiet.log, /^\s+at /m)
  assert.lengthOf(quiet.log.match(/^error TRB-\d+: /gm) ?? [], 1, quiet.log)
  return quiet
}

/** An account with these privileges in the world's database, and no others. */
const makeAccount = async (world: World, privileges: string) => {
  const user = `e2e_${suffix()}`
  await world.sql.query(
    `CREATE USER '${user}'@'%' IDENTIFIED BY '${sentinel}'; GRANT ${privileges} ON ${world.database}.* TO '${user}'@'%'`
  )
  onTestFinished(async () => void await world.sql.query(`DROP USER '${user}'@'%'`).catch(() => {}))
  return { "mysql.username": user, "mysql.password": sentinel }
}

beforeAll(ensureBuilt, 240_000)

describeWith(["kafka", "registry", "mysql"], "a configuration that cannot work", (servers) => {
  it("every problem is told at once, with its line and what was meant, and exit 78", async () => {
    const world = await makeWorld(servers, { topics: [] })
    const { code, log } = await refused(world, {
      "kafka.topics": "fine",
      "max.poll.records": "0",
      "mysql.url": "mysql:/nowhere",
      "mysql.pasword": sentinel,
      "batch.max.row": "7"
    })
    assert.strictEqual(code, 78, log)
    assert.match(log, /^error TRB-1000: the configuration has 4 problems$/m)
    assert.match(log, /max\.poll\.records=0 \(.*consumer\.properties:4\): .*1/)
    assert.match(log, /mysql\.url.* \(.*consumer\.properties:7\): .*jdbc:mysql:\/\/host:port\/database/)
    assert.match(log, /mysql\.pasword.* \(.*consumer\.properties:11\): .*mysql\.password/)
    assert.match(log, /batch\.max\.row.* \(.*consumer\.properties:12\): .*batch\.max\.rows/)
  }, 300_000)

  it("a wrong MySQL password: one message with the cure, exit 77, the password nowhere", async () => {
    const world = await makeWorld(servers, { topics: ["password"] })
    const { code, log } = await refused(world, { "mysql.password": sentinel })
    assert.strictEqual(code, 77, log)
    assert.include(log, "Access denied for user 'consumer'")
    assert.include(log, "check mysql.username and mysql.password")
  }, 300_000)

  it("a database that is not there: the statement that creates it, exit 78", async () => {
    const world = await makeWorld(servers, { topics: ["nobase"] })
    await world.sql.query(`GRANT ALL ON ${world.database}_x.* TO 'consumer'@'%'`)
    onTestFinished(async () =>
      void await world.sql.query(`REVOKE ALL ON ${world.database}_x.* FROM 'consumer'@'%'`).catch(() => {})
    )
    const url = `jdbc:mysql://${new URL(servers.mysql).host}/${world.database}_x`
    const { code, log } = await refused(world, { "mysql.url": url })
    assert.strictEqual(code, 78, log)
    assert.include(log, `CREATE DATABASE \`${world.database}_x\``)
  }, 300_000)

  it("a privilege that is missing: the GRANT that gives it, exit 77", async () => {
    const world = await makeWorld(servers, { topics: ["grant"] })
    const account = await makeAccount(world, "SELECT")
    const { code, log } = await refused(world, account)
    assert.strictEqual(code, 77, log)
    assert.match(
      log,
      new RegExp(`GRANT SELECT, INSERT, .* ON \`${world.database}\`\\.\\* TO '${account["mysql.username"]}'@`)
    )
  }, 300_000)

  it("a table without transactions is refused with the statement that changes it; the other topics go on", async () => {
    const world = await makeWorld(servers, { topics: ["myisam", "innodb"] })
    const [wrong = "", right = ""] = world.topics
    const feed = await makeFeed(world)
    await feed.fill(50)
    await world.sql.query(
      `CREATE TABLE \`${wrong}\` (id VARCHAR(40) NOT NULL, text VARCHAR(80) NOT NULL) ENGINE=MyISAM`
    )
    const program = world.run()
    const line = await program.says(/ ERROR .*engine/i)
    assert.include(line, "its engine is MyISAM, which has no transactions")
    assert.include(line, `ALTER TABLE \`${wrong}\` ENGINE=InnoDB`)
    await caughtUp(world, [program], undefined, [right])
    assert.deepStrictEqual(await check(world, [{ topic: right, sent: feed.sent(right) }]), [])
    const [rows] = await world.sql.query(`SELECT id FROM \`${wrong}\``)
    assert.deepStrictEqual(rows, [])
  }, 300_000)
})

describeWith(["kafka", "registry", "mysql"], "a service that is not there at start", (servers) => {
  const services = [
    {
      name: "Kafka",
      says: /cannot reach Kafka: .*ECONNREFUSED/,
      target: servers.kafka.split(",")[0] ?? "",
      settings: (address: string) => ({ "kafka.bootstrap.servers": address })
    },
    {
      name: "the registry",
      says: /cannot reach the schema registry .*ECONNREFUSED/,
      target: new URL(servers.registry).host,
      settings: (address: string) => ({
        "kafka.schema.registry.url": servers.registry.replace(new URL(servers.registry).host, address)
      })
    },
    {
      name: "MySQL",
      says: /MySQL.*ECONNREFUSED/,
      target: new URL(servers.mysql).host,
      settings: (address: string, database: string) => ({ "mysql.url": `jdbc:mysql://${address}/${database}` })
    }
  ]
  for (const { name, says, settings, target } of services) {
    it(`${name}: one clear line, then it is tried again until it works`, async () => {
      const world = await makeWorld(servers, { topics: ["absent"] })
      const feed = await makeFeed(world)
      await feed.fill(50)
      const door = await closedDoor(target)
      const program = world.run(settings(door.address, world.database))
      const line = await program.says(/ WARN .*trying again until it works/)
      assert.include(line, door.address)
      assert.match(line, says)
      await door.open()
      await caughtUp(world, [program])
      assert.isAtLeast(program.lines(/ INFO .*works again after \d+ ms/).length, 1)
      // Three partitions may wait for the registry side by side.
      assert.isAtMost(program.lines(/ (?:WARN|ERROR) /).filter((one) => !one.includes("Backpressure")).length, 3)
      assert.deepStrictEqual(program.lines(/^\s+at /), [])
      assert.deepStrictEqual(await check(world, world.topics.map((topic) => ({ topic, sent: feed.sent(topic) }))), [])
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
    }, 600_000)
  }

  it("whatever it waits for, SIGTERM ends it with exit 0", async () => {
    const world = await makeWorld(servers, { topics: ["waiting"] })
    const feed = await makeFeed(world)
    await feed.fill(50)
    for (const { settings } of services) {
      const program = world.run(settings((await closedDoor("127.0.0.1:1")).address, world.database))
      await program.says(/ WARN .*trying again until it works/)
      assert.deepStrictEqual(await program.stop(), { code: 0, signal: null }, program.log())
      assert.deepStrictEqual(program.lines(/^\s+at | ERROR /), [])
    }
  }, 600_000)

  it("a topic: it says how to create it, and goes on by itself once it is there", async () => {
    const world = await makeWorld(servers, { topics: [] })
    const topic = `later_${suffix()}`
    const program = world.run({ "kafka.topics": topic })
    const line = await program.says(/ WARN .*trying again until it works/)
    assert.include(line, `kafka-topics.sh --bootstrap-server ${servers.kafka.split(",")[0]} --create --topic ${topic}`)
    await createTopics(world.admin, [topic], 2)
    const later = { ...world, topics: [topic], partitions: 2 }
    onTestFinished(() => world.admin.deleteTopics({ topics: [topic] }).catch(() => {}))
    const feed = await makeFeed(later)
    await feed.fill(50)
    await caughtUp(later, [program])
    assert.deepStrictEqual(await check(later, [{ topic, sent: feed.sent(topic) }]), [])
  }, 600_000)
})

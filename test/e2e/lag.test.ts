import { Schema } from "effect"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { makeFeed } from "./support/Feed.js"
import { caughtUp } from "./support/observe.js"
import { runProgram } from "./support/Program.js"
import { makeWorld } from "./support/World.js"

beforeAll(ensureBuilt, 240_000)

const Partition = Schema.Struct({
  partition: Schema.Number,
  committed: Schema.NullOr(Schema.Number),
  committedInKafka: Schema.NullOr(Schema.Number),
  end: Schema.Number,
  lag: Schema.Number,
  lagMs: Schema.Number,
  lastCommitMs: Schema.NullOr(Schema.Number),
  owner: Schema.NullOr(Schema.String),
  state: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String)
})
const Report = Schema.parseJson(Schema.Struct({
  groups: Schema.Array(Schema.Struct({ group: Schema.String, partitions: Schema.Array(Partition) }))
}))
/** The JSON document among the lines of the log. */
const reportIn = (log: string) => {
  const document = log.slice(log.indexOf("{\n"), log.lastIndexOf("\n}") + 2)
  return Schema.decodeUnknownSync(Report)(document).groups.flatMap(({ partitions }) => partitions)
}

describeWith(["kafka", "registry", "mysql"], "lag and status", (servers) => {
  it("show a pipeline that runs, one that has stopped, and tell cron by the exit code", async () => {
    const world = await makeWorld(servers, { topics: ["lag"], partitions: 2 })
    const feed = await makeFeed(world)
    const [topic = ""] = world.topics
    const config = world.properties()
    const lag = (...args: ReadonlyArray<string>) =>
      runProgram({ folder: world.folder, args: ["lag", "--config", config, ...args] })
    const check = ["--check", "--window", "2", "--interval", "200ms", "--output", "json"]

    await feed.fill(50)
    const running = world.run()
    await caughtUp(world, [running])
    const [healthy, status] = await Promise.all([
      lag(...check),
      runProgram({ folder: world.folder, args: ["status", "--config", config] })
    ])
    assert.strictEqual(healthy.code, 0, healthy.log)
    for (const one of reportIn(healthy.log)) {
      assert.deepInclude(one, { committed: 50, end: 50, lag: 0, lagMs: 0, state: "OK" })
      assert.match(one.owner ?? "", /@127\.0\.0\.1$/)
      assert.isAtLeast(one.lastCommitMs ?? -1, 0)
    }
    assert.strictEqual(status.code, 0, status.log)
    assert.match(status.log, new RegExp(`${topic} +0 +OK +50 +\\S+ +50 +0 +0 s +.*@127`))

    await running.stop()
    await feed.send(topic, 1, 7)
    const [stopped, once, allowed] = await Promise.all([lag(...check), lag(), lag(...check, "--allowed-lag", "7")])
    assert.strictEqual(stopped.code, 2, stopped.log)
    const [first, second] = reportIn(stopped.log)
    assert.deepInclude(first, { lag: 0, state: "OK", owner: null })
    assert.deepInclude(second, { committed: 50, end: 57, lag: 7, state: "ERROR", reason: "stopped" })
    assert.isAbove(second?.lagMs ?? 0, 0)
    assert.strictEqual(once.code, 0, `one look judges nothing: ${once.log}`)
    assert.strictEqual(allowed.code, 0, allowed.log)
    // Seven processes, each a second or two on a machine of its own and ten on one that is busy.
  }, 600_000)

  it("a check that cannot be made exits 1, a command line that means nothing 64", async () => {
    const world = await makeWorld(servers, { topics: ["lag"], partitions: 1 })
    const folder = world.folder
    const away = world.properties({ "kafka.bootstrap.servers": "127.0.0.1:1" }, "away.properties")
    const check = ["--check", "--window", "2", "--interval", "50ms"]
    const [checked, contradiction] = await Promise.all([
      runProgram({ folder, args: ["lag", "--config", away, ...check] }),
      runProgram({ folder, args: ["lag", "--config", away, "--watch", "--check"] })
    ])
    assert.strictEqual(checked.code, 1, checked.log)
    assert.match(checked.log, /error TRB-2001: .*127\.0\.0\.1:1/)
    assert.strictEqual(contradiction.code, 64, contradiction.log)
  }, 600_000)
})

import { spawn, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt, mainFile } from "./support/build.js"
import { kafkaJars } from "./support/java.js"
import { makeWorld, suffix, type World } from "./support/World.js"

const tool = (jars: string, name: string, args: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", join(jars, "*"), `org.apache.kafka.tools.${name}`],
  ...args
]

/** What Kafka's own console consumer reads from the beginning: `count` records, each as partition, offset, key, value. */
const readByJava = (
  jars: string,
  world: World,
  topic: string,
  count: number,
  isolation: "read_committed" | "read_uncommitted" = "read_uncommitted"
) => {
  const shown = ["partition", "offset", "key"].flatMap((what) => ["--property", `print.${what}=true`])
  const { stderr, stdout } = spawnSync(
    "java",
    tool(jars, "consumer.ConsoleConsumer", [
      ...["--bootstrap-server", world.addresses.kafka, "--topic", topic, "--from-beginning"],
      ...["--isolation-level", isolation, "--max-messages", String(count), "--timeout-ms", "15000", ...shown]
    ]),
    { encoding: "utf8" }
  )
  const lines = stdout.split("\n").flatMap((line) => {
    const [, partition = "", offset = "", key = "", value = ""] =
      /^Partition:(\d+)\tOffset:(\d+)\t([^\t]*)\t(.*)$/.exec(line) ?? []
    return partition === "" ? [] : [{ place: `${topic}-${partition}@${offset}`, partition, key, value }]
  })
  assert.lengthOf(lines, count, stderr)
  return lines
}

/** Runs `produce`, with `input` as its stdin; what it has written on stdout. */
const produce = (world: World, args: ReadonlyArray<string>, input = "") => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [mainFile, "produce", ...args, "--config", world.properties()],
    { cwd: world.folder, encoding: "utf8", input, env: { PATH: process.env["PATH"] } }
  )
  assert.strictEqual(status, 0, stderr)
  return stdout
}

beforeAll(ensureBuilt, 240_000)

// The other side is Kafka's own: its console consumer reads what we have sent, its console producer chooses partitions.
describeWith(["kafka", "registry", "mysql"], "produce on a real broker", (servers) => {
  const jars = kafkaJars()
  if (jars === undefined) return

  it("Kafka's console consumer finds each record at the place that was printed", async () => {
    const world = await makeWorld(servers, { topics: ["printed"] })
    const [topic = ""] = world.topics
    const lines = Array.from({ length: 300 }, (_, index) => `key-${index}\tvalue ${index}`)
    const file = join(world.folder, "lines")
    writeFileSync(file, lines.join("\n"))
    const args = [topic, "--file", file, "--print", "--batch-size", "1000", "--compression", "lz4"]
    const printed = produce(world, args).trim().split("\n")
    const read = readByJava(jars, world, topic, 300)
    assert.deepStrictEqual(printed.toSorted(), read.map(({ place }) => place).toSorted())
    assert.deepStrictEqual(read.map(({ key, value }) => `${key}\t${value}`).toSorted(), lines.toSorted())
    // In each partition in the order of the lines.
    for (let partition = 0; partition < world.partitions; partition++) {
      const numbers = read.filter((each) => each.partition === String(partition)).map(({ key }) => Number(key.slice(4)))
      assert.deepStrictEqual(numbers, numbers.toSorted((a, b) => a - b))
    }
  })

  it("a key goes to the partition where the Java producer puts it", async () => {
    const world = await makeWorld(servers, { topics: ["ours", "theirs"], partitions: 7 })
    const [ours = "", theirs = ""] = world.topics
    const keys = Array.from({ length: 100 }, (_, index) => `${"ä€".repeat(index % 4)}k${index * 7919}`)
    const input = keys.map((key) => `${key}\tv\n`).join("")
    produce(world, [ours], input)
    const sent = spawnSync(
      "java",
      tool(jars, "ConsoleProducer", [
        ...["--bootstrap-server", world.addresses.kafka, "--topic", theirs, "--property", "parse.key=true"]
      ]),
      { input, encoding: "utf8", env: { ...process.env, LC_ALL: "C.UTF-8" } }
    )
    assert.strictEqual(sent.status, 0, sent.stderr)
    const partitionsOf = (topic: string) =>
      readByJava(jars, world, topic, 100).map(({ key, partition }) => `${key} ${partition}`).toSorted()
    assert.deepStrictEqual(partitionsOf(ours), partitionsOf(theirs))
  })

  it("a read_committed consumer sees the committed transactions and nothing of the aborted ones", async () => {
    const world = await makeWorld(servers, { topics: ["tx"] })
    const [topic = ""] = world.topics
    const { records, transactions } = JSON.parse(produce(world, [
      ...[topic, "--to", "100", "--transactional-id", `produce-${suffix()}`, "--transaction-size", "10"],
      ...["--abort-rate", "0.4", "--seed", "3", "-o", "json"]
    ]))
    assert.strictEqual(records, 100)
    assert.isAbove(transactions.aborted, 0)
    const committed = readByJava(jars, world, topic, transactions.committedRecords, "read_committed")
    const numbers = committed.map(({ value }) => Number(value)).toSorted((a, b) => a - b)
    assert.strictEqual(new Set(numbers.map((number) => Math.ceil(number / 10))).size, transactions.committed)
    assert.lengthOf(readByJava(jars, world, topic, 100), 100)
  })

  it("SIGTERM: what was accepted from stdin arrives, and the summary says so", async () => {
    const world = await makeWorld(servers, { topics: ["stopped"] })
    const [topic = ""] = world.topics
    const args = [mainFile, "produce", topic, "--config", world.properties(), "--linger", "1h", "-o", "json"]
    const child = spawn(process.execPath, args, { cwd: world.folder, stdio: ["pipe", "pipe", "pipe"] })
    let out = ""
    let log = ""
    child.stdout.on("data", (data: Buffer) => void (out += data.toString()))
    const reading = new Promise<void>((resolve) =>
      child.stderr.on("data", (data: Buffer) => {
        log += data.toString()
        // Once a second it says how far it is: the lines have been read long since.
        if (/produced 0 /.test(log)) resolve()
      })
    )
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    child.stdin.write("a\nb\nc\n")
    await reading
    child.kill("SIGTERM")
    assert.strictEqual(await ended, 143, log)
    assert.deepInclude(JSON.parse(out), { records: 3, errors: 0 })
    assert.lengthOf(readByJava(jars, world, topic, 3), 3)
  })
})

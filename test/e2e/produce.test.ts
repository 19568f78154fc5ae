import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, beforeAll, it } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt, mainFile } from "./support/build.js"
import { kafkaJars } from "./support/java.js"
import { runJavaTool } from "./support/javaTools.js"
import { until } from "./support/until.js"
import { makeWorld, suffix, type World } from "./support/World.js"

/** A record as Kafka's own console consumer shows it; `headers` is name:value, or NO_HEADERS. */
interface Shown {
  readonly partition: string
  readonly offset: string
  readonly headers: string
  readonly key: string
  readonly value: string
}

/** What that consumer reads from the beginning of all topics, read_committed: `count` records. A JVM takes seconds. */
const readByJava = async (jars: string, { addresses, topics }: World, count: number): Promise<ReadonlyArray<Shown>> => {
  const shown = ["partition", "offset", "headers", "key"].flatMap((what) => ["--property", `print.${what}=true`])
  const limits = ["--isolation-level", "read_committed", "--max-messages", String(count), "--timeout-ms", "60000"]
  const printed = await runJavaTool({
    jars,
    tool: "org.apache.kafka.tools.consumer.ConsoleConsumer",
    args: [
      "--bootstrap-server",
      addresses.kafka,
      "--include",
      topics.join("|"),
      "--from-beginning",
      ...limits,
      ...shown
    ]
  })
  const records = printed.split("\n").flatMap((line) => {
    const [, partition = "", offset = "", headers = "", key = "", value = ""] =
      /^Partition:(\d+)\tOffset:(\d+)\t([^\t]*)\t([^\t]*)\t(.*)$/.exec(line) ?? []
    return partition === "" ? [] : [{ partition, offset, headers, key, value }]
  })
  assert.lengthOf(records, count, printed)
  return records
}

/** Sends lines by Kafka's own console producer. */
const sendByJava = async (jars: string, { addresses }: World, topic: string, input: string): Promise<void> => {
  const args = ["--bootstrap-server", addresses.kafka, "--topic", topic, "--property", "parse.key=true"]
  const tool = "org.apache.kafka.tools.ConsoleProducer"
  await runJavaTool({ jars, tool, args, input, env: { LC_ALL: "C.UTF-8" } })
}

/** Runs `produce`, with `input` as its stdin; what it has written on stdout. */
const produce = async (world: World, args: ReadonlyArray<string>, input = ""): Promise<string> => {
  const child = spawn(process.execPath, [mainFile, "produce", ...args, "--config", world.properties()], {
    cwd: world.folder,
    env: { PATH: process.env["PATH"] }
  })
  let out = ""
  let log = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text))
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
  child.stdin.on("error", () => {}) // the exit code tells
  child.stdin.end(input)
  assert.strictEqual(await ended, 0, log)
  return out
}

beforeAll(ensureBuilt, 240_000)

/** Offsets that the log of a topic has given out, over all its partitions. */
const offsetsOf = async ({ admin }: World, topic: string): Promise<number> =>
  (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0)

describeWith(["kafka", "registry", "mysql"], "produce on a real broker", (servers) => {
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
        // Once a second it says how far it is: between the first time and the third the lines have been read for certain.
        if ((log.match(/produced 0 /g) ?? []).length >= 3) resolve()
      })
    )
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    child.stdin.write("a\nb\nc\n")
    await reading
    child.kill("SIGTERM")
    assert.strictEqual(await ended, 143, log)
    assert.deepInclude(JSON.parse(out), { records: 3, errors: 0 })
    assert.strictEqual(await offsetsOf(world, topic), 3)
  }, 300_000)

  const jars = kafkaJars()
  if (jars === undefined) return

  /*
   * The other side is Kafka's own console producer and consumer. We send, each with a header that names what it is for:
   * - "printed": a file, with each record's place printed: the consumer finds each record there, in the order of the lines;
   * - "ours": the keys that the console producer sends to "theirs": they are to go to the same partitions;
   * - "tx": transactions, some of them aborted: the consumer sees the committed ones and nothing of the others.
   */
  it("Kafka's own consumer finds what was sent where it was told, nothing aborted", async () => {
    const world = await makeWorld(servers, { topics: ["printed", "ours", "theirs", "tx"], partitions: 7 })
    const [printed = "", ours = "", theirs = "", tx = ""] = world.topics

    const lines = Array.from({ length: 300 }, (_, index) => `key-${index}\tvalue ${index}`)
    const file = join(world.folder, "lines")
    writeFileSync(file, lines.join("\n"))
    const sizes = ["--batch-size", "1000", "--compression", "lz4"]
    const places = await produce(world, [printed, "--file", file, "--print", ...sizes, "--header", "for=printed"])
    const keys = Array.from({ length: 100 }, (_, index) => `${"ä€".repeat(index % 4)}k${index * 7919}`)
    const keyed = keys.map((key) => `${key}\tv\n`).join("")
    await produce(world, [ours, "--header", "for=ours"], keyed)
    await sendByJava(jars, world, theirs, keyed)
    const cutting = "--to 100 --transaction-size 10 --abort-rate 0.4 --seed 3 -o json --header for=tx".split(" ")
    const summary = await produce(world, [tx, "--transactional-id", `produce-${suffix()}`, ...cutting])
    const { records, transactions } = JSON.parse(summary)

    const all = await readByJava(jars, world, lines.length + 2 * keys.length + transactions.committedRecords)
    const of = (headers: string) => all.filter((record) => record.headers === headers)

    const found = of("for:printed").map(({ offset, partition }) => `${printed}-${partition}@${offset}`)
    assert.deepStrictEqual(places.trim().split("\n").toSorted(), found.toSorted())
    const inOrder = Array.from(
      { length: world.partitions },
      (_, partition) =>
        of("for:printed").filter((record) => record.partition === String(partition)).map(({ key, value }) =>
          `${key}\t${value}`
        )
    )
    assert.deepStrictEqual(inOrder.map((part) => lines.filter((line) => part.includes(line))), inOrder)
    assert.deepStrictEqual(inOrder.flat().toSorted(), lines.toSorted())

    const partitions = (headers: string) => of(headers).map(({ key, partition }) => `${key} ${partition}`).toSorted()
    assert.deepStrictEqual(partitions("for:ours"), partitions("NO_HEADERS"))
    assert.lengthOf(partitions("for:ours"), keys.length)

    assert.strictEqual(records, 100)
    assert.isAbove(transactions.aborted, 0)
    const numbers = of("for:tx").map(({ value }) => Number(value))
    assert.strictEqual(new Set(numbers).size, transactions.committedRecords)
    assert.strictEqual(new Set(numbers.map((number) => Math.ceil(number / 10))).size, transactions.committed)
    // The aborted ones are in the log, hidden; the markers that end transactions take offsets as well. The last one may
    // be written behind the answer that its producer has waited for, and until then hides what it ends.
    await until("more offsets than records", async () => await offsetsOf(world, tx) > 100 || undefined)
  }, 300_000)
})

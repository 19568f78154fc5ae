import kafkajs from "kafkajs"
import { mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it, onTestFinished } from "vitest"
import { describeWith, type KafkaCluster, startKafka } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { kafkaJars } from "./support/java.js"
import { runJavaTool } from "./support/javaTools.js"
import { losses, takeOvers } from "./support/membership.js"
import { logsOf, type Program, startProgram } from "./support/Program.js"
import { until } from "./support/until.js"
import { createTopics, suffix } from "./support/World.js"

const jars = kafkaJars() ?? ""

/** Two topics, a group, and whoever transforms one into the other. */
interface Job {
  readonly input: string
  readonly output: string
  readonly start: (...options: ReadonlyArray<string>) => Program
  /** Sends `p,n` to each partition p, for the next `count` numbers n. */
  readonly feed: (count: number) => Promise<void>
  /** Waits until the group's offsets are the ends of the input. */
  readonly caughtUp: (programs: ReadonlyArray<Program>) => Promise<void>
  /** What Kafka's own consumer reads at read_committed, by partition: as many records as were fed. */
  readonly read: () => Promise<ReadonlyMap<number, ReadonlyArray<string>>>
  readonly expected: () => ReadonlyMap<number, ReadonlyArray<string>>
}

const makeJob = async (brokers: string, partitions: number): Promise<Job> => {
  const own = suffix()
  const [input, output, group] = [`in_${own}`, `out_${own}`, `transform_${own}`]
  const folder = mkdtempSync(join(tmpdir(), "tributary transform "))
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(","),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 2000 }
  })
  const admin = kafka.admin()
  const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await Promise.all([admin.connect(), producer.connect()])
  onTestFinished(async () => {
    await Promise.all([admin.disconnect().catch(() => {}), producer.disconnect().catch(() => {})])
    await rm(folder, { recursive: true, force: true })
  })
  await createTopics(admin, [input, output], partitions)
  let fed = 0
  const partitionsOf = <A>(make: (partition: number) => A) =>
    Array.from({ length: partitions }, (_, index) => make(index))
  return {
    input,
    output,
    start: (...options) =>
      startProgram({
        args: ["transform", input, output, "--group", group, ...options, "--set", `kafka.bootstrap.servers=${brokers}`],
        folder
      }),
    feed: async (count) => {
      const numbers = Array.from({ length: count }, (_, n) => fed + n)
      const messages = partitionsOf((partition) => numbers.map((n) => ({ partition, value: `${partition},${n}` })))
      await producer.send({ topic: input, messages: messages.flat() })
      fed += count
    },
    caughtUp: async (programs) => {
      await until("the group's offsets are the ends of the input", async () => {
        // A broker that has just come up is still reading its groups; this client does not wait for that.
        const [committed] = await admin.fetchOffsets({ groupId: group, topics: [input] }).catch(() => [])
        const ends = await admin.fetchTopicOffsets(input)
        return ends.every(({ offset, partition }) =>
          committed?.partitions.find((one) => one.partition === partition)?.offset === offset
        ) || undefined
      }, { about: logsOf(programs) })
    },
    read: async () => {
      const printed = await runJavaTool({
        jars,
        tool: "org.apache.kafka.tools.consumer.ConsoleConsumer",
        args: ["--bootstrap-server", brokers, "--topic", output, "--from-beginning", "--timeout-ms", "60000"]
          .concat(["--isolation-level", "read_committed", "--max-messages", String(fed * partitions)])
          .concat(["--property", "print.partition=true"])
      })
      const found = new Map<number, Array<string>>(partitionsOf((partition) => [partition, []]))
      for (const [, partition, value = ""] of printed.matchAll(/^Partition:(\d+)\t(.*)$/gm)) {
        found.get(Number(partition))?.push(value)
      }
      return found
    },
    expected: () => {
      const numbers = Array.from({ length: fed }, (_, n) => n)
      return new Map(partitionsOf((partition) => [partition, numbers.map((n) => `EVENT(${partition},${n})`)]))
    }
  }
}

const committed = (program: Program) => program.lines(/committed transaction /)

// Outline: a broker of this file's own, because it is killed, and because its segments are looked at by Kafka's own tool.
// What is read at read_committed is what Kafka's own consumer reads. Each test ends with one more record for each partition,
// so that a repeated one before it would show.
const body = () => {
  const data = mkdtempSync(join(tmpdir(), "tributary broker "))
  let broker: KafkaCluster | undefined
  beforeAll(async () => {
    await ensureBuilt()
    broker = await startKafka({ dir: data, props: { "group.initial.rebalance.delay.ms": 0 } })
  }, 600_000)
  afterAll(async () => {
    await broker?.stop()
    await rm(data, { recursive: true, force: true })
  })
  const jobOf = (partitions: number) => makeJob(broker?.address ?? "", partitions)

  const segment = (topic: string) =>
    readdirSync(data, { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes(`${topic}-0/`) && name.endsWith(".log"))
      .map((name) => join(data, name))[0] ?? ""

  it("kill -9 in the open transaction: the log has COMMIT, ABORT, COMMIT, and each input is seen once", async () => {
    const job = await jobOf(1)
    // Commits by count, so that the next transaction stays open however slow the machine is.
    const first = job.start("--commit-interval", "60s", "--commit-records", "5")
    await first.says(/begins at offset 0 /)
    await job.feed(5)
    await first.says(/committed transaction \S+ from=0 to=5 records-in=5 records-out=5 /)
    const file = segment(job.output)
    await job.feed(4)
    // By what it says: the file also grows by the COMMIT of the first five, which the broker writes behind its answer.
    await until("the four are in the log", () => readFileSync(file, "latin1").includes("EVENT(0,8)") || undefined)
    await first.stop("SIGKILL")
    assert.lengthOf(committed(first), 2, "the first one only says where the group begins")
    const second = job.start("--commit-interval", "1s")
    await second.says(/committed transaction \S+ from=5 to=9 records-in=4 records-out=4 /)
    assert.deepStrictEqual(await second.stop(), { code: 0, signal: null })
    // First, because it waits for the last COMMIT.
    assert.deepStrictEqual(await job.read(), job.expected())
    const dump = await runJavaTool({
      jars,
      tool: "kafka.tools.DumpLogSegments",
      args: ["--print-data-log", "--files", file]
    })
    const seen = Array.from(
      dump.matchAll(/endTxnMarker: (\w+)|payload: (\S+)/g),
      ([, marker, payload]) => marker ?? payload
    )
    const events = Array.from({ length: 9 }, (_, n) => `EVENT(0,${n})`)
    const [five, four] = [events.slice(0, 5), events.slice(5)]
    assert.deepStrictEqual(seen, [...five, "COMMIT", ...four, "ABORT", ...four, "COMMIT"])
  }, 300_000)

  it(
    "rebalance, SIGSTOP beyond the session, kill -9 and a broker that restarts: each input once, in order",
    async () => {
      const job = await jobOf(3)
      const interval = ["--commit-interval", "300ms", "--commit-records", "40"]
      const one = job.start(...interval)
      await one.says(/partitions assigned: 0, 1, 2 /)
      await job.feed(50)
      const other = job.start(...interval)
      await other.says(/partitions assigned: \d/)
      for (let i = 0; i < 10; i++) await job.feed(30)
      // One that is frozen in mid-flight is replaced, and finds that out when it is thawed.
      const taken = takeOvers(other)
      one.signal("SIGSTOP")
      const before = losses(one)
      await until("the other has all partitions", () => takeOvers(other) > taken || undefined, { about: other.log })
      for (let i = 0; i < 5; i++) await job.feed(30)
      one.signal("SIGCONT")
      await until("the thawed one has noticed", () => losses(one) > before || undefined, { about: one.log })
      for (let i = 0; i < 5; i++) await job.feed(30)
      await other.stop("SIGKILL")
      const next = job.start(...interval)
      await job.feed(50)
      await next.says(/partitions assigned: \d/)
      await broker?.kill()
      await broker?.start()
      await job.feed(50)
      await job.caughtUp([one, next])
      await job.feed(1)
      await job.caughtUp([one, next])
      for (const program of [one, next]) {
        assert.deepStrictEqual(await program.stop(), { code: 0, signal: null })
        assert.deepStrictEqual(program.lines(/ ERROR |^\s+at |TRB-/), [])
      }
      assert.deepStrictEqual(await job.read(), job.expected())
    },
    600_000
  )
}

if (jars === "") describe.skip("transform (left out: Kafka's own jars are not here)", body)
else describeWith(["own:kafka"], "transform", body)

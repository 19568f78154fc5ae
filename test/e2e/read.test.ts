import kafkajs from "kafkajs"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt } from "./support/build.js"
import { kafkaJars } from "./support/java.js"
import { committedByJava, produceByJava } from "./support/javaTools.js"
import { type Program, startProgram } from "./support/Program.js"
import { until } from "./support/until.js"
import { createTopics, suffix } from "./support/World.js"

/** A topic and a folder of one test's own. */
const makeTopic = async (brokers: string, partitions: number) => {
  const topic = `read_${suffix()}`
  const folder = mkdtempSync(join(tmpdir(), "tributary read "))
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await createTopics(admin, [topic], partitions)
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [topic], timeout: 5000 }).catch(() => {})
    await admin.disconnect().catch(() => {})
    await rm(folder, { recursive: true, force: true })
  })
  /** Starts `tributary read`: both of its outputs are in the log of the program. */
  const read = (...args: ReadonlyArray<string>): Program =>
    startProgram({
      args: ["read", topic, "--property", `bootstrap.servers=${brokers}`, ...args],
      folder
    })
  return { topic, kafka, read }
}

/** Idempotent: kafkajs sends all again where one partition of a new topic has no leader yet. */
const once = { idempotent: true, maxInFlightRequests: 1 } as const
const earliest = ["--property", "auto.offset.reset=earliest"] as const
/** A machine that stalls for some seconds costs no member its membership; nobody here waits for the end of a session. */
const lasting = ["--property", "session.timeout.ms=60000"] as const
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`)
/** The records that a reader has printed. */
const recordsOf = (program: Program) => program.lines(/^(?:consumer-thread-\d+ >> )?n\d+$/)

/** Kafka's own tools, where the servers of the tests run from its distribution; else another client does their part. */
const kafkaTools = (kafka: kafkajs.Kafka, brokers: string) => {
  const jars = kafkaJars()
  if (jars !== undefined) {
    return {
      produce: (topic: string, lines: ReadonlyArray<string>) => produceByJava({ jars, brokers, topic, lines }),
      committed: (_: string, groups: ReadonlyArray<string>) => committedByJava({ jars, brokers, groups })
    }
  }
  return {
    produce: async (topic: string, lines: ReadonlyArray<string>) => {
      const producer = kafka.producer(once)
      await producer.connect()
      await producer.send({ topic, messages: lines.map((value) => ({ value })) })
      await producer.disconnect()
    },
    committed: async (topic: string, groups: ReadonlyArray<string>): Promise<ReadonlyMap<string, number>> => {
      const admin = kafka.admin()
      await admin.connect()
      const found = await Promise.all(groups.map(async (groupId) => {
        const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
        return (offsets?.partitions ?? []).map(({ offset, partition }) =>
          [`${groupId} ${topic}-${partition}`, Number(offset)] as const
        )
      }))
      await admin.disconnect()
      return new Map(found.flat().filter(([, offset]) => offset >= 0))
    }
  }
}

beforeAll(ensureBuilt, 240_000)

// Outline: 50 records of a Java producer in one partition, polled 25 at a time, with work of 300 ms for each. Every
// reader has its own group and strategy; when it has printed its 27th record, in the second poll and behind the commit of
// the 26th where there is one, it is killed or told to stop. Then Kafka's own tool says where each group stands.
describeWith(["kafka"], "tributary read on a real broker", ({ kafka: brokers }) => {
  it("leaves the offsets that each strategy must leave, killed and stopped", async () => {
    const { kafka, read, topic } = await makeTopic(brokers, 1)
    const { committed: committedOf, produce } = kafkaTools(kafka, brokers)
    await produce(topic, numbers(50))
    const cases = [
      { commit: "auto", signal: "SIGKILL", leaves: undefined },
      { commit: "sync", signal: "SIGKILL", leaves: 25 },
      { commit: "sync-each", signal: "SIGKILL", leaves: 50 }, // the rest of the poll is lost
      { commit: "sync-offset", signal: "SIGKILL", leaves: "processed" },
      { commit: "auto", signal: "SIGTERM", leaves: 50 },
      { commit: "async+sync", signal: "SIGTERM", leaves: 50 },
      { commit: "sync-offset", signal: "SIGINT", leaves: "processed" }
    ] as const
    const ended = await Promise.all(cases.map(async (each) => {
      const group = `${topic}-${each.commit}-${each.signal}`
      const limits = ["--property", "max.poll.records=25", "--process-delay", "300ms"]
      const program = read("--group", group, "--commit", each.commit, ...earliest, ...limits, ...lasting)
      await until("the 27th record", () => recordsOf(program).length >= 27 ? true : undefined, {
        about: () => program.log()
      })
      const end = await program.stop(each.signal)
      return { ...each, end, group, program, processed: recordsOf(program).length }
    }))
    const committed = await committedOf(topic, ended.map(({ group }) => group))
    for (const { commit, end, group, leaves, processed, program, signal } of ended) {
      const left = committed.get(`${group} ${topic}-0`)
      const what = `${commit} after ${signal}`
      if (signal === "SIGKILL") {
        assert.strictEqual(end.signal, "SIGKILL", what)
        // A record is committed after it is processed: the kill comes in between or not.
        if (leaves === "processed") assert.include([processed - 1, processed], left, what)
        else assert.strictEqual(left, leaves, what)
      } else {
        assert.strictEqual(end.code, 0, `${what}: ${program.log()}`)
        assert.strictEqual(left, leaves === "processed" ? processed : leaves, what)
        assert.strictEqual(left, processed, what)
        assert.deepStrictEqual(program.log().trimEnd().split("\n").slice(-1), ["Bye"])
        assert.lengthOf(program.lines(/^consumer-thread-0 trigger WakeupException$/), 1)
      }
    }
  }, 300_000)

  it(
    "two processes share the partitions, one takes over when the other leaves, and a second signal ends at once",
    async () => {
      const { kafka, read, topic } = await makeTopic(brokers, 2)
      const quick = ["--property", "heartbeat.interval.ms=300", ...lasting]
      const options = ["--group", topic, "--commit", "sync", ...earliest, ...quick]
      const first = read(...options)
      await first.says(/^Assigned partitions\. .*-0@0, .*-1@0 /)
      const second = read(...options)
      await second.says(/^Assigned partitions\. read_\w+-\d@0 \(/)
      await first.says(/^Revoked partitions\. .*-0, .*-1 \(took \d+ ms\)$/)
      assert.strictEqual((await second.stop("SIGTERM")).code, 0)
      await until("both partitions again", () => first.lines(/^Assigned partitions\. .*-0@0, .*-1@0 /)[1])
      // Now work that nobody wants to wait for.
      const producer = kafka.producer(once)
      await producer.connect()
      onTestFinished(() => producer.disconnect())
      await producer.send({ topic, messages: [{ partition: 0, value: "n0" }, { partition: 1, value: "n1" }] })
      await until("both records", () => recordsOf(first).length === 2 ? true : undefined)
      assert.strictEqual((await first.stop("SIGINT")).code, 0)
      const work = ["--members", "3", "--process-delay", "1h", "--metrics", "500ms"]
      const slow = read("--group", `${topic}-slow`, ...earliest, ...quick, ...work)
      await slow.says(/^consumer-thread-\d >> Assigned partitions\. none: .* stands by/)
      await slow.says(/^consumer-thread-\d >> records-consumed-rate is (?!0$)/) // a record is in work, for an hour
      slow.signal("SIGTERM")
      await until("all members", () => slow.lines(/^consumer-thread-[0-2] trigger WakeupException$/)[2])
      assert.isUndefined(slow.end())
      slow.signal("SIGTERM")
      assert.strictEqual((await slow.ended).signal, "SIGTERM")
    },
    400_000
  )

  it(
    "read_committed shows no aborted record; --from and --max choose; without any place to begin it says what to do",
    async () => {
      const { kafka, read, topic } = await makeTopic(brokers, 1)
      const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      onTestFinished(() => producer.disconnect())
      const send = async (values: ReadonlyArray<string>, end: "commit" | "abort") => {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: values.map((value) => ({ value })) })
        await transaction[end]()
      }
      await send(["n0", "n1"], "commit")
      await send(["n2", "n3"], "abort")
      await send(["n4"], "commit")
      // A broker answers before it has written the markers, which take an offset each.
      const admin = kafka.admin()
      await admin.connect()
      onTestFinished(() => admin.disconnect())
      await until("the last marker", async () => (await admin.fetchTopicOffsets(topic))[0]?.offset === "8" || undefined)
      const readers = [
        { args: ["--until-end", "--isolation", "read_committed"], records: ["n0", "n1", "n4"] },
        { args: ["--until-end"], records: ["n0", "n1", "n2", "n3", "n4"] },
        { args: ["--from", "1", "--max", "2"], records: ["n1", "n2"] },
        { args: ["--from", "-2", "--until-end"], records: ["n4"] } // its transaction's marker is the last offset
      ]
      const nobody = `${topic}-nobody`
      const placeless = read("--group", nobody, "--property", "auto.offset.reset=none")
      await Promise.all(readers.map(async ({ args, records }) => {
        const reader = read(...args)
        assert.strictEqual((await reader.ended).code, 0, reader.log())
        assert.deepStrictEqual(recordsOf(reader), records, args.join(" "))
      }))
      assert.strictEqual((await placeless.ended).code, 78)
      assert.match(placeless.log(), new RegExp(`error TRB-2404: group ${nobody} has no committed offset`))
      assert.match(placeless.log(), /cure: .*--from/)
    },
    300_000
  )
})

import type kafkajs from "kafkajs"
import { kafkaJars } from "../../test/e2e/support/java.js"
import { runJavaTool } from "../../test/e2e/support/javaTools.js"
import { until } from "../../test/e2e/support/until.js"
import { suffix } from "../../test/e2e/support/World.js"
import type { Place, SourceLog, SourceRecord } from "../checker/History.js"

// What a log holds is said by Kafka's own Java consumer, which shares nothing with the program: neither its fetching nor
// its abort filter, nor those of kafkajs, which let aborted records through (protocol, section 4). What a reader of
// uncommitted records sees and one of committed ones does not, was aborted.

export interface Brokers {
  /** `host:port[,…]`, directly: not by a way that is cut on purpose. */
  readonly addresses: { readonly kafka: string }
  readonly admin: kafkajs.Admin
}

type Isolation = "read_committed" | "read_uncommitted"

interface Seen extends Place, SourceRecord {}

/**
 * Longer than a group takes to form, 3 s on an idle broker with default settings: a consumer that gives up sooner reads
 * nothing. On a busy machine it takes longer; each attempt waits twice as long as the one before.
 */
const firstSilenceMs = 5000

const line = /^Partition:(\d+)\tOffset:(\d+)\t(.*)$/

const seenIn = (topic: string, printed: string): ReadonlyArray<Seen> =>
  printed.split("\n").filter((text) => text !== "").map((text) => {
    const [, partition, offset, key] = line.exec(text) ?? []
    if (partition === undefined || offset === undefined || key === undefined) {
      throw new Error(`the console consumer prints what is no record of ${topic}: ${text}`)
    }
    return { topic, partition: Number(partition), offset: BigInt(offset), content: key }
  })

const shown = ["partition", "offset", "key"].flatMap((what) => ["--property", `print.${what}=true`])

/** How a topic is read by one group. */
interface Reading {
  readonly jars: string
  readonly topic: string
  readonly group: string
  readonly isolation: Isolation
}

/** Records of a topic with their keys, on from where this group has come to, until nothing comes for a while. */
const readOn = async ({ addresses }: Brokers, { group, isolation, jars, topic }: Reading, silenceMs: number) => {
  const source = ["--bootstrap-server", addresses.kafka, "--topic", topic, "--group", group, "--from-beginning"]
  const flags = ["--timeout-ms", String(silenceMs), "--isolation-level", isolation, "--property", "print.value=false"]
  const printed = await runJavaTool({
    jars,
    tool: "org.apache.kafka.tools.consumer.ConsoleConsumer",
    args: [...source, ...flags, ...shown]
  })
  return seenIn(topic, printed)
}

interface Range {
  readonly low: bigint
  readonly end: bigint
}

const rangesOf = async ({ admin }: Brokers, topic: string): Promise<ReadonlyMap<number, Range>> =>
  new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ high, low, partition }) => [
      partition,
      { low: BigInt(low), end: BigInt(high) }
    ])
  )

/**
 * All records of a topic up to these ends. That nothing comes for a while does not show that all has come: the group's
 * committed offsets must be the ends, those behind a tail of markers and aborted records included.
 */
const readAll = async (
  brokers: Brokers,
  jars: string,
  topic: string,
  ranges: ReadonlyMap<number, Range>,
  isolation: Isolation
): Promise<ReadonlyArray<Seen>> => {
  const group = `proof-${isolation}-${suffix()}`
  const seen: Array<Seen> = []
  let silenceMs = firstSilenceMs
  await until(`all of ${topic} is read by ${group}`, async () => {
    for (const one of await readOn(brokers, { group, isolation, jars, topic }, silenceMs)) seen.push(one)
    silenceMs *= 2
    const [read] = await brokers.admin.fetchOffsets({ groupId: group, topics: [topic] })
    const reached = new Map((read?.partitions ?? []).map(({ offset, partition }) => [partition, BigInt(offset)]))
    return [...ranges].every(([partition, { end, low }]) => low === end || (reached.get(partition) ?? -1n) >= end)
      || undefined
  }, { withinMs: 600_000 })
  await brokers.admin.deleteGroups([group])
  return seen
}

const logOf = async (brokers: Brokers, jars: string, topic: string): Promise<ReadonlyArray<SourceLog>> => {
  const ranges = await rangesOf(brokers, topic)
  const [committed, all] = await Promise.all([
    readAll(brokers, jars, topic, ranges, "read_committed"),
    readAll(brokers, jars, topic, ranges, "read_uncommitted")
  ])
  return Array.from(ranges, ([partition, range]) => {
    const records = committed.filter((one) => one.partition === partition && one.offset < range.end)
    const visible = new Set(records.map(({ offset }) => offset))
    const hidden = all.filter((one) => one.partition === partition && !visible.has(one.offset))
    return { topic, partition, ...range, records, aborted: hidden.map(({ offset }) => offset) }
  })
}

/**
 * The logs of these topics, which rest: nobody produces, and no transaction is open. The content of a record is its key.
 */
export const readLogs = async (
  brokers: Brokers,
  topics: ReadonlyArray<string>
): Promise<ReadonlyArray<SourceLog>> => {
  const jars = kafkaJars()
  if (jars === undefined) throw new Error("Kafka's jars are not here: npm run servers fetches them")
  const logs: Array<SourceLog> = []
  for (const topic of topics) logs.push(...await logOf(brokers, jars, topic)) // four Java machines at once are two too many
  return logs
}

import { brokers } from "./Site.js"
import { during, type Effect, type Fault, seconds, type Stage } from "./Fault.js"

/** Of all topics, how many partitions each broker leads. */
const leadersOf = async ({ site }: Stage): Promise<ReadonlyMap<string, number>> => {
  const { topics } = await site.admin.fetchTopicMetadata({ topics: [...site.world.topics] })
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map((one) => [`${name}-${one.partitionId}`, one.leader] as const)
    )
  )
}

/** Broker ids are nodes plus one. */
const ledBy = (leaders: ReadonlyMap<string, number>, nodes: ReadonlyArray<number>) =>
  [...leaders.values()].filter((leader) => nodes.includes(leader - 1)).length

const awayBrokers = async (
  stage: Stage,
  nodes: ReadonlyArray<number>,
  signal: "SIGKILL" | "SIGSTOP"
): Promise<Effect> => {
  const { pause, planned, site: { kafka } } = stage
  const bites = ledBy(await leadersOf(stage), nodes)
  await Promise.all(nodes.map((node) => kafka.kill(signal, node)))
  await during(
    () => pause(planned.durationMs),
    () => Promise.all(nodes.map((node) => (signal === "SIGSTOP" ? kafka.kill("SIGCONT", node) : kafka.start(node))))
  )
  const what = signal === "SIGSTOP" ? "frozen" : "killed and away"
  return {
    what: `broker ${nodes.join(" and ")}, of ${bites} partitions: ${what} for ${seconds(planned.durationMs)}`,
    bites
  }
}

const nodeOf = ({ planned }: Stage) => planned.target % brokers

export const killBroker: Fault = (stage) => awayBrokers(stage, [nodeOf(stage)], "SIGKILL")
export const freezeBroker: Fault = (stage) => awayBrokers(stage, [nodeOf(stage)], "SIGSTOP")

/** No majority: neither a leader for most partitions nor a controller, and nothing may be acknowledged. */
export const killTwoBrokers: Fault = (stage) =>
  awayBrokers(stage, [nodeOf(stage), (nodeOf(stage) + 1) % brokers], "SIGKILL")

/** Longer than the controller waits before it gives leadership to the first of the replicas. */
const electionMs = 4000

export const moveLeaders: Fault = async (stage) => {
  const { pause, random, site } = stage
  const before = await leadersOf(stage)
  const topics = site.world.topics.map((topic) => ({
    topic,
    partitionAssignment: Array.from({ length: site.partitions.get(topic) ?? 0 }, (_, partition) => partition)
      .filter(() => random.oneIn(2))
      .map((partition) => {
        const first = random.integer(0, brokers - 1)
        return { partition, replicas: [0, 1, 2].map((step) => (first + step) % brokers + 1) }
      })
  })).filter(({ partitionAssignment }) => partitionAssignment.length > 0)
  if (topics.length === 0) return { what: "no partition was chosen", bites: 0 }
  await site.admin.alterPartitionReassignments({ topics })
  await pause(electionMs)
  const moved = [...await leadersOf(stage)].filter(([place, leader]) => before.get(place) !== leader).length
  return { what: `${moved} partitions have another leader`, bites: moved }
}

/** More would be more than the instances share in a short run. */
const partitionsMax = 10

export const addPartition: Fault = async ({ planned, site }) => {
  const topic = site.world.topics[planned.target % site.world.topics.length] ?? ""
  const count = (site.partitions.get(topic) ?? 0) + 1
  if (count > partitionsMax) return { what: `${topic} has ${partitionsMax} partitions already`, bites: 0 }
  await site.admin.createPartitions({ topicPartitions: [{ topic, count }] })
  site.partitions.set(topic, count)
  return { what: `${topic} has ${count} partitions`, bites: 1 }
}

export const killMysql: Fault = async ({ pause, planned, site }) => {
  await site.mysql.kill("SIGKILL")
  await during(() => pause(planned.durationMs), () => site.mysql.start())
  return { what: `MySQL was killed and away for ${seconds(planned.durationMs)}`, bites: 1 }
}

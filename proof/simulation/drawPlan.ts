import { makeRandom, type SeededRandom, seedOf } from "../../src/domain/random.js"
import { type Action, type Plan, type Rates, type RecordKind, scenarioVersion } from "./Plan.js"

/** Kinds of faults. Each run has a random subset of them: with all at once the rarer interleavings never come about. */
const faults = [
  "kill",
  "stop",
  "freeze",
  "cut",
  "evict",
  "crashClient",
  "stopBroker",
  "moveLeader",
  "moveCoordinator",
  "grow",
  "trim",
  "registry",
  "stopMysql",
  "failOver",
  "readOnly",
  "diskFull",
  "slowMysql"
] as const

/** Drawn by fewer seeds: they need a person in the end, who takes time. */
const rareFaults = ["recreate", "overtake", "page"] as const
type Fault = typeof faults[number] | typeof rareFaults[number]

type Topics = Plan["topics"]

/** How much there is in a world. */
interface Size {
  readonly processes: number
  readonly partitions: number
  readonly otherTopic: number
  readonly quietMs: readonly [least: number, most: number]
  readonly loads: readonly [least: number, most: number]
  readonly records: number
  /** Of each kind of fault one in so many worlds has some. */
  readonly faultIn: number
}

/**
 * Most worlds are small: what goes wrong mostly needs two processes, a partition and two faults, and of small worlds there
 * are two in the time of a large one.
 */
const small: Size = {
  processes: 2,
  partitions: 2,
  otherTopic: 12,
  quietMs: [700, 2000],
  loads: [3, 5],
  records: 10,
  faultIn: 7
}
const large: Size = {
  processes: 3,
  partitions: 4,
  otherTopic: 4,
  quietMs: [1500, 5000],
  loads: [4, 14],
  records: 24,
  faultIn: 4
}

interface Drawing {
  readonly random: SeededRandom
  readonly size: Size
  readonly plan: Pick<Plan, "brokers" | "processes" | "topics" | "quietMs">
}

const choice = <A>(random: SeededRandom, all: readonly [A, ...ReadonlyArray<A>]): A => {
  const [first, ...others] = all
  return random.pick(first, ...others)
}

const topicOf = ({ plan, random }: Drawing): Topics[number] =>
  plan.topics[random.integer(0, plan.topics.length - 1)] ?? { name: "orders", partitions: 1 }

const placeOf = (drawing: Drawing) => {
  const { name, partitions } = topicOf(drawing)
  return { topic: name, partition: drawing.random.integer(0, partitions - 1) }
}

const actionOf = (drawing: Drawing, fault: Fault): Action => {
  const { plan: { brokers, processes, quietMs }, random } = drawing
  const atMs = random.integer(200, quietMs - 200)
  // Short ones and such as outlast sessions and time-outs of locks.
  const forMs = random.oneIn(4) ? random.integer(2000, 9000) : random.integer(10, 2000)
  const process = random.integer(0, processes - 1)
  switch (fault) {
    case "kill":
      return { do: fault, atMs, forMs, process, power: random.oneIn(3) }
    case "stop":
    case "freeze":
      return { do: fault, atMs, forMs, process }
    case "cut":
      return { do: fault, atMs, forMs, process, from: random.pick("kafka", "mysql", "both") }
    case "evict":
    case "crashClient":
      return { do: fault, atMs, process }
    case "stopBroker":
      return { do: fault, atMs, forMs, broker: random.integer(0, brokers - 1) }
    case "moveLeader":
      return { do: fault, atMs, ...placeOf(drawing), to: random.integer(0, brokers - 1) }
    case "moveCoordinator":
      return { do: fault, atMs, topic: topicOf(drawing).name, to: random.integer(0, brokers - 1) }
    case "grow":
      return { do: fault, atMs, topic: topicOf(drawing).name }
    case "trim":
      return { do: fault, atMs, ...placeOf(drawing) }
    case "overtake":
      return { do: fault, atMs, ...placeOf(drawing), beyond: random.integer(1, 30) }
    case "recreate":
      return {
        do: fault,
        atMs,
        forMs: random.oneIn(2) ? 0 : forMs,
        topic: topicOf(drawing).name,
        partitions: random.integer(1, 4),
        records: random.oneIn(2) ? 0 : random.integer(1, 60)
      }
    case "page":
      return { do: "registry", atMs, forMs, fault: random.pick("page", "bad gateway") }
    case "registry":
      return { do: fault, atMs, forMs, fault: random.pick("refused", "silent", "unavailable", "not found", "slow") }
    case "stopMysql":
      return { do: fault, atMs, forMs, silently: random.oneIn(3) }
    case "failOver":
      return { do: fault, atMs, lost: random.integer(0, 4), silently: random.oneIn(3) }
    case "readOnly":
    case "diskFull":
      return { do: fault, atMs, forMs }
    case "slowMysql":
      return { do: fault, atMs, forMs, ms: random.integer(50, 3000) }
  }
}

const kindOf = (random: SeededRandom, isSpotless: boolean): RecordKind => {
  if (isSpotless || !random.oneIn(8)) return "good"
  return random.pick("garbage", "refused", "rounded", "tombstone", "hidden", "hidden")
}

const load = (drawing: Drawing): ReadonlyArray<Action> => {
  const { plan: { quietMs }, random, size: { loads, records: most } } = drawing
  const isSpotless = random.oneIn(3)
  const withTransactions = random.oneIn(2)
  return Array.from({ length: random.integer(...loads) }, (_, index): Action => {
    // Some are there before the first process.
    const atMs = index < 2 ? 0 : random.integer(0, quietMs - 100)
    const count = random.integer(1, most)
    if (withTransactions && random.oneIn(3)) {
      const { name, partitions } = topicOf(drawing)
      const some = [...Array(partitions).keys()].filter(() => !random.oneIn(3))
      const forMs = random.integer(0, 1500)
      return { do: "transaction", atMs, forMs, topic: name, partitions: some, count, commits: !random.oneIn(3) }
    }
    const records = Array.from({ length: count }, () => kindOf(random, isSpotless))
    return { do: "produce", atMs, ...placeOf(drawing), records }
  })
}

const noRates: Rates = {
  mysqlError: 0,
  mysqlSlow: 0,
  mysqlLost: 0,
  commitLost: 0,
  group: 0,
  fetch: 0,
  admin: 0,
  slip: 0,
  delay: 0,
  freeze: 0,
  kill: 0
}

const ratesOf = (random: SeededRandom): Rates => {
  const some = (chances: number, max: number) => random.oneIn(chances) ? random.fraction() * max : 0
  return {
    mysqlError: some(3, 0.15),
    mysqlSlow: some(3, 0.2),
    mysqlLost: some(3, 0.08),
    commitLost: some(2, 0.3),
    group: some(4, 0.2),
    fetch: some(3, 0.3),
    admin: some(4, 0.2),
    slip: some(3, 0.15),
    delay: some(2, 0.3),
    freeze: some(4, 0.04),
    kill: some(4, 0.04)
  }
}

const settingsOf = (random: SeededRandom): Plan["settings"] => {
  const queue = choice(random, [4, 8, 20, 60])
  return {
    "blocking.queue.size": String(queue),
    "max.poll.records": String(Math.min(queue, choice(random, [2, 5, 10]))),
    "batch.max.rows": String(choice(random, [3, 8, 30])),
    "linger.ms": String(choice(random, [0, 5, 50])),
    "errors.max.rate": "1",
    "kafka.auto.offset.reset": "earliest",
    "shutdown.timeout.ms": String(choice(random, [2000, 6000]))
  }
}

const topicsOf = (random: SeededRandom, { otherTopic, partitions }: Size): Topics => {
  const orders = { name: "orders", partitions: random.integer(1, partitions) }
  return random.oneIn(otherTopic) ? [orders, { name: "payments", partitions: random.integer(1, 2) }] : [orders]
}

/** What the group of actions must not have together: what retention takes cannot be written again after a fail-over. */
const compatible = (chosen: ReadonlyArray<Fault>): ReadonlyArray<Fault> =>
  chosen.includes("failOver") ? chosen.filter((fault) => fault !== "trim" && fault !== "overtake") : chosen

export const drawPlan = (seed: number): Plan => {
  const random = makeRandom(seedOf(scenarioVersion, seed))
  const size = random.oneIn(6) ? large : small
  const shape = {
    processes: random.integer(2, size.processes),
    brokers: random.integer(1, 3),
    topics: topicsOf(random, size),
    quietMs: random.integer(...size.quietMs)
  }
  const settings = settingsOf(random)
  const drawing = { random, size, plan: shape }
  const isPeaceful = random.oneIn(20)
  const chosen = isPeaceful ? [] : compatible(faults.filter(() => random.oneIn(size.faultIn)))
  const often = [
    ...load(drawing),
    ...chosen.flatMap((fault) => Array.from({ length: random.integer(1, 3) }, () => actionOf(drawing, fault)))
  ]
  const rates = isPeaceful ? noRates : ratesOf(random)
  const apart = { random: makeRandom(seedOf(seed, 3)), size, plan: shape }
  const all = compatible([...chosen, ...rareFaults.filter(() => apart.random.oneIn(8))])
  const seldom = rareFaults.filter((fault) => !isPeaceful && all.includes(fault)).flatMap((fault) =>
    Array.from({ length: apart.random.integer(1, 2) }, () => actionOf(apart, fault))
  )
  return {
    version: scenarioVersion,
    seed,
    ...shape,
    settings,
    rates,
    actions: [...often, ...seldom].toSorted((a, b) => a.atMs - b.atMs)
  }
}

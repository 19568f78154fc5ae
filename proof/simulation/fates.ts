import { answerLost, delayed, type Fate, prompt, requestLost, stale } from "../../src/layers/memory/Fate.js"
import type { Fate as MysqlFate, Faults, Request } from "./mysql/faults.js"
import { none } from "./mysql/faults.js"
import type { Rates } from "./Plan.js"
import type { World } from "./World.js"

/** What heals by itself (protocol §11), and what stops a server from taking writes for a moment. */
const healing = [1213, 1205, 1412, 1317, 3024, 3101, 1040, 1290, 1836, 1053, 2013, 1927, 4031] as const

/** Whether a request meets a fault of this rate now. */
const meets = ({ isFaulty, random }: World, rate: number): boolean => isFaulty && rate > 0 && random.fraction() < rate

const broken = ({ random }: World): MysqlFate => {
  const executed = random.oneIn(2)
  const kind = random.pick("lost" as const, "lost" as const, "silence" as const)
  const later = random.oneIn(2) ? { afterMs: random.integer(1, 4000) } : {}
  return { kind, executed, ...later }
}

const mysqlFate = (world: World, rates: Rates, request: Request): MysqlFate => {
  const { random } = world
  if (request === "commit" && meets(world, rates.commitLost)) return broken(world)
  if (meets(world, rates.mysqlLost)) return broken(world)
  if (meets(world, rates.mysqlSlow)) {
    const ms = random.oneIn(8) ? random.integer(1000, 9000) : random.integer(1, 400)
    return { kind: "slow", ms, when: random.pick("before", "after") }
  }
  if (meets(world, rates.mysqlError)) {
    const [first, ...others] = healing
    const executed = request === "commit" && random.oneIn(2) ? { executed: true } : {}
    return { kind: "error", code: random.pick<number>(first, ...others), ...executed }
  }
  return none
}

export const mysqlFaults = (world: World): Faults => ({
  next: ({ request }) => mysqlFate(world, world.plan.rates, request),
  latencyMs: () => world.mysqlLatencyMs,
  rowRule: ({ content }) => {
    const kind = world.refused.get(content)
    return kind === undefined ? undefined : { kind, code: kind === "error" ? 1406 : 1265 }
  }
})

const kafkaFate = (world: World, rate: number): Fate => {
  if (!meets(world, rate)) return prompt
  const { random } = world
  const ms = random.oneIn(5) ? random.integer(500, 4000) : random.integer(1, 300)
  return random.pick(delayed(ms), stale(ms), requestLost(ms), answerLost(ms))
}

/** Lets the cluster's requests meet their faults; those that change nothing are never drawn for. */
export const setKafkaFates = (world: World): void => {
  const { cluster, plan: { rates }, random } = world
  if (rates.group > 0) cluster.groupFate = () => kafkaFate(world, rates.group)
  if (rates.group > 0) cluster.commitFate = () => kafkaFate(world, rates.group)
  if (rates.fetch > 0) cluster.fetchFate = () => kafkaFate(world, rates.fetch)
  if (rates.admin > 0) cluster.adminFate = () => kafkaFate(world, rates.admin)
  if (rates.slip > 0) {
    cluster.slip = ({ member, partition, topic }) => {
      const slip = meets(world, rates.slip) ? random.pick("repeat", "stale", "skip") : undefined
      const skipped = `${topic}-${partition} ${member}`
      if (slip === "skip") world.skipped.set(skipped, { topic, partition })
      else world.skipped.delete(skipped)
      return slip
    }
  }
  // The leader of a group gives the partitions to others in each generation.
  cluster.assignOrder = (members) => {
    const start = random.integer(0, Math.max(0, members.length - 1))
    return [...members.slice(start), ...members.slice(0, start)]
  }
}

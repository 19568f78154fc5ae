import { setTimeout as sleep } from "node:timers/promises"
import { storedOffsets } from "../../test/e2e/support/database.js"
import type { Observation, Place } from "../checker/History.js"
import { groupOf } from "../observe/readHistory.js"
import { slowness } from "../support/yardstick.js"
import { type Gap, seenAt, unownedFor, unownedOf } from "./owners.js"
import type { Site } from "./Site.js"

/** Longest times after the last fault. */
export interface Patience {
  /** Until all that was in Kafka by then is stored and every partition is somebody's. */
  readonly restMs: number
  /** In which a partition may be nobody's, at a stretch. */
  readonly unownedMs: number
  /** Until the servers answer: beyond it they have a trouble of their own. */
  readonly serversMs: number
}

/**
 * What must pass at most in the rest: a statement's deadline, a session, a transaction that was left open, the longest
 * back-off, MySQL's lock wait, one after the other. A partition is nobody's while the group rebalances: after a session
 * (6 s), and, where it has just been added, when the leader of the group has looked again (60 s).
 */
const onIdleMachine: Patience = { restMs: 180_000, unownedMs: 90_000, serversMs: 300_000 }

const patienceNow = (): Patience => {
  const slow = slowness()
  const { restMs, serversMs, unownedMs } = onIdleMachine
  return {
    restMs: Math.round(restMs * slow),
    unownedMs: Math.round(unownedMs * slow),
    serversMs: Math.round(serversMs * slow)
  }
}

const lookEveryMs = 250

interface End extends Place {
  readonly end: bigint
}

/**
 * A leader that has just begun may not know yet how much of its log is on all replicas, and then tells less than was
 * acknowledged; what was acknowledged counts.
 */
const endsOf = async (
  { admin, world }: Site,
  acknowledged: ReadonlyMap<string, bigint>
): Promise<ReadonlyArray<End>> => {
  const ends: Array<End> = []
  for (const topic of world.topics) {
    for (const { high, partition } of await admin.fetchTopicOffsets(topic)) {
      const least = acknowledged.get(`${topic}-${partition}`) ?? 0n
      ends.push({ topic, partition, end: BigInt(high) > least ? BigInt(high) : least })
    }
  }
  return ends
}

type Behind = Place & { readonly lag: bigint }

const behindOf = async ({ sql, world }: Site, ends: ReadonlyArray<End>): Promise<ReadonlyArray<Behind>> => {
  const behind: Array<Behind> = []
  for (const topic of world.topics) {
    const stored = await storedOffsets(sql, topic)
    for (const one of ends) {
      const lag = one.end - (stored.get(one.partition) ?? 0n)
      if (one.topic === topic && lag > 0n) behind.push({ topic, partition: one.partition, lag })
    }
  }
  return behind
}

const nobodys = async ({ admin, world }: Site, ends: ReadonlyArray<End>): Promise<ReadonlyArray<Place>> =>
  unownedOf(ends, (await admin.describeGroups(world.topics.map(groupOf))).groups)

export interface Rested {
  readonly ms: number
  /** What has not come to rest. */
  readonly observations: ReadonlyArray<Observation>
}

/** What the looks have found so far. */
interface Looked {
  readonly ends: ReadonlyArray<End>
  readonly behind: ReadonlyArray<Behind>
  readonly gaps: ReadonlyArray<Gap>
}

const isAtRest = ({ behind, gaps }: Looked): boolean => behind.length === 0 && !gaps.some(({ isOpen }) => isOpen)

const observed = ({ behind, gaps }: Looked, afterMs: number, { unownedMs }: Patience): ReadonlyArray<Observation> => [
  ...behind.map(({ lag, ...place }): Observation => ({ kind: "lag", place, lag, afterMs })),
  ...unownedFor(gaps, unownedMs)
]

/**
 * Waits until what is in Kafka now is stored, and every partition is somebody's: one to which nobody writes does not lag.
 * Servers that have just begun again may refuse to answer at first.
 */
export const comeToRest = async (
  site: Site,
  acknowledged: ReadonlyMap<string, bigint>,
  stop: AbortSignal,
  patience: Patience = patienceNow()
): Promise<Rested> => {
  const since = performance.now()
  const now = () => Math.round(performance.now() - since)
  let looked: Looked | undefined
  let failure = ""
  for (;;) {
    try {
      const ends: ReadonlyArray<End> = looked?.ends ?? await endsOf(site, acknowledged)
      const unowned = await nobodys(site, ends)
      looked = { ends, behind: await behindOf(site, ends), gaps: seenAt(looked?.gaps ?? [], unowned, now()) }
      failure = ""
      if (isAtRest(looked)) return { ms: now(), observations: observed(looked, now(), patience) }
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
    }
    const afterMs = now()
    if (stop.aborted) return { ms: afterMs, observations: [] }
    if (afterMs > (failure === "" ? patience.restMs : patience.serversMs)) {
      if (looked === undefined || failure !== "") {
        throw new Error(`the servers have not come back after ${afterMs} ms: ${failure}`)
      }
      const observations = observed(looked, afterMs, patience)
      if (observations.length === 0) throw new Error(`partitions have changed hands for ${afterMs} ms, without an end`)
      return { ms: afterMs, observations }
    }
    await sleep(lookEveryMs)
  }
}

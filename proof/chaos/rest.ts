import { setTimeout as sleep } from "node:timers/promises"
import { storedOffsets } from "../../test/e2e/support/database.js"
import type { Observation, Place } from "../checker/History.js"
import type { Site } from "./Site.js"

/**
 * From the end of the last fault until all that was in Kafka by then is stored. The longest that must pass in it: a
 * statement's deadline, a session, a transaction that was left open, the longest back-off, MySQL's lock wait, one after
 * the other; and that on a machine that has other work too.
 */
const restMaxMs = 180_000
const lookEveryMs = 250
/** Servers that do not answer for so long have a trouble of their own. */
const serversMaxMs = 300_000

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

export interface Rested {
  readonly ms: number
  /** What has not come to rest. */
  readonly observations: ReadonlyArray<Observation>
}

/** Waits until what is in Kafka now is stored. Servers that have just begun again may refuse to answer at first. */
export const comeToRest = async (
  site: Site,
  acknowledged: ReadonlyMap<string, bigint>,
  stop: AbortSignal
): Promise<Rested> => {
  const since = performance.now()
  let ends: ReadonlyArray<End> | undefined
  let behind: ReadonlyArray<Behind> = []
  let failure = ""
  for (;;) {
    try {
      ends ??= await endsOf(site, acknowledged)
      behind = await behindOf(site, ends)
      failure = ""
      if (behind.length === 0) return { ms: performance.now() - since, observations: [] }
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
    }
    const afterMs = Math.round(performance.now() - since)
    if (stop.aborted || afterMs > (failure === "" ? restMaxMs : serversMaxMs)) {
      if (failure !== "" && !stop.aborted) {
        throw new Error(`the servers have not come back after ${afterMs} ms: ${failure}`)
      }
      const observations = behind.map(({ lag, ...place }): Observation => ({ kind: "lag", place, lag, afterMs }))
      return { ms: afterMs, observations: stop.aborted ? [] : observations }
    }
    await sleep(lookEveryMs)
  }
}

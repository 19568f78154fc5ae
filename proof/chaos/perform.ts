import { setTimeout as sleep } from "node:timers/promises"
import { type Effect, stageOf } from "./Fault.js"
import { claimsOf, faults } from "./faults.js"
import { type Chapter, type FaultKind, lineOf, type Planned } from "./schedule.js"
import type { Site } from "./Site.js"

/** How often a kind of fault was drawn, how often it could be done, how often it hit something, and how much. */
export interface Tally {
  drawn: number
  done: number
  hit: number
  bites: number
}

export type Tallies = Map<FaultKind, Tally>

const tallyOf = (tallies: Tallies, kind: FaultKind): Tally => {
  const tally = tallies.get(kind) ?? { drawn: 0, done: 0, hit: 0, bites: 0 }
  tallies.set(kind, tally)
  return tally
}

/** Waits so long, or until the run stops. */
const pausing = (stop: AbortSignal) => (ms: number) => sleep(ms, undefined, { signal: stop }).catch(() => {})

/**
 * Does what is planned, each at its time, whether or not those before have ended; one whose instance or server another
 * still has is passed over. When it returns all of them have healed what they have harmed.
 */
export const perform = async (
  site: Site,
  { endMs, faults: planned }: Chapter,
  tallies: Tallies,
  stop: AbortSignal,
  say: (line: string) => void
): Promise<void> => {
  const taken = new Set<string>()
  const running = new Set<Promise<void>>()
  const pause = pausing(stop)
  const since = performance.now()
  const now = () => performance.now() - since

  const run = async (one: Planned, slotIndex: number, claims: ReadonlyArray<string>) => {
    const slot = site.slots[slotIndex]
    if (slot === undefined) return
    const startedMs = now()
    const effect = await faults[one.kind].run(stageOf(site, one, slot, { pause, isStopped: () => stop.aborted })).catch(
      (error: unknown): Effect => ({
        // Another fault has taken away what this one needed, as a killed database does to a lock.
        what: `came to nothing: ${error instanceof Error ? error.message : String(error)}`,
        bites: 0
      })
    )
    for (const claim of claims) taken.delete(claim)
    const tally = tallyOf(tallies, one.kind)
    tally.done += 1
    tally.hit += effect.bites > 0 ? 1 : 0
    tally.bites += effect.bites
    say(`+${(startedMs / 1000).toFixed(1)}s to +${(now() / 1000).toFixed(1)}s ${one.kind}: ${effect.what}`)
  }

  for (const one of planned) {
    await pause(Math.max(0, one.atMs - now()))
    if (stop.aborted) break
    tallyOf(tallies, one.kind).drawn += 1
    const slotIndex = one.target % site.instances
    const claims = claimsOf(one.kind, String(slotIndex))
    if (claims.some((claim) => taken.has(claim))) {
      say(`${lineOf(one)} passed over: another fault has ${claims.join(" or ")}`)
      continue
    }
    for (const claim of claims) taken.add(claim)
    const act = run(one, slotIndex, claims)
    running.add(act)
    void act.finally(() => running.delete(act))
  }
  await pause(Math.max(0, endMs - now()))
  await Promise.all(running)
}

import { makeRandom, type SeededRandom } from "../../src/domain/random.js"
import type { Planned } from "./schedule.js"
import type { Site } from "./Site.js"
import type { Slot } from "./Slot.js"

/** What a fault has met. One that bites nothing shows nothing. */
export interface Effect {
  readonly what: string
  /** Processes, connections, partitions, requests that it has hit. */
  readonly bites: number
}

/** Waits so long, or until the run stops. */
export type Pause = (ms: number) => Promise<void>

export interface Stage {
  readonly site: Site
  readonly planned: Planned
  readonly random: SeededRandom
  /** The instance that the fault is about. */
  readonly slot: Slot
  readonly pause: Pause
  /** The run stops: what repeats until its time is over must end. */
  readonly isStopped: () => boolean
}

export type Waits = Pick<Stage, "pause" | "isStopped">

/** Does its harm, waits, and heals what it has harmed, also when the run stops meanwhile. */
export type Fault = (stage: Stage) => Promise<Effect>

/** What two faults must not hold at once: they would end one another. */
export type Claim = "slot" | "commit" | "slow" | "spare" | "brokers" | "mysql" | "locks" | "network" | "registry"

export const stageOf = (site: Site, planned: Planned, slot: Slot, { isStopped, pause }: Waits): Stage => ({
  site,
  planned,
  slot,
  pause,
  isStopped,
  random: makeRandom(planned.seed)
})

/** Between harm and healing. */
export const during = async <A>(act: () => Promise<A>, heal: () => unknown): Promise<A> => {
  try {
    return await act()
  } finally {
    await heal()
  }
}

/** In seconds, for people. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

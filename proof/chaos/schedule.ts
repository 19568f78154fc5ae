import { makeRandom, type SeededRandom, seedOf } from "../../src/domain/random.js"

/** All that is done to the servers, to the instances and to the ways between them. */
export const faultKinds = [
  "kill an instance",
  "freeze an instance",
  "stop an instance",
  "add a member",
  "skew a clock",
  "kill a broker",
  "freeze a broker",
  "kill two brokers",
  "move leaders",
  "add a partition",
  "kill MySQL",
  "kill connections",
  "hold offset rows",
  "lock a table",
  "slow MySQL",
  "cut at COMMIT",
  "silence at COMMIT",
  "cut connections",
  "refuse connections",
  "stall the network",
  "half-open connections",
  "slow Kafka",
  "refuse the registry",
  "freeze the registry"
] as const

export type FaultKind = typeof faultKinds[number]

/** A fault as the seed has drawn it. What it meets depends on the run; what it does and to whom does not. */
export interface Planned {
  /** Since the beginning of the chapter. */
  readonly atMs: number
  readonly kind: FaultKind
  readonly durationMs: number
  /** Which instance, broker or topic; each fault takes it modulo what there is. */
  readonly target: number
  /** For the fault's own choices. */
  readonly seed: number
}

/** Faults that belong together, each chapter with kinds of its own; behind it all must come to rest. */
export interface Chapter {
  readonly kinds: ReadonlyArray<FaultKind>
  readonly faults: ReadonlyArray<Planned>
  readonly endMs: number
}

interface Habit {
  /** How often it is drawn, beside the others. */
  readonly weight: number
  readonly leastMs: number
  readonly mostMs: number
}

/** Durations lie on both sides of what decides: the session (6 s), the lock wait (5 s), the statement's deadline (8 s here). */
const habits: Readonly<Record<FaultKind, Habit>> = {
  "kill an instance": { weight: 3, leastMs: 0, mostMs: 6000 },
  "freeze an instance": { weight: 4, leastMs: 500, mostMs: 14_000 },
  "stop an instance": { weight: 2, leastMs: 0, mostMs: 3000 },
  "add a member": { weight: 1, leastMs: 4000, mostMs: 15_000 },
  "skew a clock": { weight: 2, leastMs: 2000, mostMs: 20_000 },
  "kill a broker": { weight: 1, leastMs: 500, mostMs: 8000 },
  "freeze a broker": { weight: 1, leastMs: 1000, mostMs: 9000 },
  "kill two brokers": { weight: 0.5, leastMs: 500, mostMs: 5000 },
  "move leaders": { weight: 2, leastMs: 0, mostMs: 0 },
  "add a partition": { weight: 0.5, leastMs: 0, mostMs: 0 },
  "kill MySQL": { weight: 2, leastMs: 0, mostMs: 6000 },
  "kill connections": { weight: 3, leastMs: 0, mostMs: 0 },
  "hold offset rows": { weight: 2, leastMs: 1000, mostMs: 12_000 },
  "lock a table": { weight: 2, leastMs: 1000, mostMs: 8000 },
  "slow MySQL": { weight: 1, leastMs: 2000, mostMs: 10_000 },
  "cut at COMMIT": { weight: 4, leastMs: 1000, mostMs: 5000 },
  "silence at COMMIT": { weight: 3, leastMs: 1000, mostMs: 5000 },
  "cut connections": { weight: 2, leastMs: 0, mostMs: 0 },
  "refuse connections": { weight: 2, leastMs: 500, mostMs: 9000 },
  "stall the network": { weight: 3, leastMs: 500, mostMs: 14_000 },
  "half-open connections": { weight: 2, leastMs: 0, mostMs: 0 },
  "slow Kafka": { weight: 1, leastMs: 2000, mostMs: 10_000 },
  "refuse the registry": { weight: 1, leastMs: 4000, mostMs: 12_000 },
  "freeze the registry": { weight: 1, leastMs: 4000, mostMs: 12_000 }
}

/** As Jepsen does: not all of them at all times, since one fault may hide what another shows. */
const drawKinds = (random: SeededRandom): ReadonlyArray<FaultKind> => {
  const chosen = faultKinds.filter(() => !random.oneIn(3))
  return chosen.length > 0 ? chosen : faultKinds
}

const drawKind = (random: SeededRandom, kinds: ReadonlyArray<FaultKind>): FaultKind => {
  let left = random.fraction() * kinds.reduce((sum, kind) => sum + habits[kind].weight, 0)
  for (const kind of kinds) {
    left -= habits[kind].weight
    if (left < 0) return kind
  }
  return kinds[0] ?? "kill an instance"
}

const drawFault = (random: SeededRandom, atMs: number, kinds: ReadonlyArray<FaultKind>): Planned => {
  const kind = drawKind(random, kinds)
  const { leastMs, mostMs } = habits[kind]
  return {
    atMs,
    kind,
    durationMs: random.integer(leastMs, mostMs),
    target: random.uint32(),
    seed: random.uint32()
  }
}

export const chapterMs = 75_000
const firstMs = 1000
/** The last fault still lasts for a while within the chapter. */
const lastMs = 4000

/**
 * What the seed says for a chapter of a run. Times between faults are exponential, so that some overlap; now and then
 * none comes for a while.
 */
export const drawChapter = (seed: number, chapter: number, endMs: number = chapterMs): Chapter => {
  const random = makeRandom(seedOf(seed, chapter))
  const kinds = drawKinds(random)
  const meanMs = random.pick(1500, 3000, 6000)
  const faults: Array<Planned> = []
  let atMs = firstMs
  while (atMs < endMs - lastMs) {
    faults.push(drawFault(random, Math.round(atMs), kinds))
    atMs += -Math.log(1 - random.fraction()) * meanMs
  }
  return { kinds, faults, endMs }
}

export const lineOf = ({ atMs, durationMs, kind, target }: Planned): string =>
  `+${(atMs / 1000).toFixed(1)}s ${kind} [target=${target} duration=${(durationMs / 1000).toFixed(1)}s]`

import type { Catching } from "./catching.js"
import type { Found, Shown } from "./found.js"

type BySimulation = Omit<NonNullable<Found["simulation"]>, "fingerprint" | keyof Shown>

/** At once: the modules are loaded anew for each, and what hangs is noticed by the time that these take. */
const batchRuns = 60

interface Search {
  readonly runs: number
  /** Seeds that an earlier search has tried, and the seconds that they took. */
  readonly tried?: { readonly runs: number; readonly seconds: number }
  /** Seeds that find something though nothing is missing: they can tell nothing. */
  readonly except: ReadonlyArray<number>
  readonly changed: ReadonlyArray<string>
}

/** Seeds from 1 on, or from where an earlier search has ended, until one has a finding. */
export const trySimulation = async (
  { trySeeds }: Catching,
  { changed, except, runs, tried = { runs: 0, seconds: 0 } }: Search,
  stop: AbortSignal
): Promise<BySimulation> => {
  const beganMs = performance.now()
  const tookS = () => Math.round(tried.seconds * 10 + (performance.now() - beganMs) / 100) / 10
  let last = tried.runs
  while (last < runs && !stop.aborted) {
    const to = Math.min(runs, last + batchRuns)
    const found = await trySeeds(last + 1, to, except, last === tried.runs ? changed : [])
    if (found !== undefined) return { runs: found.seed, ...found, seconds: tookS() }
    last = to
  }
  return { runs: last, seconds: tookS() }
}

/** The seeds that find something on the tree as it is, with what they find: `npm run simulate` is about those. */
export const simulationBaseline = async (
  catching: Catching,
  runs: number,
  stop: AbortSignal
): Promise<ReadonlyMap<number, string>> => {
  const broken = new Map<number, string>()
  while (!stop.aborted) {
    const { finding = "", seed } = await trySimulation(
      catching,
      { runs, except: [...broken.keys()], changed: [] },
      stop
    )
    if (seed === undefined) return broken
    broken.set(seed, finding)
  }
  return broken
}

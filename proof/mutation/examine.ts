import { type Catching, makeCatching } from "./catching.js"
import { commitOf } from "../support/results.js"
import { type Found, isCaught, type Shown, simulationFingerprint, testFingerprint } from "./found.js"
import type { Mutation, TestCatcher } from "./Mutation.js"
import type { Options } from "./options.js"
import { makeScratch, type Scratch } from "./Scratch.js"
import { trySimulation } from "./simulating.js"

/** A copy of the tree and what runs tests in it. */
export interface Worker {
  readonly scratch: Scratch
  /** What was copied. */
  readonly commit: string
  readonly catching: Catching
  /** Sources that have changed since the tests' process has read them. */
  stale: ReadonlyArray<string>
}

export const makeWorker = (root: string, stop: AbortSignal): Worker => {
  const scratch = makeScratch(root)
  return { scratch, commit: commitOf(), catching: makeCatching(scratch.folder, stop), stale: [] }
}

export const endWorker = ({ catching, scratch }: Worker): void => {
  catching.end()
  scratch.remove()
}

/** Whether simulation could see anything of it. */
export const isAsked = ({ simulated }: Mutation): boolean => simulated !== "not in it" && simulated !== "costs time"

const shownNow = ({ commit }: Worker): Shown => ({ commit, at: new Date().toISOString() })

/** What is still to be tried: an earlier answer holds as long as nothing that it rests on has changed. */
export const dueOf = (options: Options, { simulation, test }: Found, mutation: Mutation, root = process.cwd()) => {
  const isSimulated = simulation?.fingerprint === simulationFingerprint(root, mutation)
    && (simulation.seed !== undefined || simulation.runs >= options.runs)
  return {
    simulation: options.simulation && isAsked(mutation) && (options.again || !isSimulated),
    tests: options.tests && (options.again || test?.fingerprint !== testFingerprint(root, mutation))
  }
}

/** The sources that the process has to read again; told once. */
const taken = (worker: Worker): ReadonlyArray<string> => {
  const files = worker.stale
  worker.stale = []
  return files
}

/** What says something on the tree as it is, and so nothing about a mutation. */
export interface Unfit {
  readonly catchers: ReadonlyMap<string, string>
  readonly seeds: ReadonlyArray<number>
}

const keyOf = ({ file, test }: TestCatcher): string => `${file} "${test}"`

/** Those that do not pass on the tree as it is, and why: they can catch nothing. */
export const baseline = async (
  worker: Worker,
  catchers: ReadonlyArray<TestCatcher>
): Promise<ReadonlyMap<string, string>> => {
  const broken = new Map<string, string>()
  for (const project of ["unit", "integration"] as const) {
    const some = catchers.filter((catcher) => catcher.project === project)
    if (some.length === 0) continue
    const verdicts = await worker.catching.tryTests(some, [])
    for (const [index, verdict] of verdicts.entries()) {
      const catcher = some[index]
      if (catcher === undefined || verdict._tag === "Passed") continue
      const why = verdict._tag === "Caught" ? verdict.message : verdict.why
      broken.set(keyOf(catcher), `it does not pass on the tree as it is: ${why}`)
    }
  }
  return broken
}

const tried = async (
  worker: Worker,
  mutation: Mutation,
  broken: ReadonlyMap<string, string>,
  fingerprint: string
): Promise<Pick<Found, "test" | "missed">> => {
  const missed: Array<string> = []
  for (const catcher of mutation.tests) {
    const key = keyOf(catcher)
    const unfit = broken.get(key)
    const beganMs = performance.now()
    const [verdict] = unfit === undefined
      ? await worker.catching.tryTests([catcher], taken(worker))
      : [{ _tag: "Unusable", why: unfit } as const]
    if (verdict?._tag === "Caught") {
      const { file, test } = catcher
      const seconds = Math.round((performance.now() - beganMs) / 100) / 10
      const { message } = verdict
      return { test: { fingerprint, ...shownNow(worker), file, test, seconds, message }, missed }
    }
    missed.push(`${key}: ${verdict?._tag === "Unusable" ? verdict.why : "passes without it"}`)
  }
  return { missed }
}

/** Removes one mechanism and looks who notices. */
export const examine = (
  worker: Worker,
  mutation: Mutation,
  before: Found,
  options: Options,
  unfit: Unfit,
  stop: AbortSignal
): Promise<Found> => {
  const { scratch } = worker
  const due = dueOf(options, before, mutation, scratch.folder)
  // Of the copy, before it is changed: the tree itself may be another one by now.
  const fingerprints = {
    simulation: simulationFingerprint(scratch.folder, mutation),
    test: testFingerprint(scratch.folder, mutation)
  }
  const goesOn = !options.again && before.simulation?.fingerprint === fingerprints.simulation
  const files = [...new Set(mutation.edits.map(({ file }) => file))]
  return scratch.mutated(mutation.edits, async () => {
    worker.stale = [...worker.stale, ...files]
    const simulation = due.simulation
      ? {
        fingerprint: fingerprints.simulation,
        ...shownNow(worker),
        ...await trySimulation(
          worker.catching,
          {
            runs: options.runs,
            except: unfit.seeds,
            changed: taken(worker),
            ...(goesOn && before.simulation !== undefined ? { tried: before.simulation } : {})
          },
          stop
        )
      }
      : isAsked(mutation)
      ? before.simulation
      : undefined
    const tests = due.tests ? await tried(worker, mutation, unfit.catchers, fingerprints.test) : before
    worker.stale = [...worker.stale, ...files]
    return {
      ...(simulation === undefined ? {} : { simulation }),
      ...(tests.test === undefined ? {} : { test: tests.test }),
      ...(tests.missed === undefined || tests.missed.length === 0 ? {} : { missed: tests.missed })
    }
  })
}

/** One line about what is known. */
export const told = (id: string, found: Found): string => {
  const { missed = [], simulation, test } = found
  const parts = [
    ...(simulation === undefined ? [] : [
      simulation.seed === undefined
        ? `not seen by ${simulation.runs} simulated runs`
        : `seed ${simulation.seed} of simulation: ${simulation.finding ?? ""}`
    ]),
    ...(test === undefined ? [] : [`${test.file}, ${test.seconds} s: ${test.message}`]),
    ...(isCaught(found) ? [] : missed)
  ]
  return `${isCaught(found) ? "caught  " : "SURVIVED"} ${id}: ${parts.join("; ")}`
}

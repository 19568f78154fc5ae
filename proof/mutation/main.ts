import { join } from "node:path"
import { inRun } from "../support/inRun.js"
import { resultsFolder, saveResult } from "../support/results.js"
import { baseline, dueOf, endWorker, examine, makeWorker, told, type Worker } from "./examine.js"
import { type Found, isCaught, readFound, secondsOf } from "./found.js"
import type { Mutation } from "./Mutation.js"
import { combinations, mutations } from "./mutations.js"
import { type Options, readOptions, usage } from "./options.js"
import { simulationBaseline } from "./simulating.js"

const everything = [...mutations, ...combinations]
const resultFile = join(resultsFolder, "mutation.json")
const say = (line: string): void => void process.stdout.write(`${line}\n`)

type AllFound = Readonly<Record<string, Found>>

const findingOf = ({ id, simulated }: Mutation, found: Found): string | undefined => {
  const { missed = [], simulation } = found
  if (!isCaught(found)) {
    const unseen = simulation === undefined ? [] : [`not seen by ${simulation.runs} simulated runs`]
    return `${id} survives: ${[...unseen, ...missed].join("; ")}`
  }
  return simulated === "finds" && simulation !== undefined && simulation.seed === undefined
    ? `${id}: ${simulation.runs} simulated runs have not seen it, though they should`
    : undefined
}

const findingsOf = (some: ReadonlyArray<Mutation>, all: AllFound): ReadonlyArray<string> =>
  some.flatMap((mutation) => {
    const found = all[mutation.id]
    const finding = found === undefined ? undefined : findingOf(mutation, found)
    return finding === undefined ? [] : [finding]
  })

/** Replaces one row of what is known by now, whoever has added to it since: other rows stay as they were shown. */
const save = (startedMs: number, commit: string, mutation: Mutation, found: Found): void => {
  const all: AllFound = { ...readFound(resultFile), [mutation.id]: found }
  const kept = everything.flatMap(({ id }) => all[id] === undefined ? [] : [[id, all[id]] as const])
  saveResult({
    name: "mutation",
    command: "npm run mutation",
    commit,
    startedAt: new Date(startedMs).toISOString(),
    seconds: Math.round(secondsOf(kept.map(([, row]) => row))),
    findings: findingsOf(everything, all),
    measured: { mutations: Object.fromEntries(kept) }
  }, resultsFolder)
}

/** One mutation after the other, several workers side by side; what is found is kept at once. */
const work = async (
  workers: ReadonlyArray<Worker>,
  due: ReadonlyArray<Mutation>,
  options: Options,
  all: Record<string, Found>,
  stop: AbortSignal
): Promise<void> => {
  const startedMs = Date.now()
  const [first] = workers
  if (first === undefined) return
  const isDue = (which: "tests" | "simulation") => (mutation: Mutation) =>
    dueOf(options, all[mutation.id] ?? {}, mutation)[which]
  say(`${due.length} mutations; first all that is to catch them, on the tree as it is`)
  const broken = await baseline(first, due.filter(isDue("tests")).flatMap(({ tests }) => tests))
  for (const [catcher, why] of broken) say(`${catcher}: ${why}`)
  const seeds = due.some(isDue("simulation"))
    ? await simulationBaseline(first.catching, options.runs, stop)
    : new Map<number, string>()
  for (const [seed, finding] of seeds) say(`seed ${seed} finds something on the tree as it is: ${finding}`)
  const unfit = { catchers: broken, seeds: [...seeds.keys()] }
  const queue = [...due]
  await Promise.all(workers.map(async (worker) => {
    for (let next = queue.shift(); next !== undefined && !stop.aborted; next = queue.shift()) {
      const found = await examine(worker, next, all[next.id] ?? {}, options, unfit, stop)
      if (stop.aborted) return
      all[next.id] = found
      say(told(next.id, found))
      save(startedMs, worker.commit, next, found)
    }
  }))
}

const run = async (options: Options, stop: AbortSignal): Promise<number> => {
  const all: Record<string, Found> = { ...readFound(resultFile) }
  const wanted = everything.filter(({ id }) => options.only.length === 0 || options.only.includes(id))
  const due = wanted.filter((mutation) => {
    const { simulation, tests } = dueOf(options, all[mutation.id] ?? {}, mutation)
    return simulation || tests
  })
  if (due.length > 0) {
    const workers = Array.from({ length: options.jobs }, () => makeWorker(process.cwd(), stop))
    try {
      await work(workers, due, options, all, stop)
    } finally {
      workers.forEach(endWorker)
    }
  }
  const findings = findingsOf(wanted, all)
  const untried = wanted.filter(({ id }) => all[id] === undefined).map(({ id }) => `${id} was not tried`)
  for (const line of [...findings, ...untried]) say(line)
  say(`${wanted.filter(({ id }) => isCaught(all[id] ?? {})).length} of ${wanted.length} are caught; ${resultFile}`)
  return findings.length + untried.length === 0 ? 0 : 1
}

const main = async (): Promise<number> => {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2), everything.map(({ id }) => id))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
    return 64
  }
  if (!options.list) return inRun((stop) => run(options, stop))
  for (const { id, mechanism } of everything) say(`${id.padEnd(22)} ${mechanism}`)
  return 0
}

process.exitCode = await main()

import { existsSync } from "node:fs"
import { join } from "node:path"
import { inRun } from "../support/inRun.js"
import { commitOf, resultsFolder, saveResult } from "../support/results.js"
import { baseline, tryTest } from "./catching.js"
import { type Found, isCaught, readFound, simulationFingerprint, testFingerprint } from "./found.js"
import type { Mutation } from "./Mutation.js"
import { mutations } from "./mutations.js"
import { type Options, readOptions, usage } from "./options.js"
import { makeScratch, type Scratch } from "./Scratch.js"
import { simulationBaseline, trySimulation } from "./simulating.js"

const root = process.cwd()
const resultFile = join(resultsFolder, "mutation.json")
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const isOn = (options: Options, found: Found, mutation: Mutation) => ({
  simulation: options.simulation && mutation.simulated !== "not in it"
    && (options.again || found.simulation?.fingerprint !== simulationFingerprint(root, mutation)
      || (found.simulation.seed === undefined && found.simulation.runs < options.runs)),
  tests: options.tests && (options.again || found.test?.fingerprint !== testFingerprint(root, mutation))
})

/** Removes one mechanism and looks who notices. */
const examine = async (
  { folder, mutated }: Scratch,
  mutation: Mutation,
  before: Found,
  options: Options,
  stop: AbortSignal
): Promise<Found> => {
  const on = isOn(options, before, mutation)
  let { missed, simulation, test } = before
  await mutated(mutation.edits, async () => {
    if (on.simulation) {
      const found = await trySimulation(folder, options.runs, stop)
      simulation = { fingerprint: simulationFingerprint(root, mutation), ...found }
    }
    if (!on.tests) return
    test = undefined
    missed = []
    for (const catcher of mutation.tests) {
      const beganMs = performance.now()
      const verdict = await tryTest(folder, catcher, stop)
      const seconds = Math.round((performance.now() - beganMs) / 100) / 10
      const { file, test: name } = catcher
      if (verdict._tag === "Caught") {
        test = { fingerprint: testFingerprint(root, mutation), file, test: name, seconds, message: verdict.message }
        return
      }
      missed = [...missed, `${file} "${name}": ${verdict._tag === "Passed" ? "passes without it" : verdict.why}`]
    }
  })
  return {
    ...(simulation === undefined ? {} : { simulation }),
    ...(test === undefined ? {} : { test }),
    ...(missed === undefined || missed.length === 0 ? {} : { missed })
  }
}

const told = (id: string, found: Found): string => {
  const { missed = [], simulation, test } = found
  const parts = [
    ...(simulation === undefined
      ? []
      : [
        simulation.seed === undefined
          ? `not seen by ${simulation.runs} simulated runs`
          : `seed ${simulation.seed} (${simulation.finding ?? ""})`
      ]),
    ...(test === undefined ? [] : [`${test.file}, ${test.seconds} s`]),
    ...(isCaught(found) ? [] : missed)
  ]
  return `${isCaught(found) ? "caught  " : "SURVIVED"} ${id}: ${parts.join("; ")}`
}

const findingsOf = (all: Readonly<Record<string, Found>>): ReadonlyArray<string> =>
  mutations.flatMap(({ id, simulated }) => {
    const found = all[id]
    if (found === undefined) return []
    if (!isCaught(found)) return [`${id} survives: ${(found.missed ?? []).join("; ")}`]
    return simulated === "finds" && found.simulation !== undefined && found.simulation.seed === undefined
      ? [`${id}: ${found.simulation.runs} simulated runs have not seen it, though they should`]
      : []
  })

const run = async (options: Options, stop: AbortSignal): Promise<number> => {
  const startedAt = new Date()
  const all: Record<string, Found> = { ...readFound(resultFile) }
  const wanted = mutations.filter(({ id }) => options.only.length === 0 || options.only.includes(id))
  const due = wanted.filter((mutation) => {
    const { simulation, tests } = isOn(options, all[mutation.id] ?? {}, mutation)
    return simulation || tests
  })
  const scratches: Array<Scratch> = []
  const save = () =>
    saveResult({
      name: "mutation",
      command: "npm run mutation",
      commit: commitOf(),
      startedAt: startedAt.toISOString(),
      seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      findings: findingsOf(all),
      measured: {
        mutations: Object.fromEntries(mutations.flatMap(({ id }) => all[id] === undefined ? [] : [[id, all[id]]]))
      }
    })
  try {
    const first = makeScratch(root)
    scratches.push(first)
    const problems = await baselines(first, due, options, all, stop)
    if (problems.length > 0) {
      for (const problem of problems) say(problem)
      return 1
    }
    const queue = [...due]
    const work = async (scratch: Scratch) => {
      for (let next = queue.shift(); next !== undefined && !stop.aborted; next = queue.shift()) {
        const found = await examine(scratch, next, all[next.id] ?? {}, options, stop)
        if (stop.aborted) return
        all[next.id] = found
        say(told(next.id, found))
        save()
      }
    }
    for (let job = 1; job < options.jobs; job++) scratches.push(makeScratch(root))
    await Promise.all(scratches.map(work))
  } finally {
    for (const scratch of scratches) scratch.remove()
  }
  const findings = findingsOf(all).filter((text) =>
    wanted.some(({ id }) => text.startsWith(`${id} `) || text.startsWith(`${id}:`))
  )
  for (const finding of findings) say(finding)
  say(`${wanted.filter(({ id }) => isCaught(all[id] ?? {})).length} of ${wanted.length} are caught; ${resultFile}`)
  return findings.length === 0 && wanted.every(({ id }) => isCaught(all[id] ?? {})) && !stop.aborted ? 0 : 1
}

const baselines = async (
  { folder }: Scratch,
  due: ReadonlyArray<Mutation>,
  options: Options,
  all: Readonly<Record<string, Found>>,
  stop: AbortSignal
): Promise<ReadonlyArray<string>> => {
  const tested = due.filter((mutation) => isOn(options, all[mutation.id] ?? {}, mutation).tests)
  const simulated = due.some((mutation) => isOn(options, all[mutation.id] ?? {}, mutation).simulation)
  say(`${due.length} mutations; first all that is to catch them, on the tree as it is`)
  const simulation = simulated ? await simulationBaseline(folder, stop) : []
  return [...simulation, ...await baseline(folder, tested.flatMap(({ tests }) => tests), stop)]
}

const main = async (): Promise<number> => {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2), mutations.map(({ id }) => id))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
    return 64
  }
  if (options.list) {
    for (const { id, mechanism } of mutations) say(`${id.padEnd(22)} ${mechanism}`)
    return 0
  }
  if (!existsSync(join(root, "proof/mutation"))) throw new Error("run it in the project's folder")
  return inRun((stop) => run(options, stop))
}

process.exitCode = await main()

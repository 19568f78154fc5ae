import { buildSync } from "esbuild"
import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inRun } from "../support/inRun.js"
import { commitOf, type Result, resultsFolder, saveResult } from "../support/results.js"
import { atEnd } from "../../test/e2e/support/atEnd.js"
import { type Batch, runSeeds } from "./batch.js"
import { corpus, foundAgain } from "./corpus.js"
import { drawPlan } from "./drawPlan.js"
import { type Options, optionsOf, usage } from "./options.js"
import { type Progress, readProgress, removeProgress, withBatch, writeProgress } from "./progress.js"
import { fingerprintOf, reportOf, traced } from "./report.js"

const progressFile = "proof/results/run/simulation.progress.json"
const batchRuns = 50
/** Of those that are told in full. */
const reportsMax = 3

const say = (line: string) => void process.stdout.write(`${line}\n`)

const batchesOf = ({ runs, seed }: Options): ReadonlyArray<readonly [from: number, runs: number]> =>
  Array.from({ length: Math.ceil(runs / batchRuns) }, (_, index) => {
    const from = seed + index * batchRuns
    return [from, Math.min(batchRuns, seed + runs - from)] as const
  })

/** In one file: a run takes a tenth less than with a module each. */
const buildWorker = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "tributary-simulate-"))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const outfile = join(folder, "worker.mjs")
  buildSync({
    entryPoints: ["proof/simulation/worker.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    // Some libraries are CommonJS and ask for Node's own modules.
    banner: { js: "import { createRequire } from \"node:module\"; const require = createRequire(import.meta.url);" },
    outfile
  })
  return outfile
}

/** Answers what comes back of an order; another process each, so that all cores have something to do. */
const startWorker = (file: string): (from: number, runs: number) => Promise<Batch> => {
  // Worlds live for a run only: with a larger young generation fewer of their parts are copied, and a run takes less.
  const worker = fork(file, { execArgv: ["--max-semi-space-size=64"] })
  const closed = new Promise<never>((_, reject) => {
    worker.once("exit", (code) => reject(new Error(`a worker has ended with ${code}`)))
  })
  // Its end is no news when there is nothing more to do.
  closed.catch(() => undefined)
  atEnd(() => void worker.kill())
  return (from, runs) => {
    const answer = new Promise<Batch>((resolve) => worker.once("message", (batch: Batch) => resolve(batch)))
    worker.send({ from, runs })
    return Promise.race([answer, closed])
  }
}

const makeRunners = (jobs: number): ReadonlyArray<(from: number, runs: number) => Promise<Batch>> => {
  if (jobs === 1) return [(from, runs) => Promise.resolve(runSeeds(from, runs))]
  const file = buildWorker()
  return Array.from({ length: jobs }, () => startWorker(file))
}

const runAll = async (options: Options, begun: Progress, stop: AbortSignal): Promise<Progress> => {
  const startedMs = performance.now() - begun.seconds * 1000
  const done = new Set(begun.done)
  const due = batchesOf(options).filter(([from]) => !done.has(from)).values()
  let progress = begun
  let toldMs = performance.now()
  const work = async (run: (from: number, runs: number) => Promise<Batch>) => {
    for (const [from, runs] of due) {
      if (stop.aborted) return
      const batch = await run(from, runs)
      progress = withBatch(progress, batch, Math.round((performance.now() - startedMs) / 100) / 10)
      writeProgress(progressFile, progress)
      for (const { findings, seed } of batch.failed) say(`seed ${seed}: ${findings.join("; ")}`)
      if (performance.now() - toldMs < 10_000) continue
      toldMs = performance.now()
      say(`${progress.ran} of ${options.runs} runs, ${progress.failed.length} with findings, ${progress.seconds} s`)
    }
  }
  await Promise.all(makeRunners(Math.min(options.jobs, options.runs)).map(work))
  return progress
}

const resultOf = (
  options: Options,
  again: ReadonlyArray<string>,
  { commit, failed, numbers, ran, seconds, startedAt }: Progress
): Result => ({
  name: "simulation",
  command: `npm run simulate -- --seed ${options.seed} --runs ${options.runs}`,
  commit,
  startedAt,
  seconds,
  seed: options.seed,
  findings: [...again, ...failed.flatMap((one) => one.findings.map((finding) => `seed ${one.seed}: ${finding}`))],
  measured: {
    runs: ran,
    corpus: corpus.length,
    firstFailing: failed.map(({ seed }) => seed).toSorted((a, b) => a - b)[0],
    seen: numbers
  }
})

const replay = ({ case: wanted, seed }: Options): number => {
  const found = corpus.find(({ name }) => name === wanted)
  const { plan, result: { findings, lines, numbers } } = traced(found?.plan ?? drawPlan(seed))
  say(JSON.stringify(plan, undefined, 2))
  for (const line of lines) say(line)
  for (const [name, count] of Object.entries(numbers)) if (count > 0) say(`${name}: ${count}`)
  for (const { kind, what } of findings) say(`${kind}: ${what}`)
  say(
    `${found?.name ?? `seed ${seed}`}: ${findings.length} findings, ${lines.length} events, trace ${
      fingerprintOf(lines)
    }`
  )
  return findings.length === 0 ? 0 : 1
}

const run = (options: Options): Promise<number> =>
  inRun(async (stop) => {
    const { runs, seed } = options
    const commit = commitOf()
    const fresh: Progress = {
      commit,
      startedAt: new Date().toISOString(),
      seed,
      runs,
      seconds: 0,
      done: [],
      ran: 0,
      numbers: {},
      failed: []
    }
    const begun = (options.resume ? readProgress(progressFile, { commit, seed, runs }) : undefined) ?? fresh
    if (begun !== fresh) say(`${begun.ran} runs are done already`)
    const again = foundAgain(corpus)
    for (const one of again) say(one)
    const progress = await runAll(options, begun, stop)
    for (const one of progress.failed.slice(0, reportsMax)) {
      const { plan, result } = traced(drawPlan(one.seed))
      say(reportOf(plan, result, commit))
    }
    const result = resultOf(options, again, progress)
    if (options.save && progress.ran === runs) say(saveResult(result, resultsFolder))
    if (progress.ran === runs) removeProgress(progressFile)
    say(JSON.stringify({ ...result, findings: result.findings.slice(0, 20) }))
    say(`${corpus.length} cases of the corpus, ${again.length} findings`)
    say(`${progress.ran} runs, ${progress.failed.length} with findings, ${progress.seconds} s`)
    if (stop.aborted) say(`stopped; npm run simulate -- --seed ${seed} --runs ${runs} --resume goes on`)
    return again.length + progress.failed.length > 0 ? 1 : stop.aborted ? 130 : 0
  })

const options = optionsOf(process.argv.slice(2))
if (options === undefined) process.stderr.write(`${usage}\n`)
process.exitCode = options === undefined ? 64 : options.replay ? replay(options) : await run(options)

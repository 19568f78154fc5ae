import { availableParallelism } from "node:os"
import { table } from "../../src/programs/table.js"
import { ensureBuilt } from "../../test/e2e/support/build.js"
import { exitWith, startServers } from "../support/command.js"
import { inRun } from "../support/inRun.js"
import { parsed } from "../support/parsed.js"
import { commitOf, type Result, saveResult } from "../support/results.js"
import { broken, type Kind, promises, type Verdict, verdictOf } from "./promises.js"
import type { Measured, Setting } from "./stage.js"
import { rounds, type Run, runs } from "./trials.js"

const usage = `npm run recovery -- [--kills N] [--seed N] [--only ${Object.keys(runs).join("|")}]

How soon rows flow again after kill -9, a freeze, SIGTERM and an outage of MySQL, on a broker with default settings.
--kills N  how often each is done, 1 to 1000; default 30
--seed N   of the moments at which it is done; default 1
--only K   one kind, or several between commas; default all`

const isRun = (name: string): name is Run => Object.hasOwn(runs, name)

/** @returns undefined: they are wrong */
const optionsOf = (args: ReadonlyArray<string>) => {
  const values = parsed(args, { kills: "30", seed: "1", only: Object.keys(runs).join() })
  if (values === undefined) return undefined
  const [kills, seed, names] = [Number(values.kills), Number(values.seed), values.only.split(",")]
  const only = names.filter(isRun)
  const right = Number.isInteger(kills) && kills >= 1 && kills <= 1000 && Number.isSafeInteger(seed) && seed >= 0
  return right && only.length === names.length ? { kills, seed, only } : undefined
}

/** How the command asks for a part. */
const restOf = (only: ReadonlyArray<Run>): string =>
  Object.keys(runs).every((name) => isRun(name) && only.includes(name)) ? "" : ` --only ${only.join()}`

const say = (line: string) => void process.stdout.write(`${line}\n`)

const show = (verdicts: ReadonlyArray<Verdict>): string =>
  table(
    [
      { head: "what" },
      ...["trials", "p50 ms", "p95 ms", "max ms", "p95 idle", "promised", "machine"].map((head) => ({
        head,
        align: "right" as const
      })),
      { head: "" }
    ],
    verdicts.map((one) => [
      one.what,
      ...[one.trials, one.p50Ms, one.p95Ms, one.maxMs, one.idleP95Ms, one.promisedP95Ms].map(String),
      `×${one.medianSlowness}`,
      one.kept ? "kept" : "BROKEN"
    ])
  )

/** Where one fails, the others come to the end of their trials first: what they start must be known when all is ended. */
const allOf = async (names: ReadonlyArray<Run>, setting: Setting): Promise<ReadonlyArray<Measured>> => {
  const failed = new AbortController()
  const stop = AbortSignal.any([setting.stop, failed.signal])
  const running = names.map((name) =>
    runs[name]({ ...setting, stop }).catch((error: unknown) => {
      failed.abort()
      throw error
    })
  )
  await Promise.allSettled(running)
  return Promise.all(running)
}

const run = async (options: { readonly kills: number; readonly seed: number; readonly only: ReadonlyArray<Run> }) =>
  inRun(async (stop) => {
    const started = performance.now()
    const startedAt = new Date().toISOString()
    await ensureBuilt()
    const { addresses } = await startServers()
    const setting: Setting = { addresses, kills: options.kills, seed: options.seed, stop, say }
    const findings: Array<string> = []
    const verdicts: Partial<Record<Kind, Verdict>> = {}
    for (const round of rounds) {
      if (stop.aborted) break
      const names = round.filter((name) => options.only.includes(name))
      for (const measured of await allOf(names, setting)) {
        findings.push(...measured.findings)
        for (const [kind, trials] of measured.trials) {
          const verdict = verdictOf(promises[kind], trials)
          verdicts[kind] = verdict
          findings.push(...broken(verdict))
        }
      }
    }
    const result: Result = {
      name: "recovery",
      command: `npm run recovery -- --kills ${options.kills} --seed ${options.seed}${restOf(options.only)}`,
      commit: commitOf(),
      startedAt,
      seconds: Math.round((performance.now() - started) / 1000),
      seed: options.seed,
      findings,
      measured: { cores: availableParallelism(), kinds: verdicts }
    }
    say(`\n${show(Object.values(verdicts))}\n`)
    say("p95 idle: the part of each time that is work, divided by how slow the machine was then (×1: idle).")
    findings.forEach(say)
    say(`${findings.length} findings, in ${saveResult(result)}`)
    return findings.length === 0 ? 0 : 1
  })

await exitWith(optionsOf(process.argv.slice(2)), usage, run)

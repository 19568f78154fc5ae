import { parseArgs } from "node:util"
import { corpus } from "./corpus.js"

export const usage = `npm run simulate -- [--seed N] [--runs M] [--jobs J] [--resume] [--save] [--replay [--case NAME]]

Runs the main job in simulated worlds under faults, one for each seed from N on, and checks what each has left. Before
that the plans that once have found something (proof/simulation/corpus.json).
--seed N   the first seed; default 1
--runs M   how many; default 100
--jobs J   processes, 1 to 64; default 2
--resume   goes on where a run with the same seed, runs and commit was stopped
--save     leaves the result in proof/results/simulation.json
--replay   the first seed alone, with all that has happened
--case NAME  with --replay: a plan of the corpus instead of a seed`

export interface Options {
  readonly seed: number
  readonly runs: number
  readonly jobs: number
  readonly resume: boolean
  readonly save: boolean
  readonly replay: boolean
  readonly case: string | undefined
}

const flag = { type: "boolean", default: false } as const

const within = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max

/** @returns undefined: they are wrong */
export const optionsOf = (args: ReadonlyArray<string>): Options | undefined => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: "string", default: "1" },
        runs: { type: "string", default: "100" },
        jobs: { type: "string", default: "2" },
        resume: flag,
        save: flag,
        replay: flag,
        case: { type: "string" }
      }
    })
    const [seed, runs, jobs] = [Number(values.seed), Number(values.runs), Number(values.jobs)]
    if (!within(seed, 0, 2 ** 31) || !within(runs, 1, 10_000_000) || !within(jobs, 1, 64)) return undefined
    const isCase = values.case === undefined || (values.replay && corpus.some(({ name }) => name === values.case))
    return isCase ? { ...values, case: values.case, seed, runs, jobs } : undefined
  } catch (error) {
    if (error instanceof TypeError) return undefined // an option that is not one, or one without its value
    throw error
  }
}

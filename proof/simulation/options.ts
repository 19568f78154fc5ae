import { parseArgs } from "node:util"

export const usage = `npm run simulate -- [--seed N] [--runs M] [--jobs J] [--resume] [--save] [--replay]

Runs the main job in simulated worlds under faults, one for each seed from N on, and checks what each has left.
--seed N   the first seed; default 1
--runs M   how many; default 100
--jobs J   processes, 1 to 64; default 2
--resume   goes on where a run with the same seed, runs and commit was stopped
--save     leaves the result in proof/results/simulation.json
--replay   the first seed alone, with all that has happened`

export interface Options {
  readonly seed: number
  readonly runs: number
  readonly jobs: number
  readonly resume: boolean
  readonly save: boolean
  readonly replay: boolean
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
        replay: flag
      }
    })
    const [seed, runs, jobs] = [Number(values.seed), Number(values.runs), Number(values.jobs)]
    if (!within(seed, 0, 2 ** 31) || !within(runs, 1, 10_000_000) || !within(jobs, 1, 64)) return undefined
    return { ...values, seed, runs, jobs }
  } catch (error) {
    if (error instanceof TypeError) return undefined // an option that is not one, or one without its value
    throw error
  }
}

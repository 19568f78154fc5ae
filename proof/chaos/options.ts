import { randomInt } from "node:crypto"
import { parsed } from "../support/parsed.js"

export interface Options {
  readonly minutes: number
  readonly instances: number
  readonly seed: number
}

export const usage = `npm run chaos [-- --minutes M] [--instances N] [--seed S]
  --minutes M    how long faults are made, 0.5 to 600; 10 unless named
  --instances N  how many processes share the work, 1 to 6; 3 unless named
  --seed S       what the faults are drawn from, 0 to 4294967295; another each time unless named`

const within = (text: string, pattern: RegExp, least: number, most: number): number | undefined => {
  const value = Number(text)
  return pattern.test(text) && value >= least && value <= most ? value : undefined
}

/** Undefined: something else was asked for than there is. */
export const optionsOf = (args: ReadonlyArray<string>): Options | undefined => {
  const given = parsed(args, { minutes: "10", instances: "3", seed: String(randomInt(1_000_000)) })
  if (given === undefined) return undefined
  const minutes = within(given.minutes, /^\d+(?:\.\d+)?$/, 0.5, 600)
  const instances = within(given.instances, /^\d+$/, 1, 6)
  const seed = within(given.seed, /^\d+$/, 0, 4_294_967_295)
  return minutes === undefined || instances === undefined || seed === undefined
    ? undefined
    : { minutes, instances, seed }
}

import { parseArgs } from "node:util"

export interface Options {
  /** Ids; empty: all. */
  readonly only: ReadonlyArray<string>
  readonly list: boolean
  readonly simulation: boolean
  readonly tests: boolean
  /** Also what an earlier run has shown already and nothing has changed since. */
  readonly again: boolean
  readonly jobs: number
  /** Seeds tried before simulation counts as having missed it. */
  readonly runs: number
}

export const usage =
  "npm run mutation -- [--list] [--only ID,ID...] [--simulation-only | --tests-only] [--runs N] [--jobs N] [--again]"

const count = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} ${text}: a whole number from 1 on is needed`)
  return value
}

/** Throws with what is wrong. */
export const readOptions = (args: ReadonlyArray<string>, known: ReadonlyArray<string>): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: "" },
      list: { type: "boolean", default: false },
      "simulation-only": { type: "boolean", default: false },
      "tests-only": { type: "boolean", default: false },
      again: { type: "boolean", default: false },
      jobs: { type: "string", default: "1" },
      runs: { type: "string", default: "300" }
    }
  })
  const only = values.only.split(",").map((id) => id.trim()).filter((id) => id !== "")
  const unknown = only.filter((id) => !known.includes(id))
  if (unknown.length > 0) throw new Error(`no mutation ${unknown.join(", ")}; --list shows all`)
  if (values["simulation-only"] && values["tests-only"]) throw new Error("either --simulation-only or --tests-only")
  return {
    only,
    list: values.list,
    simulation: !values["tests-only"],
    tests: !values["simulation-only"],
    again: values.again,
    jobs: count("jobs", values.jobs),
    runs: count("runs", values.runs)
  }
}

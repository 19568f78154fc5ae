import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** What a run has shown, as it is left in `proof/results/run/NAME.json`. */
export interface Result {
  readonly name: string
  /** The command by which anyone can repeat it. */
  readonly command: string
  readonly commit: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly seconds: number
  readonly seed?: number
  /** What contradicts a promise; empty: none was broken. */
  readonly findings: ReadonlyArray<string>
  readonly measured: Readonly<Record<string, unknown>>
}

/** What is published: docs/reliability.md is made from it. */
export const resultsFolder = "proof/results"
/** What a run leaves: not in the repository until somebody copies it there. */
export const runFolder = "proof/results/run"

const git = (...args: ReadonlyArray<string>) => execFileSync("git", args, { encoding: "utf8" }).trim()

/** The commit that runs, with `+` where its sources differ from it. Results are no sources: a run that saves some is not its own change. */
export const commitOf = (): string => {
  const changed = git("status", "--porcelain", "--", "src", "proof", ":!proof/results") !== ""
  return `${git("rev-parse", "--short=12", "HEAD")}${changed ? "+" : ""}`
}

export const saveResult = (result: Result, folder = runFolder): string => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${result.name}.json`)
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`)
  return file
}

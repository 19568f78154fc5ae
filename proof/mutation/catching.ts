import { spawn } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { decodeReport, judge, type Report, type Verdict } from "./judge.js"
import type { TestCatcher } from "./Mutation.js"

/** A catcher that takes longer hangs: its own limits are below that. */
const processMaxMs = 10 * 60_000

export interface Ended {
  /** Undefined: it was cut off. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs node in the scratch copy, in a process group of its own, so that what hangs can be ended as a whole. */
export const runNode = (folder: string, args: ReadonlyArray<string>, stop: AbortSignal): Promise<Ended> =>
  new Promise((done, failed) => {
    const child = spawn(process.execPath, [...args], { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] })
    const said = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text))
    let cut = false
    const end = () => {
      cut = true
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL")
    }
    const limit = setTimeout(end, processMaxMs)
    stop.addEventListener("abort", end, { once: true })
    child.once("error", failed)
    child.once("close", (code) => {
      clearTimeout(limit)
      stop.removeEventListener("abort", end)
      done({ code: cut || code === null ? undefined : code, ...said })
    })
  })

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&")

/** The catchers' tests, all of one project, in one run. */
const runTests = async (folder: string, catchers: ReadonlyArray<TestCatcher>, stop: AbortSignal) => {
  const output = join(folder, "report.json")
  rmSync(output, { force: true })
  const files = [...new Set(catchers.map(({ file }) => file))]
  const ended = await runNode(folder, [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    catchers[0]?.project ?? "unit",
    ...files,
    "--testNamePattern",
    catchers.map(({ test }) => escaped(test)).join("|"),
    "--reporter=json",
    `--outputFile=${output}`
  ], stop)
  if (existsSync(output)) return decodeReport(readFileSync(output, "utf8"))
  return ended.stderr.trim() === "" ? "vitest has written no report" : ended.stderr.trim().slice(-400)
}

const verdictOf = (report: Report | string, catcher: TestCatcher): Verdict =>
  typeof report === "string" ? { _tag: "Unusable", why: report } : judge(report, catcher)

export const tryTest = async (folder: string, catcher: TestCatcher, stop: AbortSignal): Promise<Verdict> =>
  verdictOf(await runTests(folder, [catcher], stop), catcher)

/** What does not pass on the tree as it is can catch nothing. Answers why, catcher by catcher. */
export const baseline = async (
  folder: string,
  catchers: ReadonlyArray<TestCatcher>,
  stop: AbortSignal
): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  for (const project of ["unit", "integration"] as const) {
    const some = catchers.filter((catcher) => catcher.project === project)
    if (some.length === 0) continue
    const report = await runTests(folder, some, stop)
    for (const catcher of some) {
      const verdict = verdictOf(report, catcher)
      if (verdict._tag === "Passed") continue
      const why = verdict._tag === "Caught" ? verdict.message : verdict.why
      problems.push(`${catcher.file} "${catcher.test}" does not pass on the tree as it is: ${why}`)
    }
  }
  return problems
}

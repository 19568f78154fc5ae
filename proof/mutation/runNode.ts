import { spawn } from "node:child_process"

export interface Ended {
  /** Undefined: it was cut off. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs node in a folder, in a process group of its own, so that what hangs can be ended as a whole. */
export const runNode = (
  folder: string,
  args: ReadonlyArray<string>,
  maxMs: number,
  stop: AbortSignal
): Promise<Ended> =>
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
    const limit = setTimeout(end, maxMs)
    stop.addEventListener("abort", end, { once: true })
    child.once("error", failed)
    child.once("close", (code) => {
      clearTimeout(limit)
      stop.removeEventListener("abort", end)
      done({ code: cut || code === null ? undefined : code, ...said })
    })
  })

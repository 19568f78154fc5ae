import { execFile } from "node:child_process"
import { promisify } from "node:util"

/** How much longer work takes here, now, than the processor time that it needs: 1 on an idle machine. */
export const slowness = (): number => {
  const before = process.cpuUsage()
  const since = performance.now()
  let used = 0
  while (used < 150_000) {
    const { system, user } = process.cpuUsage(before)
    used = system + user
  }
  return Math.max(1, ((performance.now() - since) * 1000) / used)
}

/** The same, found out by another process: this one goes on meanwhile with what it watches and feeds. */
export const slownessBeside = async (): Promise<number> => {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", `console.log((${slowness.toString()})())`])
  return Number(stdout)
}

/** The value below which that share of the values lies (nearest rank); 0 of none. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0

import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { alive, run } from "./cache.mjs"
import { isReady } from "./ready.mjs"

/**
 * @typedef {{ kind: "kafka", address: string, nodes: number }
 *   | { kind: "http" | "mysql" | "zookeeper", address: string }} Ready
 */
/**
 * All that is needed to start a server, and to find it again from another process: it is stored as JSON.
 * @typedef {object} Spec
 * @property {string} name
 * @property {string} dir its own folder, deleted at stop; its path is among the arguments of the command
 * @property {string} command
 * @property {ReadonlyArray<string>} args
 * @property {Ready} ready
 * @property {string} [container] name of the Docker container, if it is one
 */

/** @param {string} dir */
export const pidIn = (dir) => {
  try {
    return Number(readFileSync(join(dir, "pid"), "utf8"))
  } catch {
    return 0
  }
}

/** @param {string} dir */
const logTail = (dir) => {
  try {
    return readFileSync(join(dir, "log"), "utf8").split("\n").slice(-40).join("\n")
  } catch {
    return ""
  }
}

/**
 * Process ids are used again: a pid is ours only while its command line names our folder.
 * @param {number} pid
 * @param {string} dir
 */
const isOurs = async (pid, dir) => {
  if (pid <= 0 || !alive(pid)) return false
  return (await run("ps", ["-ww", "-o", "args=", "-p", String(pid)]).catch(() => "")).includes(dir)
}

/** @param {Spec} spec */
const spawnServer = (spec) => {
  const log = openSync(join(spec.dir, "log"), "a")
  const child = spawn(spec.command, spec.args, { detached: true, cwd: spec.dir, stdio: ["ignore", log, log] })
  closeSync(log)
  child.on("error", () => {}) // seen as a process that is not alive
  child.unref()
  if (child.pid === undefined) throw new Error(`${spec.name}: cannot run ${spec.command}`)
  writeFileSync(join(spec.dir, "pid"), String(child.pid))
}

/** @param {Spec} spec */
const untilReady = async (spec, timeoutMs = 240_000) => {
  const deadline = Date.now() + timeoutMs
  while (!await isReady(spec.ready)) {
    const pid = pidIn(spec.dir)
    if (spec.container === undefined && !alive(pid)) {
      throw new Error(`${spec.name} ended while it started:\n${logTail(spec.dir)}`)
    }
    if (Date.now() > deadline) throw new Error(`${spec.name} is not ready after ${timeoutMs} ms:\n${logTail(spec.dir)}`)
    await sleep(100)
  }
}

/** @param {string} dir @param {number} timeoutMs */
const untilGone = async (dir, timeoutMs) => {
  const deadline = Date.now() + timeoutMs
  const pid = pidIn(dir)
  for (; alive(pid); await sleep(20)) {
    if (Date.now() > deadline) return false
  }
  rmSync(join(dir, "pid"), { force: true })
  return true
}

/**
 * A server that was started, by this process or another.
 * @param {Spec} spec
 */
export const attach = (spec) => {
  const kill = async (signal = "SIGKILL") => {
    if (spec.container !== undefined) {
      await run("docker", ["kill", "--signal", signal, spec.container])
      return
    }
    const pid = pidIn(spec.dir)
    if (!await isOurs(pid, spec.dir)) return
    process.kill(pid, signal)
    if (signal === "SIGSTOP" || signal === "SIGCONT") return
    if (!await untilGone(spec.dir, 30_000) && signal !== "SIGKILL") await kill("SIGKILL")
  }
  const start = async () => {
    if (spec.container === undefined) spawnServer(spec)
    else await run("docker", ["start", spec.container])
  }
  /** A broker killed by SIGKILL gives up while its old session in ZooKeeper lives, so one attempt is not enough. */
  const startAgain = async () => {
    for (let tries = 1;; tries++) {
      try {
        await start()
        return await untilReady(spec)
      } catch (error) {
        if (tries === 5 || !error.message.includes("ended while it started")) throw error
        await sleep(1000)
      }
    }
  }
  return {
    name: spec.name,
    spec,
    get pid() {
      return pidIn(spec.dir)
    },
    isAlive: () => isOurs(pidIn(spec.dir), spec.dir),
    kill,
    start,
    ready: () => untilReady(spec),
    startAgain,
    restart: async (signal = "SIGTERM") => {
      await kill(signal)
      await startAgain()
    },
    stop: async () => {
      if (spec.container === undefined) await kill("SIGKILL")
      else await run("docker", ["rm", "-f", "-v", spec.container])
      await rm(spec.dir, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

/** Starts a server for the first time. @param {Spec} spec */
export const launch = async (spec) => {
  const server = attach(spec)
  if (spec.container === undefined) await server.start()
  else {
    writeFileSync(join(spec.dir, "container"), spec.container)
    await run(spec.command, spec.args)
  }
  return server
}

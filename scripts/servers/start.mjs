import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./cache.mjs"
import { freePorts } from "./ports.mjs"
import { attach, launch } from "./process.mjs"

const cleanUp = `cat >/dev/null
container=$(cat "$1/container" 2>/dev/null) && docker rm -f -v "$container" >/dev/null 2>&1
pid=$(cat "$1/pid" 2>/dev/null) && kill -9 "$pid" 2>/dev/null && sleep 1
rm -rf "$1"`

/**
 * Kills the server of a folder and deletes the folder when this process dies, however it dies: the guard reads from a
 * pipe that only this process holds open.
 * @param {string} dir
 */
const guard = (dir) => {
  const child = spawn("sh", ["-c", cleanUp, "guard", dir], { detached: true, stdio: ["pipe", "ignore", "ignore"] })
  child.unref()
  child.stdin.unref()
}

/**
 * A new folder for one server: `name` below `dir`, or one of its own below the system's temporary folder. Unless the
 * server is to outlive this process, both end with it.
 * @param {{ dir?: string, detached?: boolean }} options
 * @param {string} name
 */
export const serverDir = async (options, name) => {
  const dir = options.dir === undefined
    ? await mkdtemp(join(tmpdir(), `tributary-${name}-`))
    : join(options.dir, name)
  await mkdir(dir, { recursive: true })
  if (options.detached !== true) guard(dir)
  return dir
}

/**
 * Runs a command that makes a server's data. Its pid stands where the server's will be, so that the guard finds it.
 * @param {string} dir
 * @param {string} command
 * @param {ReadonlyArray<string>} args
 */
export const prepare = async (dir, command, args) => {
  const file = join(dir, "pid")
  await run(command, args, { cwd: dir }, (pid) => writeFileSync(file, String(pid)))
  await rm(file)
}

/**
 * Runs `body` with free ports, and again with others if someone else took one of them meanwhile.
 * @template A
 * @param {number} count
 * @param {(ports: ReadonlyArray<number>) => Promise<A>} body
 * @returns {Promise<A>}
 */
export const withPorts = async (count, body) => {
  for (let tries = 1;; tries++) {
    try {
      return await body(await freePorts(count))
    } catch (error) {
      if (tries === 3 || !/in use|port is already allocated|bind/i.test(error.message)) throw error
    }
  }
}

/**
 * One process as a server with an address.
 * @param {import("./process.mjs").Spec} spec
 * @param {string} address
 */
export const attachSingle = (spec, address) => {
  const server = attach(spec)
  return {
    address,
    specs: [spec],
    get pid() {
      return server.pid
    },
    isAlive: server.isAlive,
    kill: server.kill,
    start: server.startAgain,
    restart: server.restart,
    stop: server.stop
  }
}

/**
 * @param {import("./process.mjs").Spec} spec
 * @param {string} address
 */
export const startSingle = async (spec, address) => {
  const server = attachSingle(spec, address)
  try {
    await (await launch(spec)).ready()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

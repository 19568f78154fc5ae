import { mkdir, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePorts } from "./ports.mjs"
import { attach, launch } from "./process.mjs"

/**
 * A new folder for one server: `name` below `base`, or one of its own below the system's temporary folder.
 * @param {string | undefined} base
 * @param {string} name
 */
export const serverDir = async (base, name) => {
  if (base === undefined) return mkdtemp(join(tmpdir(), `tributary-${name}-`))
  const dir = join(base, name)
  await mkdir(dir, { recursive: true })
  return dir
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
 * @param {boolean} detached
 */
export const startSingle = async (spec, address, detached) => {
  const server = attachSingle(spec, address)
  try {
    await (await launch(spec, detached)).ready()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

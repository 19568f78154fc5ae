import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** Downloads live outside the work tree, so that a fresh clone and a second checkout share them. */
export const cacheRoot = () =>
  join(process.env.TRIBUTARY_CACHE ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tributary")

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {ReadonlyArray<string>} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @param {(pid: number) => void} [started]
 * @returns {Promise<string>} standard output; rejects with both outputs when the command fails
 */
export const run = (command, args, options = {}, started = () => {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options })
    if (child.pid !== undefined) started(child.pid)
    const out = []
    const err = []
    child.stdout?.on("data", (chunk) => out.push(chunk))
    child.stderr?.on("data", (chunk) => err.push(chunk))
    child.on("error", reject)
    child.on("close", (code) => {
      const text = Buffer.concat(out).toString()
      if (code === 0) return resolve(text)
      reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${text}${Buffer.concat(err).toString()}`))
    })
  })

/** @param {number} pid */
export const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

/**
 * One process at a time per lock file; the lock of a process that died is taken over.
 * @template A
 * @param {string} file
 * @param {() => Promise<A>} body
 * @returns {Promise<A>}
 */
export const withLock = async (file, body) => {
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx" })
      break
    } catch (error) {
      if (error.code !== "EEXIST") throw error
      const owner = Number(await readFile(file, "utf8").catch(() => ""))
      if (owner > 0 && !alive(owner)) await rm(file, { force: true })
      else await sleep(200)
    }
  }
  try {
    return await body()
  } finally {
    await rm(file, { force: true })
  }
}

/** Deletes what downloads of processes that died have left. @param {string} name */
const removeAbandoned = async (name) => {
  for (const entry of await readdir(cacheRoot())) {
    const [, of, pid] = /^(.*)\.partial-(\d+)-/.exec(entry) ?? []
    if (of === name && !alive(Number(pid))) await rm(join(cacheRoot(), entry), { recursive: true, force: true })
  }
}

/**
 * The folder `name` in the cache, filled by `fill` if it is not there yet. It is filled under another name and renamed
 * when its stamp is written: a download that was cut short is never used, whatever killed it.
 * @param {string} name
 * @param {(dir: string) => Promise<void>} fill
 * @returns {Promise<string>} the folder
 */
export const cached = async (name, fill) => {
  const dir = join(cacheRoot(), name)
  const stamp = join(dir, "complete.json")
  if (existsSync(stamp)) return dir
  await mkdir(cacheRoot(), { recursive: true })
  return withLock(`${dir}.lock`, async () => {
    if (existsSync(stamp)) return dir
    await removeAbandoned(name)
    const partial = `${dir}.partial-${process.pid}-${randomBytes(4).toString("hex")}`
    try {
      await mkdir(partial)
      await fill(partial)
      await writeFile(join(partial, "complete.json"), JSON.stringify({ name, at: new Date().toISOString() }))
      if (!existsSync(stamp)) {
        await rm(dir, { recursive: true, force: true })
        await rename(partial, dir)
      }
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
    return dir
  })
}

import { existsSync } from "node:fs"
import { release } from "node:os"
import { run } from "./cache.mjs"

/** @param {() => Promise<unknown>} probe */
const once = (probe) => {
  let answer
  return () => (answer ??= probe().then(() => undefined, (error) => error.message.split("\n")[0]))
}

/** Why Java and Maven cannot be used here; undefined if they can. */
export const javaMissing = once(async () => {
  // `java -version` answers on standard error.
  const text = await run("sh", ["-c", "java -version 2>&1"]).catch(() => "")
  const major = Number(/version "(?:1\.)?(\d+)/.exec(text)?.[1] ?? 0)
  if (major < 17) throw new Error(major === 0 ? "there is no java" : `java is ${major}, 17 or later is needed`)
  await run("mvn", ["--version"]).catch(() => Promise.reject(new Error("there is no mvn (Maven)")))
})

/** Why MySQL and MariaDB cannot be unpacked from Debian packages here; undefined if they can. */
export const debianMissing = once(async () => {
  if (process.platform !== "linux") throw new Error(`servers from Debian packages need Linux, this is ${release()}`)
  await run("apt-get", ["--version"]).catch(() => Promise.reject(new Error("there is no apt-get")))
  await run("dpkg", ["--version"]).catch(() => Promise.reject(new Error("there is no dpkg")))
  if (!existsSync("/usr/share/keyrings/debian-archive-keyring.gpg")) {
    throw new Error("there is no Debian archive keyring (package debian-archive-keyring)")
  }
})

/** Why Docker cannot be used here; undefined if it can. A docker command without an engine is no Docker. */
export const dockerMissing = once(() =>
  run("docker", ["info"], { timeout: 20_000 }).catch(() =>
    Promise.reject(new Error("there is no working Docker engine"))
  )
)

/**
 * How a server can be had on this machine: "local" (started as plain processes) or "docker"; else why not.
 * @param {() => Promise<string | undefined>} localMissing
 * @returns {Promise<{ readonly via: "local" | "docker" } | { readonly missing: string }>}
 */
export const means = async (localMissing) => {
  const local = await localMissing()
  if (local === undefined) return { via: "local" }
  const docker = await dockerMissing()
  return docker === undefined ? { via: "docker" } : { missing: `${local}, and ${docker}` }
}

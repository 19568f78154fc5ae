import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { arch } from "node:os"
import { join } from "node:path"
import { cached, run } from "./cache.mjs"

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
const triplets = {
  x64: { libs: "lib/x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { libs: "lib/aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" }
}

/** Where this machine gets its Debian packages: a mirror that works here, which the public one may not. */
const debianUri = async () => {
  const parts = "/etc/apt/sources.list.d"
  const files = ["/etc/apt/sources.list", ...(await readdir(parts).catch(() => [])).map((name) => join(parts, name))]
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")))
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => /^\s*(deb\s|URIs:)/.test(line))
  const uris = lines.flatMap((line) => line.split(/\s+/)).map((word) => word.replace(/\/$/, ""))
  return uris.find((word) => /^[a-z+]+:.*\/debian$/.test(word)) ?? "http://deb.debian.org/debian"
}

/**
 * Downloads a package and all that it needs with an apt state of its own: no package list and no package of the system
 * is read or changed.
 * @param {string} work
 * @param {string} suite of Debian
 * @param {string} name
 * @returns {Promise<ReadonlyArray<string>>} the .deb files
 */
const download = async (work, suite, name) => {
  const archives = join(work, "cache/archives")
  await mkdir(join(work, "lists/partial"), { recursive: true })
  await mkdir(join(archives, "partial"), { recursive: true })
  await writeFile(join(work, "status"), "")
  await writeFile(join(work, "sources.list"), `deb [signed-by=${keyring}] ${await debianUri()} ${suite} main\n`)
  const options = [
    `Dir::Etc::sourcelist=${join(work, "sources.list")}`,
    "Dir::Etc::sourceparts=/dev/null",
    `Dir::State::Lists=${join(work, "lists")}`,
    `Dir::State::status=${join(work, "status")}`,
    `Dir::State::extended_states=${join(work, "extended_states")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "APT::Sandbox::User=root",
    "Debug::NoLocking=true"
  ].flatMap((option) => ["-o", option])
  await run("apt-get", [...options, "-q", "update"])
  await run("apt-get", [...options, "-q", "install", "-y", "--no-install-recommends", "--download-only", name])
  return (await readdir(archives)).filter((file) => file.endsWith(".deb")).map((file) => join(archives, file))
}

/**
 * A server of a Debian suite, unpacked beside the system. Returns how to run its program with its own libraries.
 * @param {{ suite: string, cache: string, name: string, program: string }} wanted
 */
const unpacked = async ({ cache, name, program, suite }) => {
  const triplet = triplets[arch()]
  if (triplet === undefined) throw new Error(`servers from Debian packages are not prepared for ${arch()}`)
  const dir = await cached(cache, async (partial) => {
    const work = join(partial, "apt")
    await mkdir(join(partial, "root"))
    for (const deb of await download(work, suite, name)) await run("dpkg", ["-x", deb, join(partial, "root")])
    await rm(work, { recursive: true })
  })
  const root = join(dir, "root")
  // Suites before the merge of /lib into /usr have libraries, and the loader, in both.
  const libs = ["usr", "."].map((part) => join(root, part, triplet.libs)).filter((part) => existsSync(part))
  const loader = libs.map((part) => join(part, triplet.loader)).find((file) => existsSync(file))
  if (loader === undefined) throw new Error(`${name} of Debian ${suite} came without ${triplet.loader}`)
  return { root, loader, libs: libs.join(":"), program: join(root, program) }
}

/** Unstable alone has MySQL. */
export const mysqlRoot = () =>
  unpacked({ suite: "sid", cache: "mysql-debian-sid", name: "mysql-server-core", program: "usr/sbin/mysqld" })

/** 10.11: of the versions in use the one nearest to the oldest that Tributary takes. */
export const mariadbRoot = () =>
  unpacked({
    suite: "bookworm",
    cache: "mariadb-debian-bookworm",
    name: "mariadb-server-core",
    program: "usr/sbin/mariadbd"
  })

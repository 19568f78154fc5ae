// npm ci refuses a lockfile that lacks optional packages of other platforms. Where the registry in use does not
// serve them, npm install leaves them out; this adds them back, by exact version. Run after each change of dependencies.
import fs from "node:fs"

const file = new URL("../package-lock.json", import.meta.url)
const lock = JSON.parse(fs.readFileSync(file, "utf8"))
const cpus = /x64|arm64|ia32|loong64|mips64el|ppc64|riscv64|s390x|arm/
const systems = /aix|android|darwin|freebsd|netbsd|openbsd|openharmony|sunos|win32|linux/
let added = 0
for (const pkg of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(pkg.optionalDependencies ?? {})) {
    const at = `node_modules/${name}`
    const os = systems.exec(name)?.[0]
    const cpu = os && cpus.exec(name.slice(name.indexOf(os)))?.[0]
    if (lock.packages[at] || !/^\d/.test(version) || !os || !cpu) continue
    const libc = /musl/.test(name) ? ["musl"] : os === "linux" && /gnu|glibc/.test(name) ? ["glibc"] : undefined
    lock.packages[at] = {
      version,
      cpu: [cpu],
      ...(pkg.dev && { dev: true }),
      optional: true,
      os: [os],
      ...(libc && { libc })
    }
    added++
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
fs.writeFileSync(file, JSON.stringify(lock, null, 2) + "\n")
console.log(`package-lock.json: ${added} optional packages of other platforms added`)

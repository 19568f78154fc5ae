import { assert, it, onTestFinished } from "vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { tailLog } from "../../proof/chaos/LogTail.js"

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "tributary chaos "))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const numbers = (text: string) => text.slice(1, -1).split(",").map(Number)

it("the wall clock of an instance jumps when it is told to, its monotonic clock does not", async () => {
  const clock = join(folder(), "clock")
  writeFileSync(clock, "3600000")
  const script = `
    const real = () => performance.timeOrigin + performance.now()
    const look = () => console.log(JSON.stringify([Date.now() - real(), new Date().getTime() - real(), performance.now(), new Date(5).getTime()]))
    process.stdin.once("data", () => { look(); process.exit() })
    process.on("SIGUSR2", () => console.log("heard"))
    look()`
  const preload = join(import.meta.dirname, "../../proof/chaos/skewedClock.mjs")
  const child = spawn(process.execPath, ["--import", preload, "-e", script], {
    env: { PATH: process.env["PATH"] ?? "", TRIBUTARY_CHAOS_CLOCK: clock }
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  const says = async () => String((await once(child.stdout, "data"))[0]).trim()
  const [now = 0, made = 0, , fixed] = numbers(await says())
  const hour = 3_600_000
  assert.closeTo(now, hour, hour / 10)
  assert.closeTo(made, hour, hour / 10)
  assert.strictEqual(fixed, 5)
  writeFileSync(clock, "-3600000")
  child.kill("SIGUSR2")
  assert.strictEqual(await says(), "heard")
  child.stdin.write("go\n")
  const [later = 0, , monotonic = 0] = numbers(await says())
  assert.closeTo(later, -hour, hour / 10)
  assert.isBelow(monotonic, hour)
})

it("a log is read once as it grows; signs are counted, and what only a bug writes is kept", () => {
  const file = join(folder(), "log")
  writeFileSync(file, "")
  const counted: Array<string> = []
  const log = tailLog(file, (sign) => counted.push(sign))
  appendFileSync(file, "INFO acquired at offset 5\nWARN fenced: another ow")
  log.poll()
  assert.deepStrictEqual(counted, ["acquired"])
  appendFileSync(file, "ner has taken it\n    at someFunction (file.ts:1)\nerror TRB-7000: this is a bug\n")
  const warning = "(node:7296) MaxListenersExceededWarning: Possible EventEmitter memory leak detected."
  appendFileSync(file, `${warning}\nWARN Backpressure activated... [topic=t partition=0 queued=301 folded=7]\n`)
  log.poll()
  log.poll()
  assert.deepStrictEqual(counted, ["acquired", "fenced", "backpressure"])
  assert.strictEqual(log.queuedMax(), 301)
  assert.deepStrictEqual(log.bugs, ["    at someFunction (file.ts:1)", "error TRB-7000: this is a bug", warning])
  assert.strictEqual(log.lines(), 6)
})

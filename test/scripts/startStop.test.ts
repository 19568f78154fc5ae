import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

// scripts/start.sh and scripts/stop.sh around a stand-in for the program: what they do does not depend on Kafka.
const standIn = `
const say = (text) => process.stderr.write(text + "\\n")
const form = process.env.FORM ?? "text"
const line = (message) => form === "json"
  ? JSON.stringify({ time: "now", level: "INFO", message, thread: "main" })
  : form === "logfmt"
  ? "time=now level=INFO thread=main message=" + JSON.stringify(message)
  : "now [main] INFO tributary.Main - " + message
if (process.env.FAIL) {
  say("error TRB-1000: the configuration has a problem")
  process.exit(78)
}
say(line("kafka consumer application start..."))
process.on("SIGHUP", () => {})
process.on("SIGTERM", () => {
  say(line("stored offsets: dataset1-0=12 data.set_2-10=9223372036854775807"))
  say(line("kafka consumer application stopped"))
  process.exit(Number(process.env.CODE ?? 0))
})
setInterval(() => {}, 1000)
`

let dir = ""
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tributary-scripts-"))
  mkdirSync(join(dir, "dist"))
  cpSync("scripts/start.sh", join(dir, "scripts/start.sh"), { recursive: true })
  cpSync("scripts/stop.sh", join(dir, "scripts/stop.sh"), { recursive: true })
  writeFileSync(join(dir, "dist/main.js"), standIn)
  writeFileSync(join(dir, "consumer.properties"), "")
})
afterEach(async () => {
  await script("stop.sh")
  rmSync(dir, { recursive: true })
})

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

const script = (name: string, args: ReadonlyArray<string> = [], env: Record<string, string> = {}) =>
  new Promise<Ended>((resolve) => {
    const options = { cwd: dir, env: { ...process.env, ...env } }
    const child = execFile(join(dir, "scripts", name), args, options, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })

const text = (name: string) => readFileSync(join(dir, name), "utf8")
const pidOf = (name = "run/tributary.pid") => Number(text(name))

const until = async (done: () => boolean) => {
  for (let i = 0; i < 1000 && !done(); i++) await sleep(50)
  assert.isTrue(done())
}

describe("start.sh and stop.sh", () => {
  it("start waits for the first line, stop tells pid, exit and offsets", async () => {
    const started = await script("start.sh")
    assert.strictEqual(started.code, 0)
    const pid = pidOf()
    assert.strictEqual(started.out, `started, pid ${pid}, log run/tributary.log\n`)
    const stopped = await script("stop.sh")
    assert.strictEqual(
      stopped.out,
      `pid ${pid}\nexit 0\nstored offsets: dataset1-0=12 data.set_2-10=9223372036854775807\n`
    )
    assert.strictEqual(stopped.code, 0)
    assert.isFalse(existsSync(join(dir, "run/tributary.pid")))
  })

  for (const form of ["json", "logfmt"]) {
    it(`stop reads the offsets from a log in ${form}`, async () => {
      await script("start.sh", [], { FORM: form })
      assert.include(
        (await script("stop.sh")).out,
        "stored offsets: dataset1-0=12 data.set_2-10=9223372036854775807\n"
      )
    })
  }

  it("a second start is refused while the first runs, and does no harm to it", async () => {
    await script("start.sh")
    const pid = pidOf()
    const second = await script("start.sh")
    assert.strictEqual(second.code, 1)
    assert.include(second.err, `it runs already, pid ${pid}`)
    assert.strictEqual(pidOf(), pid)
    assert.include((await script("stop.sh")).out, `pid ${pid}\nexit 0\n`)
  })

  it("of two starts at the same moment one wins", async () => {
    const codes = (await Promise.all([script("start.sh"), script("start.sh")])).map(({ code }) => code)
    assert.deepStrictEqual(codes.toSorted((a, b) => a - b), [0, 1])
  })

  it("a pid file of another program that got the number does not stand in the way", async () => {
    mkdirSync(join(dir, "run"))
    writeFileSync(join(dir, "run/tributary.pid"), String(process.ppid))
    assert.strictEqual((await script("start.sh")).code, 0)
    assert.notStrictEqual(pidOf(), process.ppid)
  })

  it("stop does not signal another program that got the number", async () => {
    mkdirSync(join(dir, "run"))
    writeFileSync(join(dir, "run/tributary.pid"), String(process.pid))
    const stopped = await script("stop.sh")
    assert.strictEqual(stopped.code, 0)
    assert.match(stopped.out, /^not running\n/)
  })

  it("a start that fails at once tells why, and exits as the program did", async () => {
    const started = await script("start.sh", [], { FAIL: "1" })
    assert.strictEqual(started.code, 78)
    assert.include(started.err, "TRB-1000")
    assert.isFalse(existsSync(join(dir, "run/tributary.pid")))
  })

  it("after SIGKILL the exit is 137, no offsets are told, and a new start works", async () => {
    await script("start.sh")
    const pid = pidOf()
    process.kill(pid, "SIGKILL")
    await until(() => existsSync(join(dir, "run/tributary.exit")) && text("run/tributary.exit") !== "")
    const stopped = await script("stop.sh")
    assert.strictEqual(
      stopped.out,
      `not running\npid ${pid}\nexit 137\nstored offsets: not told: it ended without a drain\n`
    )
    assert.strictEqual((await script("start.sh")).code, 0)
    assert.notStrictEqual(pidOf(), pid)
  })

  it("stop exits as the program did", async () => {
    await script("start.sh", [], { CODE: "1" })
    const stopped = await script("stop.sh")
    assert.strictEqual(stopped.code, 1)
    assert.include(stopped.out, "exit 1\n")
  })

  it("files can be named by arguments and by the environment", async () => {
    writeFileSync(join(dir, "other.properties"), "")
    const env = { TRIBUTARY_PID_FILE: "a b/p.pid", TRIBUTARY_LOG_FILE: "a b/l.log" }
    assert.strictEqual((await script("start.sh", ["--config", "other.properties"], env)).code, 0)
    assert.include(text("a b/l.log"), "application start")
    const args = ["--pid-file", "a b/p.pid", "--log-file", "a b/l.log", "--timeout", "10"]
    assert.include((await script("stop.sh", args)).out, "exit 0")
  })

  it("bad arguments are refused with 64, a missing file with 78", async () => {
    assert.strictEqual((await script("start.sh", ["--confg", "x"])).code, 64)
    assert.strictEqual((await script("start.sh", ["--config"])).code, 64)
    assert.strictEqual((await script("stop.sh", ["--timeout", "1m"])).code, 64)
    assert.strictEqual((await script("start.sh", ["--config", "nosuch.properties"])).code, 78)
  })
})

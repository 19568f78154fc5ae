import { execFile, spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, beforeAll, it, onTestFinished } from "vitest"
import { describeWith } from "../servers/index.js"
import { ensureBuilt, mainFile } from "./support/build.js"
import { countRows, storedOffsets } from "./support/database.js"
import { runProgram } from "./support/Program.js"
import { until } from "./support/until.js"
import { makeWorld, type World } from "./support/World.js"

const scripts = join(import.meta.dirname, "../../scripts")

interface Ended {
  readonly code: number
  readonly text: string
}

/** Runs a command in the world's folder, whose name has blanks; both outputs as one text. */
const execute = (world: World, command: string, args: ReadonlyArray<string>) =>
  new Promise<Ended>((resolve) => {
    const child = execFile(command, args, { cwd: world.folder }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, text: `${out}${err}` })
    })
  })

const killAfterTest = (world: World, pidFile: string) =>
  onTestFinished(() => {
    try {
      process.kill(Number(readFileSync(join(world.folder, pidFile), "utf8")), "SIGKILL")
    } catch {
      // it has ended, as it should
    }
  })

const produce = async (world: World, from: number, count: number) => {
  const args = ["produce", "--config", world.properties(), "--from", String(from), "--count", String(count)]
  const { code, log } = await runProgram({ args, folder: world.folder })
  assert.strictEqual(code, 0, log)
}

const rowsReach = (world: World, count: number) =>
  until(`${count} rows`, async () => {
    const [topic = ""] = world.topics
    return await countRows(world.sql, topic) === count ? true : undefined
  }, { about: () => logs(world) })

const logs = (world: World) =>
  ["run/tributary.log", "nohup.out"].map((name) => join(world.folder, name)).filter(existsSync)
    .map((file) => readFileSync(file, "utf8").slice(-4000)).join("\n")

/** An interactive shell in a terminal of its own, as `script` makes one. */
const openTerminal = (world: World) => {
  const terminal = spawn("script", ["--quiet", "--command", "bash --norc --noprofile -i", "/dev/null"], {
    cwd: world.folder,
    stdio: ["pipe", "ignore", "ignore"]
  })
  const ended = new Promise<void>((resolve) => terminal.on("exit", () => resolve()))
  onTestFinished(() => {
    terminal.kill("SIGKILL")
  })
  return {
    type: (line: string) => terminal.stdin.write(`${line}\n`),
    /** Closes it as a person closes a window: the system tells the shell (SIGHUP), and the shell its jobs. */
    hangUp: async () => {
      terminal.kill("SIGKILL")
      await ended
      await sleep(500)
    }
  }
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describeWith(["kafka", "registry", "mysql"], "in the background", (servers) => {
  beforeAll(ensureBuilt, 240_000)

  it("start.sh and stop.sh: the drain ends with exit 0 and tells the offsets that the database has", async () => {
    const world = await makeWorld(servers, { topics: ["scripts"] })
    killAfterTest(world, "run/tributary.pid")
    await produce(world, 0, 3000)
    const started = await execute(world, join(scripts, "start.sh"), [])
    assert.strictEqual(started.code, 0, started.text)
    await rowsReach(world, 3000)
    const pid = readFileSync(join(world.folder, "run/tributary.pid"), "utf8").trim()
    assert.strictEqual(started.text, `started, pid ${pid}, log run/tributary.log\n`)
    const stopped = await execute(world, join(scripts, "stop.sh"), [])
    const [topic = ""] = world.topics
    const stored = await storedOffsets(world.sql, topic)
    const offsets = Array.from(stored, ([partition, offset]) => `${topic}-${partition}=${offset}`).toSorted().join(" ")
    assert.deepStrictEqual(stopped, { code: 0, text: `pid ${pid}\nexit 0\nstored offsets: ${offsets}\n` })
    assert.isFalse(isAlive(Number(pid)))
  }, 400_000)

  it("nohup: it outlives the terminal, is found by ps, and its warnings by grep", async () => {
    const world = await makeWorld(servers, { topics: ["nohup"] })
    killAfterTest(world, "pid")
    await produce(world, 0, 3000)
    world.properties()
    const terminal = openTerminal(world)
    terminal.type(`nohup node '${mainFile}' --config consumer.properties &`)
    terminal.type("echo $! > pid")
    await until("the shell has told the pid", () => existsSync(join(world.folder, "pid")) || undefined)
    await until("it has begun", () => logs(world).includes("application start") || undefined)
    await terminal.hangUp()
    await rowsReach(world, 3000)
    const pid = Number(readFileSync(join(world.folder, "pid"), "utf8"))
    assert.isTrue(isAlive(pid))
    const listed = await execute(world, "sh", ["-c", "ps -ef | grep consumer"])
    assert.match(listed.text, new RegExp(`^\\S+ +${pid} .*--config consumer.properties$`, "m"))
    // Records come faster than a queue of 300 takes them.
    await until("its warnings", async () => {
      // Of a file that is followed for a second, tail may not have got to the first line yet.
      const { text } = await execute(world, "sh", ["-c", "timeout 1 tail -n +1 -f nohup.out | grep WARN"])
      return text.includes("Backpressure activated and message processing stopped...") || undefined
    }, { about: () => logs(world) })
    process.kill(pid, "SIGHUP")
    await produce(world, 3000, 300)
    await rowsReach(world, 3300)
    process.kill(pid, "SIGTERM")
    await until("the end", () => isAlive(pid) ? undefined : true, { about: () => logs(world) })
    assert.include(logs(world), "kafka consumer application stopped")
  }, 400_000)
})

// Runs the commands of README.md as they stand there, so that the page stays true: the blocks marked `bash run`, in order,
// in one bash that stops at the first failure.
//
//   node scripts/walkthrough.mjs [--here] [FILE]
//
// Starts servers of its own and points the commands to them by environment variables; nothing of the commands changes.
// --here: uses the servers of consumer.properties, as a reader does. Needs `npm run build` before.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Servers from "./servers/index.mjs"

const { positionals: [file = "README.md"], values: { here } } = parseArgs({
  allowPositionals: true,
  options: { here: { type: "boolean", default: false } }
})
const root = resolve(import.meta.dirname, "..")
const timeoutMs = 10 * 60_000

/** The blocks, and the heading or step in bold that each stands under. @param {string} markdown */
const blocksOf = (markdown) => {
  const blocks = []
  let heading = ""
  for (
    const [, title, step, info, code] of markdown.matchAll(/^#+ (.+)$|^\*\*([^*]+)\*\*|^```([^\n]*)\n([^]*?)^```$/gm)
  ) {
    heading = title ?? step ?? heading
    if (info === "bash run") blocks.push({ heading, code })
  }
  return blocks
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`

/** @param {ReadonlyArray<{ readonly heading: string, readonly code: string }>} blocks */
const scriptOf = (blocks) =>
  [
    "set -euo pipefail",
    "trap 'echo \"FAILED, line $LINENO: $BASH_COMMAND\" >&2' ERR",
    ...blocks.flatMap(({ code, heading }) => [
      `printf '\\n--- %s\\n%s\\n' ${quoted(heading)} ${quoted(code.trimEnd().replace(/^/gm, "$ "))}`,
      code
    ]),
    "wait"
  ].join("\n")

/** @param {string} script @param {string} cwd @param {Record<string, string>} env */
const run = (script, cwd, env) =>
  new Promise((done, failed) => {
    // A process group of its own, so that the time-out ends what it has started too.
    const bash = spawn("bash", ["-c", script], {
      cwd,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"]
    })
    const timer = setTimeout(() => {
      process.stderr.write(`not done after ${timeoutMs / 60_000} minutes\n`)
      if (bash.pid !== undefined) process.kill(-bash.pid, "SIGKILL")
    }, timeoutMs)
    bash.on("error", failed)
    bash.on("exit", (code, signal) => {
      clearTimeout(timer)
      done(code ?? `killed by ${signal}`)
    })
  })

/** What a run that failed has left: by its pid file, never by its name. @param {string} dir */
const endConsumer = async (dir) => {
  const pid = Number(await readFile(join(dir, "run/tributary.pid"), "utf8").catch(() => "0"))
  if (pid > 0) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // it has ended
    }
  }
}

const blocks = blocksOf(await readFile(resolve(root, file), "utf8"))
if (blocks.length === 0) throw new Error(`${file} has no block marked bash run`)
if (!existsSync(join(root, "dist/main.js"))) throw new Error("there is no dist/main.js: run npm run build first")

if (here) {
  process.exitCode = await run(scriptOf(blocks), root, {}) === 0 ? 0 : 1
} else {
  const started = await Promise.allSettled([Servers.startKafka(), Servers.startRegistry(), Servers.startMysql()])
  const dir = await mkdtemp(join(tmpdir(), "tributary-walkthrough-"))
  try {
    const [kafka, registry, mysql] = started.map((one) => {
      if (one.status === "rejected") throw one.reason
      return one.value
    })
    for (const name of ["consumer.properties", "dist", "node_modules", "package.json", "schemas", "scripts"]) {
      await symlink(join(root, name), join(dir, name))
    }
    const env = {
      TRIBUTARY_KAFKA_BOOTSTRAP_SERVERS: kafka.address,
      TRIBUTARY_KAFKA_SCHEMA_REGISTRY_URL: registry.address,
      TRIBUTARY_MYSQL_URL: `jdbc:mysql://${new URL(mysql.address).host}/bank`
    }
    const code = await run(scriptOf(blocks), dir, env)
    console.log(
      code === 0 ? `\n${file}: ${blocks.length} blocks ran as they stand there` : `\n${file}: failed, ${code}`
    )
    process.exitCode = code === 0 ? 0 : 1
  } finally {
    await endConsumer(dir)
    await Promise.all(started.flatMap((one) => one.status === "fulfilled" ? [one.value.stop()] : []))
    await rm(dir, { recursive: true, force: true })
  }
}

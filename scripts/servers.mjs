import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { mariadbRoot, mysqlRoot } from "./servers/debian.mjs"
import * as Servers from "./servers/index.mjs"
import { kafkaJars, registryJar } from "./servers/maven.mjs"

const usage = `Kafka, a schema registry, MySQL and, if asked for, MariaDB for tests, without installing them.

  node scripts/servers.mjs start [--dir DIR] [--env FILE] [--kafka-nodes 1|3] [--kafka-version 4.1.0] [--mariadb]
  node scripts/servers.mjs status --dir DIR
  node scripts/servers.mjs restart --dir DIR kafka|registry|mysql|mariadb [--signal SIGKILL]
  node scripts/servers.mjs stop --dir DIR
  node scripts/servers.mjs fetch`

const { positionals: [command, name], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    "dir": { type: "string" },
    "env": { type: "string" },
    "kafka-nodes": { type: "string", default: "1" },
    "kafka-version": { type: "string", default: "4.1.0" },
    "mariadb": { type: "boolean", default: false },
    "signal": { type: "string", default: "SIGTERM" }
  }
})

/** @param {string} text @returns {never} */
const fail = (text) => {
  process.stderr.write(`${text}\n`)
  process.exit(64)
}

/** @param {string} text */
const print = (text) => process.stdout.write(`${text}\n`)

const stateFile = () => join(resolve(options.dir ?? fail(usage)), "servers.json")

const load = async () => {
  const file = stateFile()
  if (!existsSync(file)) fail(`no servers were started in ${options.dir}: there is no ${file}`)
  const state = JSON.parse(await readFile(file, "utf8"))
  return {
    envFile: state.envFile,
    servers: {
      kafka: Servers.attachKafka(state.specs.kafka),
      registry: Servers.attachRegistry(state.specs.registry[0]),
      mysql: Servers.attachMysql(state.specs.mysql[0]),
      ...(state.specs.mariadb === undefined ? {} : { mariadb: Servers.attachMariadb(state.specs.mariadb[0]) })
    }
  }
}

/** @param {Record<string, string>} env */
const envText = (env) => Object.entries(env).map(([key, value]) => `export ${key}='${value}'\n`).join("")

const start = async () => {
  const nodes = Number(options["kafka-nodes"])
  if (nodes !== 1 && nodes !== 3) fail(`--kafka-nodes is 1 or 3, not ${options["kafka-nodes"]}`)
  const dir = resolve(options.dir ?? await mkdtemp(join(tmpdir(), "tributary-servers-")))
  await mkdir(dir, { recursive: true })
  if (existsSync(join(dir, "servers.json"))) fail(`servers were started in ${dir} already; stop them first`)
  const started = await Promise.allSettled([
    Servers.startKafka({ dir, nodes, version: options["kafka-version"], detached: true }),
    Servers.startRegistry({ dir, detached: true }),
    Servers.startMysql({ dir, detached: true }),
    ...(options.mariadb ? [Servers.startMariadb({ dir, detached: true })] : [])
  ])
  const failed = started.filter((one) => one.status === "rejected")
  if (failed.length > 0) {
    await Promise.all(started.filter((one) => one.status === "fulfilled").map((one) => one.value.stop()))
    throw new Error(failed.map((one) => one.reason.message).join("\n"))
  }
  const [kafka, registry, mysql, mariadb] = started.map((one) => one.value)
  const env = {
    TRIBUTARY_TEST_KAFKA: kafka.address,
    TRIBUTARY_TEST_REGISTRY: registry.address,
    TRIBUTARY_TEST_MYSQL: mysql.address,
    ...(mariadb === undefined ? {} : { TRIBUTARY_TEST_MARIADB: mariadb.address })
  }
  const envFile = resolve(options.env ?? join(dir, "env"))
  const all = { kafka, registry, mysql, ...(mariadb === undefined ? {} : { mariadb }) }
  const pids = Object.fromEntries(Object.entries(all).map(([key, server]) => [key, server.pid]))
  const specs = Object.fromEntries(Object.entries(all).map(([key, server]) => [key, server.specs]))
  await writeFile(envFile, envText(env))
  await writeFile(join(dir, "servers.json"), JSON.stringify({ env, envFile, pids, specs }, null, 2))
  print(envText(env).trimEnd())
  print(`# to use them here: . ${envFile}\n# to stop them: node scripts/servers.mjs stop --dir ${dir}`)
}

const stop = async () => {
  const { envFile, servers } = await load()
  await Promise.all(Object.values(servers).map((server) => server.stop()))
  await Promise.all([stateFile(), envFile].map((file) => rm(file, { force: true })))
  await rmdir(resolve(options.dir)).catch(() => {}) // left where it is if it holds files of someone else
  print("stopped")
}

const status = async () => {
  const { servers } = await load()
  for (const [key, server] of Object.entries(servers)) {
    print(
      `${key.padEnd(9)} ${await server.isAlive() ? `running, pid ${server.pid}` : "not running"}, ${server.address}`
    )
  }
}

const restart = async () => {
  const { servers } = await load()
  const server = servers[name] ?? fail(`restart what: ${Object.keys(servers).join(", ")}`)
  await server.restart(options.signal)
  print(`${name} restarted, pid ${server.pid}`)
}

const fetch = async () => {
  await Promise.all([kafkaJars(options["kafka-version"]), mysqlRoot(), mariadbRoot()])
  await registryJar("3.0.9")
  print(Servers.cacheRoot())
}

const commands = { start, stop, status, restart, fetch }
await (commands[command] ?? (() => fail(usage)))()

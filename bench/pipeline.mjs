// Rows per second of the main job, with small settings and with the defaults, and of a plain kafkajs + mysql2 loop, in
// turns in one run: only the ratios mean something, because the machine's speed drifts.
//   npm run bench [-- --records 300000 --rounds 3]
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Kafka, logLevel } from "kafkajs"
import mysql from "mysql2/promise"
import { startKafka, startMysql, startRegistry } from "../scripts/servers/index.mjs"
import { encode, schema } from "./records.mjs"

const { values: options } = parseArgs({
  options: { records: { type: "string", default: "300000" }, rounds: { type: "string", default: "3" } }
})
const total = Number(options.records)
const rounds = Number(options.rounds)
const partitions = 3
const topic = "bench"
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url))
const plain = fileURLToPath(new URL("plainLoop.mjs", import.meta.url))

const register = async (registry) => {
  const response = await fetch(`${registry}/subjects/${topic}-value/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema: JSON.stringify(schema) })
  })
  if (!response.ok) throw new Error(`the registry answers ${response.status}: ${await response.text()}`)
  return (await response.json()).id
}

const fill = async (broker, schemaId) => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (let i = 0; i < total; i += 5000) {
    const messages = Array.from({ length: Math.min(5000, total - i) }, (_, k) => ({
      partition: (i + k) % partitions,
      value: encode(i + k, schemaId)
    }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}

/** Rows inserted since the server started. Counting the table would cost more than what is measured. */
const inserted = async (database) => {
  const [[status]] = await database.query("SHOW GLOBAL STATUS LIKE 'Innodb_rows_inserted'")
  return Number(status.Value)
}

/** Time from the first rows to the last one: start-up and joining the group are not what is measured here. */
const drain = async (database, table, args) => {
  const before = await inserted(database)
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] })
  const lines = []
  child.stderr.on("data", (chunk) => lines.push(String(chunk)))
  const ended = new Promise((resolve) => child.on("exit", resolve))
  let start
  let rows = 0
  while (rows < total) {
    rows = (await inserted(database)) - before
    if (start === undefined && rows > 100) start = { time: performance.now(), rows }
    if (child.exitCode !== null && child.exitCode !== 0) {
      throw new Error(`${args.join(" ")} ended with ${rows} of ${total} rows:\n${lines.join("")}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const rate = (total - start.rows) / ((performance.now() - start.time) / 1000)
  child.kill("SIGTERM")
  await ended
  const [[{ n }]] = await database.query(`SELECT COUNT(*) AS n FROM \`${table}\``)
  if (Number(n) < total) throw new Error(`${n} of ${total} rows in ${table}`)
  return rate
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

const folder = await mkdtemp(join(tmpdir(), "tributary-bench-"))
const servers = await Promise.all([startKafka(), startRegistry(), startMysql()])
try {
  const [kafka, registry, mysqlServer] = servers
  console.log(`filling ${topic}: ${total} records, ${partitions} partitions`)
  await fill(kafka.address, await register(registry.address))
  const url = new URL(mysqlServer.address)
  url.pathname = "/bank"
  const database = await mysql.createConnection(url.href)
  const small = { "max.poll.records": 10, "blocking.queue.size": 300, "poll.interval.ms": 100, "mysql.maxPoolSize": 50 }
  const variants = {
    "plain kafkajs + mysql2 loop (at-least-once)": "plain",
    "tributary, defaults": {},
    "tributary, small settings (queue 300, slice 10)": small
  }
  const rates = Object.fromEntries(Object.keys(variants).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, settings] of Object.entries(variants)) {
      const run = `b${round}_${Object.keys(variants).indexOf(name)}`
      await database.query(`DROP TABLE IF EXISTS \`${run}\``)
      let rate
      if (settings === "plain") {
        await database.query(
          `CREATE TABLE \`${run}\` (id BIGINT, account LONGTEXT, amount DOUBLE, currency LONGTEXT, quantity INT,
             settled BOOLEAN, note LONGTEXT, reference LONGTEXT)`
        )
        const args = [plain, kafka.address, `plain-${run}`, topic, url.href, run, String(total)]
        rate = await drain(database, run, args)
      } else {
        const file = join(folder, `${run}.properties`)
        const keys = {
          "kafka.bootstrap.servers": kafka.address,
          "kafka.topics": topic,
          "kafka.schema.registry.url": registry.address,
          "mysql.url": `mysql://${url.host}/bank`,
          "mysql.username": "consumer",
          "mysql.password": "consumer1!",
          "consumer.group": run,
          "table.name.format": run,
          "pipeline.name": run,
          "state.dir": join(folder, "state"),
          ...settings
        }
        await writeFile(file, Object.entries(keys).map(([key, value]) => `${key}=${value}`).join("\n"))
        rate = await drain(database, run, [main, "run", "--config", file])
      }
      rates[name].push(rate)
      await database.query(`DROP TABLE \`${run}\``)
      console.log(`round ${round + 1}  ${name}: ${Math.round(rate)} rows/s`)
    }
  }
  const base = median(rates["plain kafkajs + mysql2 loop (at-least-once)"])
  console.log(`\nnode ${process.version}, ${total} records, median of ${rounds}`)
  for (const [name, found] of Object.entries(rates)) {
    const ratio = (median(found) / base).toFixed(2)
    console.log(`${name.padEnd(50)} ${String(Math.round(median(found))).padStart(8)} rows/s   ${ratio} × plain`)
  }
  await database.end()
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(folder, { recursive: true, force: true })
}

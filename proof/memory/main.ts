/**
 * What a stopped database costs in memory: a topic of many partitions holds far more than the queues may take, MySQL is
 * frozen in mid-work, and the program reads until all its partitions are paused. Its resident memory must become flat
 * within the bound that the configuration names. Then MySQL goes on, and every record must become a row.
 *
 *   npm run memory [-- --partitions 50 --megabytes 512 --record-bytes 1024 --hold-seconds 120 --gzip]
 */
import { Schema } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { rowsOf } from "../../test/e2e/support/database.js"
import { caughtUp } from "../../test/e2e/support/observe.js"
import type { Program } from "../../test/e2e/support/Program.js"
import { makeWorld, type World } from "../../test/e2e/support/World.js"
import { startServers } from "../support/command.js"
import { inRun } from "../support/inRun.js"
import { commitOf, saveResult } from "../support/results.js"
import { makeBulk } from "./bulk.js"
import { type Options, parseOptions } from "./options.js"
import { growthMaxBytes, mebibyte, promiseOf } from "./promise.js"

/** Before the database is frozen: what the program has loaded and compiled by then is no growth. */
const warmUpRecords = 200
const sampleEveryMs = 500

interface Sample {
  readonly seconds: number
  readonly residentMebibytes: number
}

/** Samples the program's memory until `done` settles. */
const samplesUntil = async (program: Program, done: Promise<unknown>): Promise<ReadonlyArray<Sample>> => {
  const samples: Array<Sample> = []
  const since = performance.now()
  const sample = () =>
    samples.push({
      seconds: Math.round((performance.now() - since) / 100) / 10,
      residentMebibytes: Math.round(program.residentBytes() / mebibyte)
    })
  const sampling = setInterval(sample, sampleEveryMs)
  try {
    await done
  } finally {
    clearInterval(sampling)
  }
  return samples
}

const Wrong = Schema.Struct({ rows: Schema.NumberFromString, wrong: Schema.NumberFromString })

/** What contradicts "every record is a row once": the primary key is the place, and the id names the place it was sent to. */
const missing = async ({ partitions, sql, topics: [topic = ""] }: World, count: number) => {
  const [found] = await rowsOf(
    sql,
    Wrong,
    `SELECT CAST(COUNT(*) AS CHAR) AS \`rows\`,
       CAST(COALESCE(SUM(id <> CONCAT(_partition, '-', _offset)), 0) AS CHAR) AS wrong FROM \`${topic}\``
  )
  const wanted = count * partitions
  return [
    ...(found?.rows === wanted ? [] : [`${found?.rows} rows of ${wanted} records`]),
    ...(found?.wrong === 0 ? [] : [`${found?.wrong} rows have the content of another record`])
  ]
}

const measure = async (options: Options) => {
  const { addresses, mysql } = await startServers()
  const world = await makeWorld(addresses, { topics: ["memory"], partitions: options.partitions })
  const bulk = await makeBulk(world, options.recordBytes, options.gzip)
  await bulk.append(warmUpRecords)
  const program = world.run({ "queue.max.bytes": String(options.queueMaxBytes) })
  await caughtUp(world, [program], 300_000)
  const before = program.residentBytes()
  if (before === 0) throw new Error("this system does not tell how much memory a process has: run it on Linux")
  await mysql.kill("SIGSTOP")
  const perPartition = Math.ceil((options.megabytes * mebibyte) / options.recordBytes / options.partitions)
  const bytes = bulk.append(perPartition)
  const samples = await samplesUntil(program, bytes.then(() => sleep(options.holdSeconds * 1000)))
  await mysql.kill("SIGCONT")
  await caughtUp(world, [program], 600_000)
  const after = program.residentBytes()
  const ended = await program.stop()
  const peak = Math.max(...samples.map(({ residentMebibytes }) => residentMebibytes)) * mebibyte
  return {
    findings: [
      ...(peak - before <= growthMaxBytes(options) ? [] : [
        `resident memory grew by ${mib(peak - before)} MiB while the database stood still, promised are ${
          mib(growthMaxBytes(options))
        } MiB`
      ]),
      ...await missing(world, bulk.count()),
      ...(ended.code === 0 ? [] : [`the program has ended with ${ended.code ?? ended.signal}`])
    ],
    measured: {
      partitions: options.partitions,
      recordBytes: options.recordBytes,
      compression: options.gzip ? "gzip" : "none",
      waitingMebibytes: mib(await bytes),
      residentBeforeMebibytes: mib(before),
      residentPeakMebibytes: mib(peak),
      growthMebibytes: mib(peak - before),
      growthMaxMebibytes: mib(growthMaxBytes(options)),
      residentAfterCatchUpMebibytes: mib(after),
      rows: bulk.count() * options.partitions,
      promise: promiseOf(options),
      samples
    }
  }
}

const mib = (bytes: number) => Math.round(bytes / mebibyte)

const options = parseOptions(process.argv.slice(2))
const startedAt = new Date().toISOString()
const since = performance.now()
const { findings, measured } = await inRun(() => measure(options))
const file = saveResult({
  name: options.gzip ? "memory-gzip" : "memory",
  command: ["npm run memory --", ...process.argv.slice(2)].join(" ").replace(/ --$/, ""),
  commit: commitOf(),
  startedAt,
  seconds: Math.round((performance.now() - since) / 1000),
  findings,
  measured
})
const { growthMaxMebibytes, growthMebibytes, waitingMebibytes } = measured
console.log(`${waitingMebibytes} MiB waited, resident memory grew by ${growthMebibytes} of ${growthMaxMebibytes} MiB`)
for (const finding of findings) console.log(`FINDING ${finding}`)
console.log(`written: ${file}`)
process.exitCode = findings.length === 0 ? 0 : 1

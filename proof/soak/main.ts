import { Schema } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import { table } from "../../src/programs/table.js"
import { ensureBuilt } from "../../test/e2e/support/build.js"
import { progress } from "../../test/e2e/support/database.js"
import { caughtUp, connectionsOf, rangesOf } from "../../test/e2e/support/observe.js"
import { tableWithSequence } from "../../test/e2e/support/records.js"
import { makeWorld, type World } from "../../test/e2e/support/World.js"
import { until } from "../../test/e2e/support/until.js"
import { exitWith, startServers } from "../support/command.js"
import { inRun } from "../support/inRun.js"
import { startOn } from "../support/instances.js"
import { parsed } from "../support/parsed.js"
import { commitOf, runFolder, saveResult } from "../support/results.js"
import { differencesOf, load } from "./load.js"
import { picture } from "./picture.js"
import { notFlat, type Series, trendOf } from "./trend.js"

const usage = `npm run soak -- [--hours H] [--rate N]

A steady load; whether memory, handles, fibers, connections and lag stay where they are.
--hours H  how long, 0.01 to 100; default 1
--rate N   records a second, 10 to 20000; default 600`

interface Options {
  readonly hours: number
  readonly rate: number
}

const optionsOf = (args: ReadonlyArray<string>): Options | undefined => {
  const values = parsed(args, { hours: "1", rate: "600" })
  const [hours, rate] = [Number(values?.hours), Number(values?.rate)]
  return hours >= 0.01 && hours <= 100 && Number.isInteger(rate) && rate >= 10 && rate <= 20_000
    ? { hours, rate }
    : undefined
}

const Sample = Schema.parseJson(Schema.Struct({
  at: Schema.Number,
  heap: Schema.Number,
  buffers: Schema.Number,
  resident: Schema.Number,
  fibers: Schema.Number,
  active: Schema.Number,
  descriptors: Schema.Number,
  threads: Schema.Number,
  switches: Schema.Number
}))
const decodeSample = Schema.decodeUnknownSync(Sample)

/** What is seen from outside: connections of the program in the database, and records that are not rows yet. */
interface Outside {
  readonly seconds: number
  readonly connections: number
  readonly lag: number
}

const lookAt = async (world: World, seconds: number): Promise<Outside> => {
  const connections = await connectionsOf(world)
  const stored = await progress(world.sql)
  let ends = 0n
  for (const topic of world.topics) for (const { end } of (await rangesOf(world, topic)).values()) ends += end
  return { seconds, connections, lag: Math.max(0, Number(ends) - stored) }
}

const mebibyte = 1_048_576

const seriesOf = (
  samples: ReadonlyArray<typeof Sample.Type>,
  outside: ReadonlyArray<Outside>,
  rate: number
): ReadonlyArray<Series> => {
  const begin = samples[0]?.at ?? 0
  const inside = (
    name: string,
    unit: string,
    of: (sample: typeof Sample.Type) => number,
    share: number,
    amount: number
  ) => ({
    name,
    unit,
    points: samples.map((sample) => [(sample.at - begin) / 1000, of(sample)] as const),
    tolerance: { share, amount }
  })
  const seen = (name: string, unit: string, of: (sample: Outside) => number, share: number, amount: number) => ({
    name,
    unit,
    points: outside.map((sample) => [sample.seconds, of(sample)] as const),
    tolerance: { share, amount }
  })
  return [
    inside("heap", "MiB", ({ heap }) => heap / mebibyte, 0.05, 1.5),
    inside("buffers", "MiB", ({ buffers }) => buffers / mebibyte, 0.1, 2),
    inside("resident memory", "MiB", ({ resident }) => resident / mebibyte, 0.1, 8),
    inside("fibers", "fibers", ({ fibers }) => fibers, 0.05, 4),
    inside("active handles", "handles", ({ active }) => active, 0.05, 3),
    inside("descriptors", "files", ({ descriptors }) => descriptors, 0.05, 2),
    inside("threads", "threads", ({ threads }) => threads, 0, 0.5),
    seen("MySQL connections", "connections", ({ connections }) => connections, 0.05, 2),
    // A second's worth: what is on its way.
    seen("lag", "records", ({ lag }) => lag, 0, rate)
  ]
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

const soak = ({ hours, rate }: Options) =>
  inRun(async (stop) => {
    const started = performance.now()
    const startedAt = new Date().toISOString()
    await ensureBuilt()
    const { addresses } = await startServers()
    const world = await makeWorld(addresses, { topics: ["soak1", "soak2"] })
    for (const topic of world.topics) await world.sql.query(tableWithSequence(topic))
    const everyMs = Math.max(1000, Math.min(30_000, (hours * 3_600_000) / 240))
    const sampler = `${pathToFileURL(join(import.meta.dirname, "sampler.mjs")).href}?everyMs=${everyMs}`
    const program = startOn(world, "host", {}, ["--import", sampler])
    const loaded = new AbortController()
    const { ended } = await load(world, rate, loaded.signal)
    await until("rows flow", async () => await progress(world.sql) > 0 || undefined, {
      withinMs: 300_000,
      about: program.log
    })
    writeFileSync(join(world.folder, "host", "sample"), "")
    const since = performance.now()
    const outside: Array<Outside> = []
    const secondsNow = () => (performance.now() - since) / 1000
    while (secondsNow() < hours * 3600 && !stop.aborted && program.end() === undefined) {
      await Promise.race([sleep(everyMs), program.ended, ended])
      outside.push(await lookAt(world, secondsNow()))
    }
    loaded.abort()
    await ended
    const findings: Array<string> = []
    if (program.end() !== undefined) findings.push(`the program has ended by itself: ${program.log().slice(-2000)}`)
    else await caughtUp(world, [program], 300_000) // lag zero, or the run fails with the log
    const file = join(world.folder, "host", "samples.jsonl")
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []
    const samples = lines.map((line) => decodeSample(line))
    const after = await program.stop()
    if (after.code !== 0) findings.push(`SIGTERM: exit ${after.code}`)
    findings.push(...program.lines(/^\s+at |TRB-7000| ERROR /))
    for (const topic of world.topics) findings.push(...await differencesOf(world, topic))
    const all = seriesOf(samples, outside, rate).map((series) => ({ series, trend: trendOf(series) }))
    findings.push(...all.flatMap(({ trend }) => notFlat(trend)))
    const turns = samples.slice(1).map(({ switches }, index) => switches - (samples[index]?.switches ?? 0))
    const command = `npm run soak -- --hours ${hours} --rate ${rate}`
    const rows = await progress(world.sql)
    const result = saveResult({
      name: "soak",
      command,
      commit: commitOf(),
      startedAt,
      seconds: Math.round((performance.now() - started) / 1000),
      findings,
      measured: {
        rows,
        everyMs,
        samples: samples.length,
        leastWaitsPerSample: Math.min(...turns),
        trends: all.map(({ trend }) => trend)
      }
    })
    const drawn = join(runFolder, "soak.svg")
    writeFileSync(drawn, picture(`${command}: ${rows} rows`, all))
    const columns = ["what", "mean", "min", "max", "growth", "allowed", "unit"].map((head) => ({ head }))
    say(table(
      columns,
      all.map(({ trend: { allowed, flat, growth, max, mean, min, name, unit } }) => [
        name,
        ...[mean, min, max, growth, allowed].map((value) => value.toFixed(1)),
        `${unit}${flat ? "" : "  NOT FLAT"}`
      ])
    ))
    findings.forEach(say)
    say(`${findings.length} findings, in ${result} and ${drawn}`)
    return findings.length === 0 ? 0 : 1
  })

await exitWith(optionsOf(process.argv.slice(2)), usage, soak)

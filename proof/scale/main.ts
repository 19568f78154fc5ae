import { availableParallelism } from "node:os"
import { table } from "../../src/programs/table.js"
import { ensureBuilt } from "../../test/e2e/support/build.js"
import { makeFeed } from "../../test/e2e/support/Feed.js"
import { check } from "../../test/e2e/support/observe.js"
import { tableWithSequence } from "../../test/e2e/support/records.js"
import { makeWorld } from "../../test/e2e/support/World.js"
import { exitWith, startServers } from "../support/command.js"
import { inRun } from "../support/inRun.js"
import { parsed } from "../support/parsed.js"
import { commitOf, saveResult } from "../support/results.js"
import { watchOffsets } from "../support/watch.js"
import { joinAndLeave, type Stage, workOff } from "./phases.js"

const usage = `npm run scale -- [--processes N,N,…] [--records N]

Processes that share 12 partitions: how evenly, how fast, and how long a partition pauses when one joins or leaves.
--processes N,N,…  numbers of processes, 1 to 12; default 1,2,4
--records N        backlog for each partition and number, 100 to 1000000; default 20000`

const partitions = 12

interface Options {
  readonly processes: ReadonlyArray<number>
  readonly records: number
}

const optionsOf = (args: ReadonlyArray<string>): Options | undefined => {
  const values = parsed(args, { processes: "1,2,4", records: "20000" })
  const processes = (values?.processes ?? "").split(",").map(Number)
  const records = Number(values?.records)
  return processes.every((count) => Number.isInteger(count) && count >= 1 && count <= partitions)
      && Number.isInteger(records) && records >= 100 && records <= 1_000_000
    ? { processes, records }
    : undefined
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

/** No index that could refuse a repeated row: only the protocol keeps a former owner out. */
const withoutKeys = (name: string) =>
  tableWithSequence(name).replace("PRIMARY KEY (_source, _partition, _offset)", "KEY (_source, _partition, _offset)")

const columns = (...heads: ReadonlyArray<string>) => heads.map((head) => ({ head, align: "right" as const }))

const scale = ({ processes, records }: Options) =>
  inRun(async () => {
    const started = performance.now()
    const startedAt = new Date().toISOString()
    await ensureBuilt()
    const { addresses } = await startServers()
    const world = await makeWorld(addresses, { topics: ["scale"], partitions })
    for (const topic of world.topics) await world.sql.query(withoutKeys(topic))
    const stage: Stage = { world, watch: watchOffsets(world), feed: await makeFeed(world), hosts: [], started: 0 }
    say("members join and leave")
    const changes = await joinAndLeave(stage, Math.max(...processes))
    const throughput = []
    for (const count of processes) {
      say(`${count} processes work off ${records * partitions} records`)
      throughput.push(await workOff(stage, count, records))
    }
    const sent = world.topics.map((topic) => ({ topic, sent: stage.feed.sent(topic), withSequence: true }))
    const findings = [
      ...changes.findings,
      ...throughput.flatMap((one) => one.findings),
      ...await check(world, sent)
    ]
    const first = throughput[0]?.measured.recordsPerSecond ?? 0
    const ratios = throughput.map(({ measured }) => ({
      ...measured,
      toFirst: Math.round((measured.recordsPerSecond / Math.max(1, first)) * 100) / 100
    }))
    const cores = availableParallelism()
    const note = cores > Math.max(...processes) + 2
      ? "a core for each process and two for the servers"
      : `${cores} cores carry ${
        Math.max(...processes)
      } processes, the broker, the database and the producer: the ratios `
        + "show what sharing costs, not how throughput grows where there are cores"
    const file = saveResult({
      name: "scale",
      command: `npm run scale -- --processes ${processes.join()} --records ${records}`,
      commit: commitOf(),
      startedAt,
      seconds: Math.round((performance.now() - started) / 1000),
      findings,
      measured: {
        cores,
        partitions,
        note,
        throughput: ratios,
        changes: changes.measured
      }
    })
    say(table(
      columns("processes", "records/s", "ratio", "machine"),
      ratios.map((one) => [one.processes, one.recordsPerSecond, one.toFirst, `×${one.slowness}`].map(String))
    ))
    say(`(${note})\n`)
    say(table(
      columns("a member", "processes after", "median pause ms", "longest pause ms", "machine"),
      changes.measured.map(({ pauseMs, processesAfter, slowness, what }) =>
        [what, processesAfter, pauseMs.median, pauseMs.longest, `×${slowness}`].map(String)
      )
    ))
    findings.forEach(say)
    say(`${findings.length} findings, in ${file}`)
    return findings.length === 0 ? 0 : 1
  })

await exitWith(optionsOf(process.argv.slice(2)), usage, scale)

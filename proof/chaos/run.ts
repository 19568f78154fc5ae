import { cpSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { registerEntry } from "../../test/e2e/support/records.js"
import { until } from "../../test/e2e/support/until.js"
import { reconnected } from "../../test/e2e/support/World.js"
import { check, sizeOf } from "../checker/check.js"
import type { Finding, History, Observation } from "../checker/History.js"
import { readLogs } from "../observe/kafkaLog.js"
import { historyOf, readTables } from "../observe/readHistory.js"
import { connectionsLeft } from "./leftovers.js"
import type { Options } from "./options.js"
import { perform, type Tallies } from "./perform.js"
import { type Producers, startProducers, type Told } from "./producers.js"
import { comeToRest } from "./rest.js"
import { chapterMs, drawChapter, lineOf } from "./schedule.js"
import type { Site } from "./Site.js"
import { noSightings, type Sightings } from "./Slot.js"
import { startSite } from "./startSite.js"

export interface Outcome {
  readonly findings: ReadonlyArray<Finding>
  readonly measured: Readonly<Record<string, unknown>>
}

const pollEveryMs = 500
/** Seconds on an idle machine, minutes on one that is busy with much else. */
const startMaxMs = 300_000

/** Reads the logs, and starts again what has ended by itself, which is a finding. */
const tend = ({ slots }: Site): { readonly end: () => void } => {
  const timer = setInterval(() => {
    for (const slot of slots) {
      slot.poll()
      slot.revive()
    }
  }, pollEveryMs)
  return { end: () => clearInterval(timer) }
}

const startInstances = async (site: Site, seen: Sightings) => {
  const running = site.slots.slice(0, site.instances)
  for (const slot of running) slot.start()
  await until("every instance has partitions", () => {
    for (const slot of running) slot.poll()
    return (seen.signs.get("acquired") ?? 0) >= site.instances || undefined
  }, { withinMs: startMaxMs })
}

/** What was seen since may be worth a look while the servers still run. */
const sayFindings = ({ observations }: Sightings, from: number, say: (line: string) => void): number => {
  const nothing = { logs: [], rows: [], letters: [], moves: [], stored: [] }
  for (const { kind, what } of check({ ...nothing, observations: observations.slice(from) })) say(`${kind}: ${what}`)
  return observations.length
}

/** Chapter after chapter until the time is over; after each all must come to rest. Answers how long that took. */
const makeFaults = async (
  site: Site,
  producers: Producers,
  { minutes, seed }: Options,
  seen: Sightings,
  tallies: Tallies,
  stop: AbortSignal,
  say: (line: string) => void
): Promise<ReadonlyArray<number>> => {
  const restsMs: Array<number> = []
  let told = 0
  const since = performance.now()
  const leftMs = () => minutes * 60_000 - (performance.now() - since)
  for (let index = 0; leftMs() > (index === 0 ? 0 : chapterMs / 3) && !stop.aborted; index++) {
    const chapter = drawChapter(seed, index, Math.round(Math.min(chapterMs, leftMs())))
    say(`chapter ${index}, ${chapter.faults.length} faults in ${chapter.endMs / 1000} s:`)
    for (const fault of chapter.faults) say(`  planned ${lineOf(fault)}`)
    await perform(site, chapter, tallies, stop, say)
    const { ms, observations } = await comeToRest(site, producers.told().ends, stop)
    restsMs.push(Math.round(ms))
    seen.observations.push(...observations)
    say(
      `chapter ${index}: at rest after ${(ms / 1000).toFixed(1)} s${observations.length > 0 ? ", not all of it" : ""}`
    )
    told = sayFindings(seen, told, say)
  }
  return restsMs
}

const finish = async (site: Site, producers: Producers, seen: Sightings, stop: AbortSignal) => {
  await producers.stop()
  const { ms, observations } = await comeToRest(site, producers.told().ends, stop)
  seen.observations.push(...observations)
  return Math.round(ms)
}

const stopInstances = ({ slots }: Site) => Promise.all(slots.map((slot) => slot.end("SIGTERM")))

const readHistory = async ({ world }: Site, observations: ReadonlyArray<Observation>): Promise<History> => {
  const sql = await reconnected(world)
  const tables = await readTables({ sql, topics: world.topics })
  return historyOf(await readLogs(world, world.topics), tables, observations)
}

/** That what was acknowledged is in the log is Kafka's promise; here it shows that the whole log was read. */
const missing = ({ logs }: History, { acknowledged, ends }: Told): ReadonlyArray<Finding> => [
  ...(acknowledged.size > 0
    ? []
    : [{ kind: "lost" as const, what: "nothing was produced: a verdict over nothing is none" }]),
  ...[...acknowledged].flatMap(([topic, count]): ReadonlyArray<Finding> => {
    const found = logs.filter((log) => log.topic === topic).reduce((sum, { records }) => sum + records.length, 0)
    return found >= count
      ? []
      : [{ kind: "lost", what: `${topic}: Kafka has acknowledged ${count} and holds ${found}` }]
  }),
  ...logs.flatMap(({ end, partition, topic }): ReadonlyArray<Finding> => {
    const least = ends.get(`${topic}-${partition}`) ?? 0n
    return end >= least
      ? []
      : [{ kind: "lost", what: `${topic}-${partition}: Kafka has acknowledged up to ${least} and ends at ${end}` }]
  })
]

const measuredOf = (site: Site, seen: Sightings, tallies: Tallies, producers: Producers) => {
  const { acknowledged, ends: _, ...told } = producers.told()
  return {
    starts: seen.starts.count,
    drainsMs: seen.drainsMs,
    queuedMax: seen.queuedMax.count,
    faults: Object.fromEntries(tallies),
    signs: Object.fromEntries(seen.signs),
    partitions: Object.fromEntries(site.partitions),
    producers: { ...told, acknowledged: Object.fromEntries(acknowledged) }
  }
}

const startWriting = async ({ partitions, world }: Site, seed: number) => {
  const schemaId = await registerEntry(world.addresses.registry, world.topics)
  return startProducers({ brokers: world.addresses.kafka, topics: world.topics, partitions, schemaId }, seed)
}

/** From the first fault to the last finding. Undefined: it was told to stop. */
const onStage = async (
  site: Site,
  producers: Producers,
  options: Options,
  seen: Sightings,
  stop: AbortSignal,
  say: (line: string) => void
): Promise<Outcome | undefined> => {
  const tallies: Tallies = new Map()
  await startInstances(site, seen)
  const tended = tend(site)
  try {
    say(`all is up; logs are in ${site.world.folder}`)
    const restsMs = await makeFaults(site, producers, options, seen, tallies, stop, say)
    if (stop.aborted) return undefined
    const catchUpMs = await finish(site, producers, seen, stop)
    say(`at the end: caught up after ${(catchUpMs / 1000).toFixed(1)} s`)
    tended.end()
    await stopInstances(site)
    seen.observations.push(...await connectionsLeft({ sql: site.sql, database: site.world.database }))
    const history = await readHistory(site, seen.observations)
    return {
      findings: [...check(history), ...missing(history, producers.told())],
      measured: { restsMs, catchUpMs, history: sizeOf(history), ...measuredOf(site, seen, tallies, producers) }
    }
  } finally {
    tended.end()
  }
}

/** The folder in which logs and settings stay, also when all else is gone. */
const keepLogs = (site: Site, seed: number): string => {
  const kept = mkdtempSync(join(tmpdir(), `tributary-chaos-seed${seed}-`))
  for (const { name } of site.slots) cpSync(join(site.world.folder, name), join(kept, name), { recursive: true })
  return kept
}

/** Undefined: it was told to stop. What it has found, and why it failed, can be looked for in the logs, which it keeps then. */
export const runChaos = async (
  options: Options,
  stop: AbortSignal,
  say: (line: string) => void
): Promise<Outcome | undefined> => {
  const seen = noSightings()
  const since = performance.now()
  const site = await startSite(options.instances, seen)
  say(`servers are up after ${((performance.now() - since) / 1000).toFixed(1)} s`)
  const producers = await startWriting(site, options.seed)
  let outcome: Outcome | undefined
  try {
    outcome = await onStage(site, producers, options, seen, stop, say)
  } catch (error) {
    // Ctrl-C goes to all that was started from the terminal, so that whatever waits for it fails.
    if (!stop.aborted) throw error
  } finally {
    if (!stop.aborted && outcome?.findings.length !== 0) say(`logs are kept in ${keepLogs(site, options.seed)}`)
    await producers.stop()
  }
  return outcome
}

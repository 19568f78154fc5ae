import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Ended, type Program, startProgram } from "../../test/e2e/support/Program.js"
import type { World } from "../../test/e2e/support/World.js"
import type { Observation } from "../checker/History.js"
import type { TcpProxy } from "../support/tcpProxy.js"
import { slowness } from "../support/yardstick.js"
import { type LogTail, type Sign, tailLog } from "./LogTail.js"

/** Where an instance runs: a host of its own, as far as one machine allows. */
export interface Slot {
  readonly name: string
  readonly mysql: TcpProxy
  /** One to each broker. */
  readonly brokers: ReadonlyArray<TcpProxy>
  readonly program: () => Program | undefined
  readonly start: () => void
  /** Starts it again if it has ended by itself, which is a finding already. */
  readonly revive: () => void
  /** Sends the signal and waits for the end; answers how long it took, undefined where none ran. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<number | undefined>
  /** Its wall clock is off by so much from now on. */
  readonly skew: (ms: number) => void
  /** Reads the logs. */
  readonly poll: () => void
}

/** What was seen of all instances, by the names that lines of their logs have. */
export interface Sightings {
  readonly observations: Array<Observation>
  readonly signs: Map<Sign, number>
  readonly starts: { count: number }
  readonly drainsMs: Array<number>
  readonly queuedMax: { count: number }
}

export const shutdownTimeoutMs = 8000
/** The process ends by itself at the deadline; on a busy machine it gets a share of a processor only. */
const drainSlackMs = 8000
const drainDeadlineMs = (tookMs: number): number =>
  shutdownTimeoutMs + (tookMs > shutdownTimeoutMs ? Math.round(drainSlackMs * slowness()) : drainSlackMs)
/** It is given up then, so that the run goes on; what it owed is a finding. */
const drainMaxMs = 120_000
/** Over ten seconds. An outage is a line for all that wait and one each 30 s; a rebalance is some per partition. */
const linesPerSecondMax = 60
const lineWindowMs = 10_000
/** Of one process; it ends then, so that the disk does not fill. */
const logBytesMax = 64 << 20

/** `blocking.queue.size` and one poll, `max.poll.records`, as shipped. */
const queueBound = 300 + 10

/** Short, so that a fault's time and what follows from it fit into a run. Everything else is as shipped. */
const settings = {
  "mysql.statement.timeout.ms": "8000",
  "mysql.connect.timeout.ms": "4000",
  "shutdown.timeout.ms": String(shutdownTimeoutMs)
}

/** Each process comes to the database from an address of its own, which the audit's triggers see. */
const addressOf = (start: number): string => `127.1.${Math.floor(start / 250)}.${start % 250 + 1}`

const clockFile = (folder: string) => join(folder, "clock")
const preload = pathToFileURL(join(import.meta.dirname, "skewedClock.mjs")).href

interface Running {
  readonly program: Program
  readonly log: LogTail
  told: boolean
}

const watchRate = (name: string, seen: Sightings) => {
  let fromMs = performance.now()
  let from = 0
  return (lines: number) => {
    const now = performance.now()
    if (now - fromMs < lineWindowMs) return
    const perSecond = (lines - from) * 1000 / (now - fromMs)
    if (perSecond > linesPerSecondMax) {
      seen.observations.push({ kind: "crash", process: name, what: `${Math.round(perSecond)} log lines per second` })
    }
    fromMs = now
    from = lines
  }
}

export const makeSlot = (
  { brokers, main, mysql, name, registry, seen, world }: {
    readonly name: string
    readonly world: World
    readonly mysql: TcpProxy
    readonly brokers: ReadonlyArray<TcpProxy>
    readonly registry: string
    /** The program's file. */
    readonly main: string
    readonly seen: Sightings
  }
): Slot => {
  const folder = join(world.folder, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(clockFile(folder), "0")
  const config = world.properties({
    "kafka.bootstrap.servers": brokers.map(({ port }) => `127.0.0.1:${port}`).join(),
    "kafka.schema.registry.url": registry,
    "mysql.url": `jdbc:mysql://127.0.0.1:${mysql.port}/${world.database}`,
    ...settings
  }, `${name}.properties`)
  const count = (sign: Sign) => void seen.signs.set(sign, (seen.signs.get(sign) ?? 0) + 1)
  let running: Running | undefined
  let wanted = false
  let rate = watchRate(name, seen)
  const poll = () => {
    if (running === undefined) return
    running.log.poll()
    rate(running.log.lines())
    if (running.log.bytes() > logBytesMax) {
      seen.observations.push({ kind: "crash", process: name, what: `a log of more than ${logBytesMax} bytes` })
      running.told = true
      running.program.signal("SIGKILL") // `revive` starts another
    }
  }
  const close = (own: Running, { code, signal }: Ended) => {
    own.log.poll()
    const process = `${name} (${own.program.file})`
    const held = own.log.queuedMax()
    seen.queuedMax.count = Math.max(seen.queuedMax.count, held)
    if (held > queueBound) seen.observations.push({ kind: "queue", process, held, bound: queueBound })
    for (const what of own.log.bugs) seen.observations.push({ kind: "crash", process, what })
    if (!own.told) {
      seen.observations.push({ kind: "crash", process, what: `ended by itself [code=${code} signal=${signal}]` })
    }
    if (running === own) running = undefined
  }
  const start = () => {
    wanted = true
    if (running !== undefined) return
    mysql.comeFrom(addressOf(seen.starts.count))
    const program = startProgram({
      args: ["run", "--config", config],
      folder,
      main,
      env: { TRIBUTARY_CHAOS_CLOCK: clockFile(folder) },
      nodeOptions: ["--import", preload]
    })
    const own: Running = { program, log: tailLog(program.file, count), told: false }
    running = own
    rate = watchRate(name, seen)
    seen.starts.count += 1
    void program.ended.then((ended) => close(own, ended))
  }
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | undefined> => {
    const own = running
    wanted = false
    if (own === undefined) return undefined
    own.told = true
    const from = performance.now()
    const giveUp = setTimeout(() => own.program.signal("SIGKILL"), drainMaxMs)
    await own.program.stop(signal)
    clearTimeout(giveUp)
    const ms = performance.now() - from
    if (signal === "SIGTERM") {
      seen.drainsMs.push(Math.round(ms))
      seen.observations.push({ kind: "drain", process: name, ms: Math.round(ms), deadlineMs: drainDeadlineMs(ms) })
    }
    return ms
  }
  return {
    name,
    mysql,
    brokers,
    program: () => running?.program,
    start,
    revive: () => {
      if (wanted) start()
    },
    end,
    skew: (ms) => {
      writeFileSync(clockFile(folder), String(ms))
      poll()
      // Before its first line it may not listen yet, and the signal would end it.
      if (running !== undefined && running.log.lines() > 0) running.program.signal("SIGUSR2")
    },
    poll
  }
}

export const noSightings = (): Sightings => ({
  observations: [],
  signs: new Map(),
  starts: { count: 0 },
  drainsMs: [],
  queuedMax: { count: 0 }
})

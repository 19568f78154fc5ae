import { setTimeout as sleep } from "node:timers/promises"
import { type Server, startMysql } from "../../scripts/servers/index.mjs"
import { atEnd } from "../../test/e2e/support/atEnd.js"
import { connectionsOf } from "../../test/e2e/support/observe.js"
import { until } from "../../test/e2e/support/until.js"
import type { World } from "../../test/e2e/support/World.js"
import { heldBy, placesOf, startOn } from "../support/instances.js"
import { longestGapMs, movedOn, moveTimes } from "../support/watch.js"
import { freezeInTransaction } from "./inTransaction.js"
import type { Kind } from "./promises.js"
import { type Measured, onStage, type Setting, type Stage } from "./stage.js"

/** Waits until the database has noticed a death: what was under way is over then, and no row of it comes later. */
const forgotten = (world: World) =>
  until(
    "the connections of the dead process are gone",
    async () => await connectionsOf(world) === 0 || undefined,
    { everyMs: 5 }
  )

const first = (times: ReadonlyMap<string, number>) => Math.min(...times.values())
const last = (times: ReadonlyMap<string, number>) => Math.max(...times.values())

const hostOf = ({ hosts }: Stage, nth: number) => {
  const program = hosts[nth]
  if (program === undefined) throw new Error(`there is no host ${nth}`)
  return program
}

/** From the start of the process to its first row. */
const restart = async (stage: Stage): Promise<number> => {
  const { about, hosts, watch, world } = stage
  await hostOf(stage, 0).stop("SIGKILL")
  await forgotten(world)
  const before = new Map(watch.now())
  const since = performance.now()
  hosts[0] = startOn(world, "host0")
  const firsts = placesOf(world).map((place) => movedOn(watch, before, [place], about))
  const ms = first(await Promise.race(firsts)) - since
  await Promise.all(firsts)
  return ms
}

/** From the end of an instance, of whatever kind, until the last of its partitions goes on elsewhere. */
const takenOver = async (stage: Stage, victim: number, end: () => Promise<void>): Promise<number> => {
  const { about, watch, world } = stage
  const places = heldBy(hostOf(stage, victim), world)
  const before = new Map(watch.now())
  const since = performance.now()
  await end()
  return last(await movedOn(watch, before, places, about)) - since
}

const killed = async (stage: Stage, nth: number): Promise<number> => {
  const victim = nth % 2
  const ms = await takenOver(stage, victim, async () => void await hostOf(stage, victim).stop("SIGKILL"))
  stage.hosts[victim] = startOn(stage.world, `host${victim}`)
  return ms
}

/** It believes that it owns its partitions still, with a full queue and open connections: it must find out. */
const thaw = async (stage: Stage, victim: number): Promise<void> => {
  const program = hostOf(stage, victim)
  const noticed = () => program.lines(/partitions lost|fenced/).length
  const before = noticed()
  program.signal("SIGCONT")
  await until("the thawed instance has noticed", () => noticed() > before || undefined, { about: stage.about })
}

const frozen = async (stage: Stage, nth: number): Promise<number> => {
  const victim = nth % 2
  const ms = await takenOver(stage, victim, async () => hostOf(stage, victim).signal("SIGSTOP"))
  await thaw(stage, victim)
  return ms
}

const frozenInTransaction = async (stage: Stage, nth: number): Promise<number> => {
  const victim = nth % 2
  const program = hostOf(stage, victim)
  const places = heldBy(program, stage.world)
  const place = places[stage.random.integer(0, places.length - 1)] ?? ""
  const [, topic = "", partition = ""] = /^(.*)-(\d+)$/.exec(place) ?? []
  const before = new Map(stage.watch.now())
  let since = 0
  const locked = await freezeInTransaction(stage.world, topic, Number(partition), () => {
    program.signal("SIGSTOP")
    since = performance.now()
  })
  if (!locked) throw new Error(`${place} was not frozen inside a transaction: its row is free`)
  const ms = last(await movedOn(stage.watch, before, places, stage.about)) - since
  await thaw(stage, victim)
  return ms
}

/** How long a row may have to wait in the steady feed when nothing happens, several times over. */
const settledMs = 1000

const handedOver = async (stage: Stage, nth: number) => {
  const { watch, world } = stage
  const victim = nth % 2
  const others = heldBy(hostOf(stage, 1 - victim), world)
  const since = performance.now()
  let ended: Promise<unknown> = Promise.resolve()
  const ms = await takenOver(stage, victim, async () => {
    ended = hostOf(stage, victim).stop("SIGTERM")
  })
  await ended
  await sleep(settledMs)
  const pauses = others.map((place) => longestGapMs(moveTimes(watch.changes(), place), since, performance.now()))
  stage.hosts[victim] = startOn(world, `host${victim}`)
  return new Map<Kind, number>([["hand-over", ms], ["others", Math.max(...pauses)]])
}

/** Until all waits have grown from 100 ms to 2 s (`retry.backoff.ms`, `retry.backoff.max.ms`), and within one of those. */
const outageMs = { least: 5000, most: 7000 } as const

/** From the first answer of a database that was away to the first row. */
const outage = (mysql: Server) => async (stage: Stage) => {
  const { random, watch, world } = stage
  await mysql.kill("SIGKILL")
  const before = new Map(watch.now())
  await sleep(random.integer(outageMs.least, outageMs.most))
  const gone = performance.now()
  await mysql.start()
  const backAt = await until("the database is back", () => {
    const at = watch.backAtMs()
    return at !== undefined && at > gone ? at : undefined
  })
  const firstRows = await until("rows in all partitions", () => {
    const all = placesOf(world).map((place) => {
      const old = before.get(place)?.offset ?? 0n
      return watch.changes().find((seen) => seen.place === place && seen.atMs > gone && seen.offset > old)?.atMs
    })
    const found = all.filter((at) => at !== undefined)
    return found.length === all.length ? found : undefined
  }, { about: stage.about, everyMs: 10 })
  return new Map<Kind, number>([
    ["outage", Math.min(...firstRows) - backAt],
    ["all-after-outage", Math.max(...firstRows) - backAt]
  ])
}

const only = (kind: Kind, trial: (stage: Stage, nth: number) => Promise<number>) => async (stage: Stage, nth: number) =>
  new Map<Kind, number>([[kind, await trial(stage, nth)]])

/** Where pauses are measured, the feed makes short ones only. */
const aloneMs = 30
/** Where most of the time is waiting, records come meanwhile anyway. */
const besideMs = 100

/** A database of its own goes away, so that the others keep theirs. */
const outages = async (setting: Setting): Promise<Measured> => {
  const mysql = await startMysql()
  atEnd(() => mysql.stop())
  const addresses = { ...setting.addresses, mysql: mysql.address }
  return onStage({ ...setting, addresses }, { kind: "outage", instances: 2, feedEveryMs: besideMs }, outage(mysql))
}

/** Each on topics and tables of its own. */
export const runs = {
  "restart": (setting) =>
    onStage(setting, { kind: "restart", instances: 1, feedEveryMs: aloneMs }, only("restart", restart)),
  "hand-over": (setting) => onStage(setting, { kind: "hand-over", instances: 2, feedEveryMs: aloneMs }, handedOver),
  "killed": (setting) =>
    onStage(setting, { kind: "killed", instances: 2, feedEveryMs: besideMs }, only("killed", killed)),
  "frozen": (setting) =>
    onStage(setting, { kind: "frozen", instances: 2, feedEveryMs: besideMs }, only("frozen", frozen)),
  "frozen-in-transaction": (setting) =>
    onStage(
      setting,
      { kind: "frozen-in-transaction", instances: 2, feedEveryMs: besideMs },
      only("frozen-in-transaction", frozenInTransaction)
    ),
  "outage": outages
} as const satisfies Readonly<Partial<Record<Kind, (setting: Setting) => Promise<Measured>>>>

export type Run = keyof typeof runs

/**
 * One round after the other. Those whose promise is a second or three have the machine for themselves; those that wait for
 * a session to end or a database to come back, most of their time, run beside one another.
 */
export const rounds: ReadonlyArray<ReadonlyArray<Run>> = [
  ["restart"],
  ["hand-over"],
  ["killed", "frozen", "frozen-in-transaction", "outage"]
]

import { setTimeout as sleep } from "node:timers/promises"
import { progress } from "../../test/e2e/support/database.js"
import type { Feed } from "../../test/e2e/support/Feed.js"
import { caughtUp } from "../../test/e2e/support/observe.js"
import { logsOf, type Program } from "../../test/e2e/support/Program.js"
import { until } from "../../test/e2e/support/until.js"
import type { World } from "../../test/e2e/support/World.js"
import { allFlow, feedSteadily, heldBy, placesOf, startOn } from "../support/instances.js"
import { longestGapMs, moveTimes, type Watch } from "../support/watch.js"
import { quantile, slowness } from "../support/yardstick.js"
import { type Look, ratePerSecond, unevenly } from "./spread.js"

export interface Stage {
  readonly world: World
  readonly watch: Watch
  readonly feed: Feed
  /** Those that run; hosts are numbered in the order of their start. */
  readonly hosts: Array<Program>
  started: number
}

export const start = (stage: Stage): void => {
  stage.hosts.push(startOn(stage.world, `host${stage.started++}`))
}

/** Tells a process to stop; answers what it has shown until its end that only a bug shows. */
const leave = async (program: Program): Promise<ReadonlyArray<string>> => {
  const { code, signal } = await program.stop()
  return [
    ...program.lines(/^\s+at |TRB-7000/),
    ...(code === 0 ? [] : [`a process was told to stop and ended [code=${code} signal=${signal}]`])
  ]
}

const stop = async ({ hosts }: Stage): Promise<ReadonlyArray<string>> =>
  (await Promise.all(hosts.splice(0).map(leave))).flat()

/** A member joined or left while rows flowed in all partitions; or none did, to compare with. */
export interface Change {
  readonly what: "none" | "joined" | "left"
  readonly processesAfter: number
  /** The longest time in which the offset of a partition stood still: of the median and of the worst partition. */
  readonly pauseMs: { readonly median: number; readonly longest: number }
  readonly slowness: number
}

/** What was measured, with what contradicts a promise. */
export interface Measured<A> {
  readonly measured: A
  readonly findings: ReadonlyArray<string>
}

/** Nothing here takes longer than a minute or two on an idle machine. */
const patienceMs = 600_000

/** What every partition still has to show after a change, so that a second rebalance would be seen. */
const settledMs = 3000

const changed = async (
  stage: Stage,
  what: Change["what"],
  change: () => Promise<ReadonlyArray<string>>
): Promise<Measured<Change>> => {
  const { hosts, watch, world } = stage
  await allFlow(world, watch, hosts)
  watch.forget()
  const slowBefore = slowness()
  const since = performance.now()
  const findings = await change()
  await allFlow(world, watch, hosts)
  await sleep(settledMs)
  const now = performance.now()
  const changes = watch.changes()
  const pauses = placesOf(world).map((place) => longestGapMs(moveTimes(changes, place), since, now))
  return {
    measured: {
      what,
      processesAfter: hosts.length,
      pauseMs: { median: Math.round(quantile(pauses, 0.5)), longest: Math.round(Math.max(...pauses)) },
      slowness: Math.round(Math.max(slowBefore, slowness()) * 10) / 10
    },
    findings: [...findings, ...unevenly(hosts.map((program) => heldBy(program, world)), placesOf(world))]
  }
}

/** Members come one by one up to `most`, and leave again down to one, while a steady feed goes on. */
export const joinAndLeave = async (stage: Stage, most: number): Promise<Measured<ReadonlyArray<Change>>> => {
  const { feed, hosts } = stage
  start(stage)
  const feeding = feedSteadily(feed, { count: 3, everyMs: 30 })
  const found = [await changed(stage, "none", async () => [])]
  const join = async () => {
    start(stage)
    return []
  }
  while (hosts.length < most) found.push(await changed(stage, "joined", join))
  const leaveFirst = async () => {
    const first = hosts.shift()
    return first === undefined ? [] : leave(first)
  }
  while (hosts.length > 1) found.push(await changed(stage, "left", leaveFirst))
  await feeding.stop()
  await caughtUp(stage.world, hosts, patienceMs)
  return {
    measured: found.map(({ measured }) => measured),
    findings: [...found.flatMap(({ findings }) => findings), ...await stop(stage)]
  }
}

export interface Throughput {
  readonly processes: number
  readonly recordsPerSecond: number
  readonly slowness: number
}

/** A backlog is laid down while nobody reads, and worked off by so many processes. */
export const workOff = async (
  stage: Stage,
  processes: number,
  perPartition: number
): Promise<Measured<Throughput>> => {
  const { feed, hosts, world } = stage
  await feed.fill(perPartition)
  const before = await progress(world.sql)
  const places = placesOf(world)
  const total = perPartition * places.length
  while (hosts.length < processes) start(stage)
  const looks: Array<Look> = []
  const slow = slowness()
  const held = () => hosts.map((program) => heldBy(program, world))
  await until("the backlog is worked off", async () => {
    const records = await progress(world.sql) - before
    const isShared = looks.at(-1)?.isShared === true || unevenly(held(), places).length === 0
    looks.push({ atMs: performance.now(), records, isShared })
    return records >= total || undefined
  }, {
    everyMs: 20,
    withinMs: patienceMs,
    about: logsOf(hosts)
  })
  await caughtUp(world, hosts, patienceMs)
  const rate = ratePerSecond(looks, total)
  const tooSmall =
    `${processes} processes: most of the backlog was gone before they all had joined; --records ${perPartition} is too few`
  return {
    measured: {
      processes,
      recordsPerSecond: Math.round(rate ?? 0),
      slowness: Math.round(slow * 10) / 10
    },
    findings: [
      ...(rate === undefined ? [tooSmall] : []),
      ...unevenly(held(), places),
      ...await stop(stage)
    ]
  }
}

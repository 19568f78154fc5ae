import { setTimeout as sleep } from "node:timers/promises"
import { progress } from "../../test/e2e/support/database.js"
import type { Feed } from "../../test/e2e/support/Feed.js"
import { caughtUp } from "../../test/e2e/support/observe.js"
import type { Program } from "../../test/e2e/support/Program.js"
import { until } from "../../test/e2e/support/until.js"
import type { World } from "../../test/e2e/support/World.js"
import { allFlow, feedSteadily, heldBy, placesOf, startOn } from "../support/instances.js"
import { longestGapMs, moveTimes, type Watch } from "../support/watch.js"
import { quantile, slowness } from "../support/yardstick.js"
import { ratePerSecond, unevenly } from "./spread.js"

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

export const stop = async ({ hosts }: Stage): Promise<void> => {
  await Promise.all(hosts.splice(0).map((program) => program.stop()))
}

/** A member joined or left while rows flowed in all partitions. */
export interface Change {
  readonly what: "joined" | "left"
  readonly processesAfter: number
  /** The longest time in which the offset of a partition stood still: of the median and of the worst partition. */
  readonly pauseMs: { readonly median: number; readonly longest: number }
  readonly slowness: number
  readonly findings: ReadonlyArray<string>
}

/** What every partition still has to show after a change, so that a second rebalance would be seen. */
const settledMs = 3000

const changed = async (stage: Stage, what: Change["what"], change: () => unknown): Promise<Change> => {
  const { hosts, watch, world } = stage
  await allFlow(world, watch, hosts)
  watch.forget()
  const slowBefore = slowness()
  const since = performance.now()
  await change()
  await allFlow(world, watch, hosts)
  await sleep(settledMs)
  const now = performance.now()
  const changes = watch.changes()
  const pauses = placesOf(world).map((place) => longestGapMs(moveTimes(changes, place), since, now))
  return {
    what,
    processesAfter: hosts.length,
    pauseMs: { median: Math.round(quantile(pauses, 0.5)), longest: Math.round(Math.max(...pauses)) },
    slowness: Math.round(Math.max(slowBefore, slowness()) * 10) / 10,
    findings: unevenly(hosts.map((program) => heldBy(program, world)), placesOf(world))
  }
}

/** Members come one by one up to `most`, and leave again down to one, while a steady feed goes on. */
export const joinAndLeave = async (stage: Stage, most: number): Promise<ReadonlyArray<Change>> => {
  const { feed, hosts } = stage
  start(stage)
  const feeding = feedSteadily(feed, { count: 3, everyMs: 30 })
  const found: Array<Change> = []
  while (hosts.length < most) found.push(await changed(stage, "joined", () => start(stage)))
  while (hosts.length > 1) {
    // Told to stop, and forgotten at once: its end is waited for with the pause that it causes.
    found.push(await changed(stage, "left", () => hosts.shift()?.stop()))
  }
  await feeding.stop()
  await caughtUp(stage.world, hosts, 120_000)
  await stop(stage)
  return found
}

export interface Throughput {
  readonly processes: number
  readonly recordsPerSecond: number
  readonly slowness: number
}

/** A backlog is laid down while nobody reads, and worked off by so many processes. */
export const workOff = async (stage: Stage, processes: number, perPartition: number): Promise<Throughput> => {
  const { feed, hosts, world } = stage
  await feed.fill(perPartition)
  const before = await progress(world.sql)
  const total = perPartition * placesOf(world).length
  while (hosts.length < processes) start(stage)
  const seen: Array<readonly [number, number]> = []
  const slow = slowness()
  await until("the backlog is worked off", async () => {
    const done = await progress(world.sql) - before
    seen.push([performance.now(), done])
    return done >= total || undefined
  }, { everyMs: 20, withinMs: 600_000, about: () => hosts.map((program) => program.log().slice(-2000)).join("\n") })
  await caughtUp(world, hosts, 120_000)
  await stop(stage)
  return { processes, recordsPerSecond: Math.round(ratePerSecond(seen, total)), slowness: Math.round(slow * 10) / 10 }
}

import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Feed } from "../../test/e2e/support/Feed.js"
import { logsOf, type Program, startProgram } from "../../test/e2e/support/Program.js"
import { until } from "../../test/e2e/support/until.js"
import type { World } from "../../test/e2e/support/World.js"
import type { Watch } from "./watch.js"

/** Starts an instance as on a host of its own: in a folder of its own, which also holds its state directory. */
export const startOn = (
  world: World,
  host: string,
  settings: Readonly<Record<string, string>> = {},
  nodeOptions: ReadonlyArray<string> = []
): Program => {
  const folder = join(world.folder, host)
  mkdirSync(folder, { recursive: true })
  return startProgram({
    args: ["run", "--config", world.properties(settings, `${host}.properties`)],
    folder,
    nodeOptions
  })
}

export const placesOf = ({ partitions, topics }: World): ReadonlyArray<string> =>
  topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => `${topic}-${partition}`))

/** The partitions that an instance holds by its own account: of each topic the last that it has said. */
export const heldBy = (program: Program, { topics }: World): ReadonlyArray<string> =>
  topics.flatMap((topic) => {
    const last = program.lines(/partitions (?:assigned|lost): /).findLast((line) => line.includes(topic)) ?? ""
    const [, listed = ""] = /partitions assigned: ([\d, ]+)/.exec(last) ?? []
    return listed.split(",").map((one) => one.trim()).filter((one) => one !== "").map((one) => `${topic}-${one}`)
  })

/** Starting a process takes a second on an idle machine, and a minute on one that is busy with much else. */
const withinMs = 300_000

/** Waits until all partitions are held, each by one of these instances, none of which has none, and rows flow in all. */
export const allFlow = async (world: World, watch: Watch, programs: ReadonlyArray<Program>): Promise<void> => {
  const about = logsOf(programs)
  const places = placesOf(world)
  await until("each instance holds its partitions", () => {
    const held = programs.map((program) => heldBy(program, world))
    return (held.every((own) => own.length > 0) && held.flat().length === places.length) || undefined
  }, { about, withinMs })
  const before = new Map(watch.now())
  await until("rows flow in all partitions", () => {
    const now = watch.now()
    return places.every((place) => (now.get(place)?.offset ?? 0n) > (before.get(place)?.offset ?? 0n)) || undefined
  }, { about, withinMs })
}

/** A few records to each partition, again and again, until it is stopped. */
export const feedSteadily = (
  feed: Feed,
  { count, everyMs }: { readonly count: number; readonly everyMs: number }
): { readonly stop: () => Promise<void> } => {
  const stopped = new AbortController()
  const sending = (async () => {
    while (!stopped.signal.aborted) {
      await feed.fill(count)
      await sleep(everyMs)
    }
  })()
  const ended = sending.then(() => undefined, (error: unknown) => error)
  return {
    stop: async () => {
      stopped.abort()
      const error = await ended
      if (error !== undefined) throw error
    }
  }
}

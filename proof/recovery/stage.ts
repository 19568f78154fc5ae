import { makeRandom } from "../../src/domain/random.js"
import { setTimeout as sleep } from "node:timers/promises"
import { makeFeed } from "../../test/e2e/support/Feed.js"
import { caughtUp, check } from "../../test/e2e/support/observe.js"
import { logsOf, type Program } from "../../test/e2e/support/Program.js"
import { tableWithSequence } from "../../test/e2e/support/records.js"
import { type Addresses, makeWorld, reconnected, type World } from "../../test/e2e/support/World.js"
import { allFlow, feedSteadily, startOn } from "../support/instances.js"
import { type Watch, watchOffsets } from "../support/watch.js"
import { slownessBeside } from "../support/yardstick.js"
import type { Kind, Trial } from "./promises.js"

export interface Setting {
  readonly addresses: Addresses
  readonly kills: number
  readonly seed: number
  readonly stop: AbortSignal
  readonly say: (line: string) => void
}

/** What a kind of trial has measured, and what contradicts "every record is a row once" at its end. */
export interface Measured {
  readonly trials: ReadonlyMap<Kind, ReadonlyArray<Trial>>
  readonly findings: ReadonlyArray<string>
}

/** Two instances as on two hosts, a steady feed, and what is seen from outside. */
export interface Stage {
  readonly world: World
  readonly watch: Watch
  readonly hosts: Array<Program>
  readonly random: ReturnType<typeof makeRandom>
  readonly about: () => string
}

/** No index that could refuse a repeated row: only the protocol keeps a zombie out. */
const withoutKeys = (table: string) =>
  tableWithSequence(table).replace("PRIMARY KEY (_source, _partition, _offset)", "KEY (_source, _partition, _offset)")

/** Who plays a kind of trial. */
export interface Cast {
  readonly kind: Kind
  readonly instances: number
  /** Between two rounds of the steady feed. */
  readonly feedEveryMs: number
}

/** Runs `trial` as often as is asked for, on so many instances under load; then all rows are checked. */
export const onStage = async (
  { addresses, kills, say, seed, stop }: Setting,
  { feedEveryMs, instances, kind }: Cast,
  trial: (stage: Stage, nth: number) => Promise<ReadonlyMap<Kind, number>>
): Promise<Measured> => {
  const world = await makeWorld(addresses, { topics: ["recover1", "recover2"] })
  for (const topic of world.topics) await world.sql.query(withoutKeys(topic))
  const feed = await makeFeed(world)
  const feeding = feedSteadily(feed, { count: 5, everyMs: feedEveryMs })
  const watch = watchOffsets(world)
  const hosts = Array.from({ length: instances }, (_, host) => startOn(world, `host${host}`))
  const about = logsOf(hosts)
  const stage: Stage = { world, watch, hosts, random: makeRandom(seed), about }
  const trials = new Map<Kind, ReadonlyArray<Trial>>()
  for (let nth = 0; nth < kills && !stop.aborted; nth++) {
    await allFlow(world, watch, hosts)
    const [before] = await Promise.all([slownessBeside(), sleep(stage.random.integer(0, 500))])
    watch.forget()
    const measured = await trial(stage, nth)
    const slow = Math.max(before, await slownessBeside())
    for (const [name, ms] of measured) trials.set(name, [...trials.get(name) ?? [], { ms, slow }])
    const told = [...measured.values()].map((ms) => `${Math.round(ms)} ms`).join(", ")
    say(`${kind} ${nth + 1}/${kills}: ${told} (machine ×${slow.toFixed(1)})`)
  }
  await feeding.stop()
  const sql = await reconnected(world) // the database may have been killed
  const now = { ...world, sql }
  await caughtUp(now, hosts, 120_000)
  for (const program of hosts) await program.stop()
  const expected = world.topics.map((topic) => ({ topic, sent: feed.sent(topic), withSequence: true }))
  const crashes = hosts.flatMap((program) => program.lines(/^\s+at |TRB-7000/))
  return { trials, findings: [...await check(now, expected), ...crashes] }
}

import { during, type Effect, type Fault, seconds, type Stage } from "./Fault.js"
import type { Slot } from "./Slot.js"

const hit = (what: string): Effect => ({ what, bites: 1 })
const missed = (slot: Slot): Effect => ({ what: `${slot.name} does not run`, bites: 0 })

/** SIGKILL, and started again. */
export const killInstance: Fault = async ({ pause, planned, slot }) => {
  const ms = await slot.end("SIGKILL")
  await during(() => pause(planned.durationMs), slot.start)
  return ms === undefined ? missed(slot) : hit(`${slot.name} was away for ${seconds(planned.durationMs)}`)
}

/** SIGTERM, and started again: a rolling update. */
export const stopInstance: Fault = async ({ pause, planned, slot }) => {
  const ms = await slot.end("SIGTERM")
  await during(() => pause(planned.durationMs), slot.start)
  return ms === undefined ? missed(slot) : hit(`${slot.name} has stopped within ${seconds(ms)}`)
}

/** SIGSTOP: beyond the session it is a zombie when it goes on, with transactions open and a queue that is full. */
export const freezeInstance: Fault = async ({ pause, planned, slot }) => {
  const program = slot.program()
  if (program === undefined) return missed(slot)
  program.signal("SIGSTOP")
  await during(() => pause(planned.durationMs), () => program.signal("SIGCONT"))
  return hit(`${slot.name} was frozen for ${seconds(planned.durationMs)}`)
}

/** One more for a while, which leaves in order or by SIGKILL. */
export const addMember: Fault = async ({ pause, planned, random, site }) => {
  const spare = site.slots[site.instances]
  if (spare === undefined) return { what: "there is no room for one more", bites: 0 }
  spare.start()
  const signal = random.pick("SIGTERM" as const, "SIGKILL" as const)
  await during(() => pause(planned.durationMs), () => spare.end(signal))
  return hit(`${spare.name} was a member for ${seconds(planned.durationMs)}, until ${signal}`)
}

const second = 1000
const hour = 3600 * second

/** The wall clock jumps, and back again. */
export const skewClock: Fault = async ({ pause, planned, random, slot }) => {
  if (slot.program() === undefined) return missed(slot)
  const ms = random.pick(2 * second, 30 * second, hour, 24 * hour) * random.pick(1, -1)
  slot.skew(ms)
  await during(() => pause(planned.durationMs), () => slot.skew(0))
  return hit(`the clock of ${slot.name} was off by ${seconds(ms)}`)
}

/** How much longer than planned the registry may be away until it is asked. */
const untilAskedMaxMs = 10_000

/**
 * Schemas are needed when a process begins, so one begins while the registry is away. On a busy machine it takes its time
 * to come to its first record, and to the schema.
 */
const startWithout = async (
  { isStopped, pause, planned, slot }: Stage,
  away: () => unknown,
  back: () => unknown,
  isAsked: () => boolean
) => {
  await away()
  await during(async () => {
    await slot.end("SIGKILL")
    slot.start()
    await pause(planned.durationMs)
    const untilMs = performance.now() + untilAskedMaxMs
    while (!isAsked() && performance.now() < untilMs && !isStopped()) await pause(200)
  }, back)
}

export const refuseRegistry: Fault = async (stage) => {
  const { registryProxy } = stage.site
  const before = registryProxy.refused()
  await startWithout(
    stage,
    () => {
      registryProxy.refuse(true)
      registryProxy.cut()
    },
    () => registryProxy.refuse(false),
    () => registryProxy.refused() > before
  )
  const refused = registryProxy.refused() - before
  return { what: `the registry has refused ${refused} connections, while ${stage.slot.name} began`, bites: refused }
}

export const freezeRegistry: Fault = async (stage) => {
  const { registry, registryProxy } = stage.site
  const before = registryProxy.accepted()
  const isAsked = () => registryProxy.accepted() > before
  await startWithout(stage, () => registry.kill("SIGSTOP"), () => registry.kill("SIGCONT"), isAsked)
  const asked = registryProxy.accepted() - before
  return { what: `the registry was frozen, while ${stage.slot.name} began and made ${asked} connections`, bites: asked }
}

import type { TcpProxy, TextFault } from "../support/tcpProxy.js"
import { during, type Fault, seconds, type Stage } from "./Fault.js"

/** The text of COMMIT alone; READ-COMMITTED, in the session's statement, is not one. */
const commitText = /COMMIT$/u

/** Armed again each time it has struck, as often as that within the duration. */
const atCommit = async (stage: Stage, faults: readonly [TextFault, ...ReadonlyArray<TextFault>], most: number) => {
  const { isStopped, pause, planned, random, slot } = stage
  const before = slot.mysql.struck()
  const done: Array<TextFault> = []
  const untilMs = performance.now() + planned.durationMs
  const isOver = () => performance.now() >= untilMs || isStopped()
  await during(async () => {
    while (done.length < most && !isOver()) {
      const fault = random.pick(...faults)
      const struck = slot.mysql.struck()
      slot.mysql.arm({ trigger: commitText, fault })
      while (slot.mysql.struck() === struck && !isOver()) await pause(20)
      if (slot.mysql.struck() > struck) done.push(fault)
    }
  }, () => slot.mysql.arm(undefined))
  return { what: `${slot.name}: ${done.join(", ") || "no COMMIT came"}`, bites: slot.mysql.struck() - before }
}

/** Before COMMIT arrives, or between COMMIT and its answer: the client cannot tell one from the other. */
export const cutAtCommit: Fault = (stage) => atCommit(stage, ["cut-before", "cut-after"], stage.random.integer(1, 5))

/** Neither FIN nor RST: only the statement's deadline ends the wait, and the server's end stays open (protocol §8). */
export const silenceAtCommit: Fault = (stage) =>
  atCommit(stage, ["swallow", "swallow-answer"], stage.random.integer(1, 3))

/** Which ways of an instance: to the database, to Kafka, to one broker, or all of them. */
const waysOf = ({ random, site, slot }: Stage): { readonly name: string; readonly ways: ReadonlyArray<TcpProxy> } => {
  const node = random.integer(0, slot.brokers.length - 1)
  const broker = slot.brokers[node]
  const mysql = { name: `${slot.name} and MySQL`, ways: [slot.mysql] }
  return random.pick(
    mysql,
    mysql,
    { name: `${slot.name} and Kafka`, ways: slot.brokers },
    { name: `${slot.name} and broker ${node}`, ways: broker === undefined ? [] : [broker] },
    { name: `${slot.name} and all servers`, ways: [slot.mysql, ...slot.brokers] },
    { name: "all instances and MySQL", ways: site.slots.map((other) => other.mysql) }
  )
}

const sum = (ways: ReadonlyArray<TcpProxy>, count: (way: TcpProxy) => number) =>
  ways.reduce((total, way) => total + count(way), 0)

export const cutConnections: Fault = async (stage) => {
  const { name, ways } = waysOf(stage)
  const bites = sum(ways, (way) => way.cut())
  return { what: `${bites} connections between ${name} were reset`, bites }
}

export const refuseConnections: Fault = async (stage) => {
  const { name, ways } = waysOf(stage)
  const before = sum(ways, (way) => way.refused())
  const cut = sum(ways, (way) => {
    way.refuse(true)
    return way.cut()
  })
  await during(() => stage.pause(stage.planned.durationMs), () => ways.forEach((way) => way.refuse(false)))
  const refused = sum(ways, (way) => way.refused()) - before
  const lasting = seconds(stage.planned.durationMs)
  return {
    what: `${cut} connections between ${name} were reset, ${refused} refused in ${lasting}`,
    bites: cut + refused
  }
}

export const stallNetwork: Fault = async (stage) => {
  const { name, ways } = waysOf(stage)
  const bites = sum(ways, (way) => way.links())
  ways.forEach((way) => way.stall(true))
  await during(() => stage.pause(stage.planned.durationMs), () => ways.forEach((way) => way.stall(false)))
  return { what: `nothing passed between ${name} for ${seconds(stage.planned.durationMs)}`, bites }
}

export const halfOpen: Fault = async (stage) => {
  const { name, ways } = waysOf(stage)
  const bites = sum(ways, (way) => way.mute())
  return { what: `${bites} connections between ${name} went silent for ever`, bites }
}

const slow = async ({ pause, planned, random }: Stage, name: string, ways: ReadonlyArray<TcpProxy>) => {
  const ms = random.integer(10, 250)
  const bites = sum(ways, (way) => way.links())
  ways.forEach((way) => way.delay(ms))
  await during(() => pause(planned.durationMs), () => ways.forEach((way) => way.delay(0)))
  return { what: `${name}: ${ms} ms more each way for ${seconds(planned.durationMs)}`, bites }
}

export const slowMysql: Fault = (stage) => slow(stage, `${stage.slot.name} and MySQL`, [stage.slot.mysql])
export const slowKafka: Fault = (stage) => slow(stage, `${stage.slot.name} and Kafka`, stage.slot.brokers)

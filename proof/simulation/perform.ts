import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { groupOf } from "../../src/domain/Config.js"
import { storedOf } from "./lives.js"
import type { Action, RecordKind } from "./Plan.js"
import { garbage } from "./records.js"
import { configOf } from "./settings.js"
import { freezeLife, killLife, type Slot, startLife, stopLife } from "./Slot.js"
import { newValue, type World } from "./World.js"

const partitionsMax = 5

const append = (world: World, topic: string, partition: number, kind: RecordKind): void => {
  const { cluster, contents, refused } = world
  world.counts.records += 1
  if (kind === "hidden") return cluster.appendInvisible(topic, partition)
  if (kind === "tombstone") return void cluster.append(topic, partition, null)
  if (kind === "garbage") return void cluster.append(topic, partition, garbage(++world.lastId))
  const value = newValue(world)
  const content = contents.get(value) ?? ""
  if (kind === "refused") refused.set(content, "error")
  if (kind === "rounded") refused.set(content, "warning")
  cluster.append(topic, partition, value)
}

type Do<K extends Action["do"]> = Extract<Action, { readonly do: K }>

const transact = (world: World, { commits, count, forMs, partitions, topic }: Do<"transaction">): void => {
  const { cluster, counts } = world
  counts.transactions += 1
  if (!commits) counts.aborted += 1
  const producer = cluster.transactions.init(`producer-${counts.transactions}`, 60_000)
  for (let index = 0; index < count; index++) {
    for (const partition of partitions) {
      const log = cluster.log(topic, partition)
      const transaction = cluster.transactions.enlist(producer, log, topic)
      log.append({ timestampMs: cluster.time.nowMs(), key: null, value: newValue(world), headers: [] }, transaction)
    }
  }
  cluster.appended(topic)
  world.undoAfter(forMs, Effect.sync(() => cluster.transactions.end(producer, commits ? "COMMIT" : "ABORT")))
}

const cut = (world: World, slot: Slot, { forMs, from }: Do<"cut">): void => {
  const { life } = slot
  if (life === undefined) return
  const isCut = (is: boolean) => {
    for (const member of life.members) member.cut = is
  }
  if (from !== "mysql") {
    isCut(true)
    world.undoAfter(forMs, Effect.sync(() => isCut(false)))
  }
  if (from === "kafka") return
  world.mysql.disconnect(life.name)
  world.undoAfter(forMs, Effect.sync(() => life.state === "ended" ? undefined : world.mysql.reconnect(life.name)))
}

const trim = (world: World, { partition, topic }: Do<"trim">): void => {
  const { cluster } = world
  const stored = storedOf(world, topic, partition)
  const log = cluster.log(topic, partition)
  if (stored !== undefined && stored > log.low && stored <= log.end) cluster.trim(topic, partition, stored)
}

/** Of records that have come so shortly before that nobody has fetched them. Not before anything is stored (`trim`). */
const overtake = (world: World, { beyond, partition, topic }: Do<"overtake">): void => {
  const { cluster } = world
  const stored = storedOf(world, topic, partition)
  if (stored === undefined) return
  for (let index = 0; index < beyond; index++) append(world, topic, partition, "good")
  const { lastStable } = cluster.log(topic, partition)
  const to = stored + BigInt(beyond)
  cluster.trim(topic, partition, to < lastStable ? to : lastStable)
}

/** A broker takes so long at least, and who creates the topic again. */
const deletionMs = 300

const recreate = (world: World, { forMs, partitions, records, topic }: Do<"recreate">): void => {
  const { cluster } = world
  if (!cluster.topics.has(topic)) return
  cluster.deleteTopic(topic)
  const notBeforeMs = cluster.time.nowMs() + deletionMs
  world.undoAfter(
    forMs,
    Effect.gen(function*() {
      yield* Effect.sleep(Math.max(0, notBeforeMs - cluster.time.nowMs()))
      cluster.createTopic(topic, partitions)
      for (let index = 0; index < partitions * records; index++) append(world, topic, index % partitions, "good")
    })
  )
}

/**
 * Not where it would lose the row of a partition altogether: then a person has to say where to go on, because Kafka knows
 * that the group has been there (protocol §3).
 */
const failOver = (world: World, { lost, silently }: Do<"failOver">): void => {
  const { counters, database: { moves } } = world.mysql
  const made = moves.findLastIndex(({ from }) => from === undefined)
  const since = moves.filter(({ reset }, index) => index > made && reset !== true).length
  const isSafe = since > counters.lostCommits + lost
  world.mysql.failOver(isSafe ? lost : 0, { silently })
}

const registryFault = (world: World, { fault, forMs }: Do<"registry">): void => {
  const { registry } = world
  if (fault === "slow") registry.latencyMs = 4000
  else registry.fault = () => fault
  world.undoAfter(
    forMs,
    Effect.sync(() => {
      registry.latencyMs = 0
      registry.fault = () => undefined
    })
  )
}

const stopMysql = (world: World, { forMs, silently }: Do<"stopMysql">): void => {
  world.mysql.crash({ silently })
  world.undoAfter(forMs, Effect.sync(() => world.mysql.start()))
}

/** Another process takes the place of one that was told to stop. */
const replace = (world: World, slot: Slot, forMs: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* stopLife(world, slot)
    yield* Effect.sleep(world.isFaulty ? forMs : 0)
    yield* startLife(world, slot)
  })

const onProcess = (
  world: World,
  slot: Slot,
  action: Extract<Action, { readonly process: number }>
): Effect.Effect<void> => {
  switch (action.do) {
    case "kill":
      return killLife(world, slot, action)
    case "freeze":
      return freezeLife(world, slot, action.forMs)
    case "stop":
      return Effect.sync(() => world.run(replace(world, slot, action.forMs)))
    case "cut":
      return Effect.sync(() => cut(world, slot, action))
    case "evict":
      return Effect.sync(() => slot.life?.members.at(-1)?.evict())
    case "crashClient":
      return Effect.sync(() => slot.life?.members.at(-1)?.crash())
  }
}

const onServers = (world: World, action: Exclude<Action, { readonly process: number }>): void => {
  const { cluster, mysql } = world
  switch (action.do) {
    case "produce":
      return action.records.forEach((kind) => append(world, action.topic, action.partition, kind))
    case "transaction":
      return transact(world, action)
    case "stopBroker":
      cluster.brokers.stop(action.broker)
      return world.undoAfter(action.forMs, Effect.sync(() => cluster.brokers.start(action.broker)))
    case "moveLeader":
      return cluster.brokers.moveLeader(action.topic, action.partition, action.to)
    case "moveCoordinator":
      return cluster.brokers.moveCoordinator(groupOf(configOf(world.plan), action.topic), action.to)
    case "grow":
      if ((cluster.topics.get(action.topic)?.logs.length ?? 0) < partitionsMax) cluster.addPartition(action.topic)
      return
    case "trim":
      return trim(world, action)
    case "overtake":
      return overtake(world, action)
    case "recreate":
      return recreate(world, action)
    case "registry":
      return registryFault(world, action)
    case "stopMysql":
      return stopMysql(world, action)
    case "failOver":
      return failOver(world, action)
    case "readOnly":
      mysql.setReadOnly(true)
      return world.undoAfter(action.forMs, Effect.sync(() => mysql.setReadOnly(false)))
    case "diskFull":
      mysql.diskFull = true
      return world.undoAfter(action.forMs, Effect.sync(() => (mysql.diskFull = false)))
    case "slowMysql":
      world.mysqlLatencyMs = action.ms
      return world.undoAfter(action.forMs, Effect.sync(() => (world.mysqlLatencyMs = 1)))
  }
}

export const perform = (world: World, action: Action): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { actions } = world.counts
    actions[action.do] = (actions[action.do] ?? 0) + 1
    world.trace.tell("plan", () => JSON.stringify(action))
    if (!("process" in action)) return Effect.sync(() => onServers(world, action))
    const slot = world.slots[action.process]
    return slot === undefined ? Effect.void : onProcess(world, slot, action)
  })

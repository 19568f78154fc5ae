import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { makeRandom, type SeededRandom, seedOf } from "../../src/domain/random.js"
import type { Admin } from "../../src/layers/Admin.js"
import type { Consumer } from "../../src/layers/Consumer.js"
import type { Destination } from "../../src/layers/Destination.js"
import { type MemoryCluster, MemoryKafka } from "../../src/layers/memory/MemoryCluster.js"
import { layerMemory } from "../../src/layers/memory/MemoryKafka.js"
import type { Topics } from "../../src/layers/Topics.js"
import type { FaultPoint } from "../../src/programs/faultPoint.js"
import type { Observation, Place } from "../checker/History.js"
import { mysqlFaults } from "./fates.js"
import { SimMysql } from "./mysql/SimMysql.js"
import type { Plan } from "./Plan.js"
import { codec, schema, schemaId } from "./records.js"
import { SimRegistry } from "./SimRegistry.js"
import type { Slot } from "./Slot.js"
import type { Trace } from "./Trace.js"

/** What has happened in a run, so that many of them can show what they have tested. */
export interface Counts {
  records: number
  transactions: number
  aborted: number
  kills: number
  freezes: number
  stops: number
  /** Drains that their deadline has ended. */
  forced: number
  queuedMax: number
  /** Times that a person has done what processes asked for. */
  helped: number
  /** From the end of the faults until everything was stored. */
  catchUpMs: number
  readonly actions: Record<string, number>
  readonly points: Partial<Record<FaultPoint, number>>
}

export interface WorldOptions {
  readonly traced: boolean
  /** Breaks the destination of every process, to see that it is found. */
  readonly broken?: (destination: Destination["Type"]) => Destination["Type"]
}

/** Everything outside of the processes, and the processes. */
export interface World {
  readonly plan: Plan
  readonly broken: NonNullable<WorldOptions["broken"]>
  readonly cluster: MemoryCluster
  readonly kafka: Context.Context<Consumer | Admin | Topics>
  readonly mysql: SimMysql
  readonly registry: SimRegistry
  readonly trace: Trace
  /** Draws what the plan leaves open; the program draws from its own. */
  readonly random: SeededRandom
  readonly counts: Counts
  readonly observations: Array<Observation>
  readonly slots: Array<Slot>
  /** What a row of the record says, by the bytes of its value. */
  readonly contents: Map<Uint8Array, string>
  /** Ids that the database refuses, or takes only rounded. */
  readonly refused: Map<string, "error" | "warning">
  /** Where a member's client has left out what it fetched last: only the next record shows that. */
  readonly skipped: Map<string, Place>
  /** False once nothing goes wrong any more. */
  isFaulty: boolean
  /** Nothing is started any more. */
  isOver: boolean
  lastId: number
  /** Of each request. */
  mysqlLatencyMs: number
  /** Runs it beside everything else, as long as there is this world. */
  readonly run: (effect: Effect.Effect<void, never, Scope.Scope>) => void
  /** Does it after this time, or when the faults stop. */
  readonly undoAfter: (ms: number, undo: Effect.Effect<void, never, Scope.Scope>) => void
  /** What is still to be undone. */
  readonly undo: Effect.Effect<void, never, Scope.Scope>
}

/** The cluster's times: short, so that a short run sees many sessions end. */
const kafkaOptions = {
  fetchRecords: 12,
  pollIntervalMs: 40,
  heartbeatIntervalMs: 300,
  sessionTimeoutMs: 2000,
  rebalanceTimeoutMs: 3000
}
export const fetchRecords = kafkaOptions.fetchRecords

export const makeWorld = (
  plan: Plan,
  trace: Trace,
  broken: World["broken"] = (destination) => destination
): Effect.Effect<World, never, Scope.Scope> =>
  Effect.gen(function*() {
    const kafka = yield* Layer.build(layerMemory({ ...kafkaOptions, brokers: plan.brokers }))
    const cluster = Context.get(kafka, MemoryKafka)
    trace.nowMs = cluster.time.nowMs
    const mysqlLine = (line: string) => trace.tell("mysql", () => line.replace(/^\d+ mysql: /, ""))
    const run = yield* FiberSet.makeRuntime<Scope.Scope>()
    const undos: Array<Effect.Effect<void, never, Scope.Scope>> = []
    const undoAfter: World["undoAfter"] = (ms, undo) => {
      let isDone = false
      const once = Effect.suspend(() => {
        if (isDone) return Effect.void
        isDone = true
        return undo
      })
      undos.push(once)
      run(Effect.delay(once, ms))
    }
    const world: World = {
      plan,
      broken,
      cluster,
      kafka,
      mysql: new SimMysql(cluster.time, trace.isOn ? { trace: mysqlLine } : {}),
      registry: new SimRegistry([[schemaId, schema]]),
      trace,
      random: makeRandom(seedOf(plan.seed, 2)),
      counts: {
        records: 0,
        transactions: 0,
        aborted: 0,
        kills: 0,
        freezes: 0,
        stops: 0,
        forced: 0,
        queuedMax: 0,
        helped: 0,
        catchUpMs: 0,
        actions: {},
        points: {}
      },
      observations: [],
      slots: [],
      contents: new Map(),
      refused: new Map(),
      skipped: new Map(),
      isFaulty: true,
      isOver: false,
      lastId: 0,
      mysqlLatencyMs: 1,
      run: (effect) => void run(effect),
      undoAfter,
      undo: Effect.suspend(() => Effect.all(undos, { discard: true }))
    }
    world.mysql.faults = mysqlFaults(world)
    for (const { name, partitions } of plan.topics) cluster.createTopic(name, partitions)
    return world
  })

/** The bytes of a new record that a schema has made, and what its row is going to say. */
export const newValue = (world: World): Uint8Array => {
  const id = ++world.lastId
  const head = Buffer.alloc(5)
  head.writeUInt32BE(schemaId, 1)
  const value = Buffer.concat([head, codec.encode({ id: BigInt(id) })])
  world.contents.set(value, String(id))
  return value
}

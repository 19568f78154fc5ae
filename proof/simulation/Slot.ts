import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Supervisor from "effect/Supervisor"
import { Consumer } from "../../src/layers/Consumer.js"
import { Destination } from "../../src/layers/Destination.js"
import type { MemberConnection } from "../../src/layers/memory/MemoryCluster.js"
import { type MemoryProcess, startProcess } from "../../src/layers/memory/MemoryProcess.js"
import type { CommandError, ExitCode } from "../../src/programs/exitCodes.js"
import { type FaultPoint, FaultPoints } from "../../src/programs/faultPoint.js"
import { runCommand } from "../../src/programs/run.js"
import { layerSimMysql } from "./mysql/destination.js"
import { observeQueue } from "./observeQueue.js"
import { configOf } from "./settings.js"
import type { World } from "./World.js"

/** A process of the main job that was started. */
export interface Life {
  readonly name: string
  readonly process: MemoryProcess<ExitCode, CommandError>
  /** Every membership that it has had. */
  readonly members: Array<MemberConnection>
  /** Fibers that it has begun and that have not ended. */
  readonly fibers: () => number
  state: "running" | "frozen" | "stopping" | "ended"
  isToldToStop: boolean
  /** Something kept it from stopping in its own time. */
  disturbed: boolean
}

/** A place where a process runs; another one takes it when one has ended. */
export interface Slot {
  readonly index: number
  lives: number
  life: Life | undefined
  isStarting: boolean
}

class FiberCount extends Supervisor.AbstractSupervisor<number> {
  count = 0
  override get value() {
    return Effect.sync(() => this.count)
  }
  override onStart(): void {
    this.count += 1
  }
  override onEnd(): void {
    this.count -= 1
  }
}

/** The client of one process: what it joins as can be cut off, and what its queues hold is seen. */
const consumerOf = (world: World, name: string, members: Life["members"]): Consumer["Type"] => {
  const consumer = Context.get(world.kafka, Consumer)
  return Consumer.of({
    join: (options) =>
      Effect.tap(
        consumer.join({
          ...options,
          onBatch: (batch) => {
            const answer = options.onBatch(batch)
            observeQueue(world, name, batch.topic, batch.partition)
            return answer
          }
        }),
        () =>
          Effect.sync(() => {
            const joined = world.cluster.members.at(-1)
            if (joined !== undefined) members.push(joined)
          })
      )
  })
}

/** What a process meets at a fault point, by the rates of the plan. */
const meetAt = (world: World, slot: Slot, name: string) => (point: FaultPoint): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { counts: { points }, plan: { rates }, random } = world
    points[point] = (points[point] ?? 0) + 1
    const { life } = slot
    if (!world.isFaulty || life === undefined || life.name !== name) return Effect.void
    const roll = random.fraction()
    if (roll < rates.kill) {
      world.trace.tell(name, () => `is killed at: ${point}`)
      return killLife(world, slot, { forMs: random.integer(10, 3000), power: random.oneIn(3) })
    }
    if (roll < rates.kill + rates.freeze) {
      world.trace.tell(name, () => `is frozen at: ${point}`)
      return freezeLife(world, slot, random.oneIn(2) ? random.integer(2000, 9000) : random.integer(1, 2000))
    }
    if (roll < rates.kill + rates.freeze + rates.delay) {
      const ms = random.oneIn(4) ? random.integer(100, 1500) : random.integer(0, 60)
      life.disturbed = true
      return Effect.sleep(ms)
    }
    return Effect.void
  })

const watchEnd = (world: World, life: Life): void =>
  world.run(Effect.flatMap(life.process.exit, (exit) =>
    Effect.sync(() => {
      if (!life.isToldToStop) life.state = "ended"
      world.trace.tell(life.name, () => `ends: ${exit._tag}`)
      if (life.isToldToStop && Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)) return
      const why = Exit.isSuccess(exit) ? "ended by itself" : Cause.pretty(exit.cause)
      if (!why.includes("TRB-7001") && !why.includes("the drain did not end")) {
        world.observations.push({ kind: "crash", process: life.name, what: why })
      }
    })))

/** Starts the main job; nothing where one runs already. */
export const startLife = (world: World, slot: Slot): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    if (world.isOver || slot.life !== undefined || slot.isStarting) return
    slot.isStarting = true
    slot.lives += 1
    const name = `p${slot.index}.${slot.lives}`
    const fibers = new FiberCount()
    const members: Life["members"] = []
    const services = Layer.mergeAll(
      Layer.effect(Destination, Effect.map(Destination, world.broken)).pipe(
        Layer.provide(layerSimMysql(world.mysql, name))
      ),
      world.registry.layer,
      Layer.succeedContext(world.kafka),
      Layer.succeed(Consumer, consumerOf(world, name, members))
    )
    const program = runCommand(configOf(world.plan), { untilEnd: false }).pipe(
      Effect.provide(services),
      Effect.provideService(FaultPoints, meetAt(world, slot, name)),
      Effect.annotateLogs({ process: name }),
      Effect.supervised(fibers)
    )
    world.trace.tell(name, () => "starts")
    const process = yield* startProcess(program)
    const life: Life = {
      name,
      process,
      members,
      fibers: () => fibers.count,
      state: "running",
      isToldToStop: false,
      disturbed: false
    }
    slot.life = life
    slot.isStarting = false
    watchEnd(world, life)
  })

const forget = (slot: Slot, life: Life): void => {
  life.state = "ended"
  if (slot.life === life) slot.life = undefined
}

/** SIGKILL, or with `power` the end of its machine: then nobody closes its connections. */
export const killLife = (
  world: World,
  slot: Slot,
  { forMs, power }: { readonly forMs: number; readonly power: boolean }
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { life } = slot
    if (life === undefined) return Effect.void
    world.counts.kills += 1
    forget(slot, life)
    if (power) world.mysql.disconnect(life.name)
    else world.mysql.processEnded(life.name)
    world.undoAfter(forMs, startLife(world, slot))
    return life.process.kill
  })

export const freezeLife = (world: World, slot: Slot, forMs: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { life } = slot
    if (life === undefined || life.state === "frozen" || life.state === "ended") return Effect.void
    const before = life.state
    world.counts.freezes += 1
    life.state = "frozen"
    life.disturbed = true
    world.undoAfter(
      forMs,
      Effect.suspend(() => {
        if (life.state !== "frozen") return Effect.void
        world.trace.tell(life.name, () => "goes on")
        life.state = before
        return life.process.thaw
      })
    )
    return life.process.freeze
  })

/** SIGTERM; answers when it has ended, which one that is killed meanwhile does never. */
export const stopLife = (world: World, slot: Slot): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { life } = slot
    if (life === undefined || life.state !== "running") return
    const { mysql, observations } = world
    const { name, process } = life
    world.counts.stops += 1
    life.state = "stopping"
    life.isToldToStop = true
    life.disturbed = false
    world.trace.tell(name, () => "is told to stop")
    const sinceMs = world.cluster.time.nowMs()
    yield* process.stop
    const ms = world.cluster.time.nowMs() - sinceMs
    const { shutdownTimeoutMs } = configOf(world.plan)
    if (!life.disturbed) {
      observations.push({ kind: "drain", process: name, ms, deadlineMs: shutdownTimeoutMs + closingMs })
    }
    // At the deadline the process ends, whatever is left of it.
    const isForced = ms >= shutdownTimeoutMs
    if (!isForced) {
      yield* Effect.sleep(1)
      observations.push({ kind: "leak", process: name, what: "fiber", count: life.fibers() })
      observations.push({ kind: "leak", process: name, what: "connection", count: mysql.openConnections(name) })
    } else world.counts.forced += 1
    yield* process.kill
    mysql.processEnded(name)
    forget(slot, life)
  })

/** After the drain connections are closed, each within its own time-out. */
const closingMs = 1000

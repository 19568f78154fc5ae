import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { groupOf } from "../../src/domain/Config.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { check, sizeOf } from "../checker/check.js"
import type { Finding, Place } from "../checker/History.js"
import { type Behind, behind } from "./behind.js"
import { setKafkaFates } from "./fates.js"
import { goodLetters, historyOf, lateBeginnings } from "./history.js"
import { clearingIntervals, forgettingFibers } from "./intervals.js"
import { perform } from "./perform.js"
import { helped } from "./person.js"
import type { Plan } from "./Plan.js"
import { configOf } from "./settings.js"
import { startLife, stopLife } from "./Slot.js"
import { countsOf, type Numbers } from "./tally.js"
import { Trace } from "./Trace.js"
import { makeWorld, newValue, type World, type WorldOptions } from "./World.js"

export interface RunResult {
  readonly findings: ReadonlyArray<Finding>
  /** Empty unless it was traced. */
  readonly lines: ReadonlyArray<string>
  readonly numbers: Numbers
}

/** From the end of the faults until everything is stored: locks of dead owners last for 60 s (protocol §8). */
const catchUpMs = 120_000
/** For one more record where everything is caught up. */
const freshMs = 20_000
const lookMs = 100

/** Members hear of it at their next heartbeat, and a session that nobody ends any more is over. */
const settleMs = 2500

/** Waits until the lag is zero everywhere; answers where it is not after this time. */
const caughtUp = (world: World, withinMs: number): Effect.Effect<ReadonlyArray<Behind>> =>
  Effect.gen(function*() {
    const untilMs = world.cluster.time.nowMs() + withinMs
    while (true) {
      const left = behind(world)
      if (left.length === 0 || world.cluster.time.nowMs() >= untilMs) return left
      yield* Effect.sleep(lookMs)
    }
  })

const isHeld = ({ cluster, plan }: World, { partition, topic }: Place): boolean =>
  [...cluster.group(groupOf(configOf(plan), topic), topic).assigned.values()].some((all) => all.includes(partition))

const complain = (world: World, left: ReadonlyArray<Behind>, afterMs: number): void => {
  for (const place of left) {
    world.observations.push({ kind: "lag", place, lag: place.lag, afterMs })
    if (!isHeld(world, place)) world.observations.push({ kind: "unowned", place, ms: afterMs, allowedMs: settleMs })
  }
}

const placesOf = ({ cluster }: World): ReadonlyArray<Place> =>
  [...cluster.topics].flatMap(([topic, { logs }]) => [...logs.keys()].map((partition) => ({ topic, partition })))

const appendFresh = (world: World, places: Iterable<Place>): void => {
  for (const { partition, topic } of places) world.cluster.append(topic, partition, newValue(world))
}

/** The faults stop; everything has to come to the end of every log, and every partition has to be somebody's. */
const calmDown = (world: World): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    world.isFaulty = false
    world.trace.tell("plan", () => "the faults stop")
    yield* world.undo
    for (const slot of world.slots) yield* startLife(world, slot)
    const sinceMs = world.cluster.time.nowMs()
    yield* Effect.sleep(settleMs)
    appendFresh(world, world.skipped.values())
    const left = yield* helped(world, catchUpMs)
    const tookMs = world.cluster.time.nowMs() - sinceMs
    world.counts.catchUpMs = tookMs
    if (left.length > 0) return complain(world, left, catchUpMs)
    // Nobody lagging does not mean that everybody is there: a partition may still be acquired through dead connections.
    const withinMs = Math.max(freshMs, catchUpMs - tookMs)
    appendFresh(world, placesOf(world))
    complain(world, yield* caughtUp(world, withinMs), withinMs)
  })

const scenario = (world: World): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { plan } = world
    setKafkaFates(world)
    for (let index = 0; index < plan.processes; index++) {
      world.slots.push({ index, lives: 0, life: undefined, isStarting: false })
    }
    const due = [...plan.actions]
    for (
      const action of due.filter(({ atMs }) => atMs === 0)
    ) {
      yield* perform(world, action)
    }
    for (const slot of world.slots) {
      yield* startLife(world, slot)
      yield* Effect.sleep(world.random.integer(0, 300))
    }
    for (const action of due.filter(({ atMs }) => atMs > 0)) {
      yield* Effect.sleep(Math.max(0, action.atMs - world.cluster.time.nowMs()))
      yield* perform(world, action)
    }
    yield* Effect.sleep(Math.max(0, plan.quietMs - world.cluster.time.nowMs()))
    yield* calmDown(world)
    // One that was told to stop before has its successor first.
    const isRunning = () => world.slots.every(({ life }) => life?.state === "running")
    for (let looks = 0; looks < 300 && !isRunning(); looks++) yield* Effect.sleep(lookMs)
    world.isOver = true
    for (const slot of world.slots) yield* stopLife(world, slot)
  })

/**
 * What the program says is a part of the trace, and made only for it. Traced or not, the logger takes as many operations:
 * how many a fiber has had decides whose turn is next.
 */
const logTo = (trace: Trace) => {
  const told = Logger.make(({ annotations, logLevel, message }) => {
    const of = (name: string) => Inspectable.toStringUnknown(Option.getOrElse(HashMap.get(annotations, name), () => ""))
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Error)) trace.hear(String(message))
    trace.tell(
      of("process"),
      () => `${logLevel.label} ${of("thread")} ${String(message)}`
    )
  })
  return Layer.merge(
    Logger.replace(Logger.defaultLogger, told),
    Logger.minimumLogLevel(trace.isOn ? LogLevel.Info : LogLevel.Error)
  )
}

/** Runs the plan in virtual time. The same plan gives the same findings and the same trace, always and everywhere. */
export const runPlan = (plan: Plan, { broken: breaks, traced }: WorldOptions = { traced: false }): RunResult => {
  let world: World | undefined
  const trace = new Trace(traced)
  const whole = Effect.gen(function*() {
    world = yield* makeWorld(plan, trace, breaks)
    yield* scenario(world)
  }).pipe(Effect.provide(logTo(trace)))
  const broken: Array<Finding> = []
  try {
    forgettingFibers(() => clearingIntervals(() => simulate(whole, plan.seed, { stepsMax })))
  } catch (error) {
    broken.push({ kind: "crash", what: `the simulation: ${error instanceof Error ? error.message : String(error)}` })
  }
  if (world === undefined) return { findings: broken, lines: [], numbers: {} }
  const history = historyOf(world)
  const findings = [...broken, ...check(history), ...goodLetters(world, history), ...lateBeginnings(history)]
  return { findings, lines: trace.lines, numbers: { ...countsOf(world), ...sizeOf(history) } }
}

/** A run takes some 10,000; a loop that makes no headway is a finding. */
const stepsMax = 3_000_000

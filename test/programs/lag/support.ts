import { Terminal } from "@effect/platform"
import { Effect, Layer, type Scope } from "effect"
import { mysql } from "../../../src/domain/sql/mysql.js"
import { Consumer } from "../../../src/layers/Consumer.js"
import { layerMemory as layerDatabase } from "../../../src/layers/memory/MemoryDestination.js"
import { layerMemory as layerGroups } from "../../../src/layers/memory/MemoryGroups.js"
import { layerMemory as layerKafka, MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { layerMemory as layerPositions } from "../../../src/layers/memory/MemoryPositions.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"
import { lagCommand, type LagOptions, statusCommand } from "../../../src/programs/lag/lag.js"
import { logged } from "../../support/logged.js"
import { captured } from "../captured.js"

export const terminal = (rows: number | undefined) =>
  Layer.mock(Terminal.Terminal, { isTTY: Effect.succeed(rows !== undefined), rows: Effect.succeed(rows ?? 0) })

const kafka = layerKafka({ fetchRecords: 10, pollIntervalMs: 100 })
export const world = Layer.mergeAll(
  Layer.provideMerge(layerGroups, kafka),
  Layer.provideMerge(layerPositions, layerDatabase(mysql)),
  terminal(undefined)
)

/** In virtual time; what is logged is not looked at here. */
export const inWorld = <A, E>(body: Effect.Effect<A, E, Scope.Scope | Layer.Layer.Success<typeof world>>): A =>
  simulate(logged(() => Effect.provide(body, world)))

export const config = { topics: ["orders"], consumerGroup: "group-${topic}", autoOffsetReset: "earliest" as const }
export const options = {
  groups: [],
  allGroups: false,
  watch: false,
  check: false,
  denyWarnings: false,
  intervalMs: 1000,
  window: 10,
  allowedLag: 0,
  output: "json" as const
}

/** Runs `lag` and reads its report. */
export const lag = (over: Partial<LagOptions>, of: typeof config = config) =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    const exit = yield* lagCommand(of, { ...options, ...over }).pipe(Effect.withConsole(console), Effect.exit)
    return { exit, report: out.length === 0 ? undefined : JSON.parse(out.join("\n")), err }
  })

export const status = (of: typeof config = config) =>
  Effect.gen(function*() {
    const { console, out } = captured()
    const exit = yield* statusCommand(of, { watch: false, intervalMs: 1000, window: 10, output: "table" }).pipe(
      Effect.withConsole(console),
      Effect.exit
    )
    return { exit, text: out.join("\n") }
  })

const value = new Uint8Array([1])

/** Appends so many records each second. */
export const producing = (topic: string, perSecond: number) =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    yield* Effect.forkScoped(Effect.forever(Effect.delay(
      Effect.sync(() => append(cluster, topic, perSecond)),
      "1 second"
    )))
  })

export const append = (cluster: MemoryKafka["Type"], topic: string, count: number, partition = 0): void => {
  for (let index = 0; index < count; index++) cluster.append(topic, partition, value)
}

/** A member of the group that reads nothing and commits what it is told to. */
export const member = (topic: string, group: string) =>
  Effect.gen(function*() {
    const consumer = yield* Consumer
    const membership = yield* consumer.join({ topic, group, onBatch: () => "pause" })
    yield* membership.events.take
    return membership
  })

/** A member that comes `perSecond` further each second, never beyond the end, from `from` on. */
export const consuming = (topic: string, group: string, from: bigint, perSecond: bigint) =>
  Effect.gen(function*() {
    const cluster = yield* MemoryKafka
    const membership = yield* member(topic, group)
    let offset = from
    yield* membership.commit([{ partition: 0, offset }])
    const step = Effect.suspend(() => {
      const { end } = cluster.log(topic, 0)
      offset = offset + perSecond < end ? offset + perSecond : end
      return membership.commit([{ partition: 0, offset }])
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(step, "1 second")))
  })

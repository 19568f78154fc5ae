import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import { deliveryOf, type Processed } from "../../domain/delivery.js"
import type { Admin } from "../../layers/Admin.js"
import type { Consumer } from "../../layers/Consumer.js"
import { committedKey, type MemoryCluster } from "../../layers/memory/MemoryCluster.js"
import { layerMemory, MemoryKafka } from "../../layers/memory/MemoryKafka.js"
import { type MemoryProcess, startProcess } from "../../layers/memory/MemoryProcess.js"
import type { Producer } from "../../layers/Producer.js"
import type { Topics } from "../../layers/Topics.js"
import type { Transactions } from "../../layers/Transactions.js"
import type { CommitStrategy } from "../read/commitStrategy.js"
import { consume, type ConsumeOptions, type Hooks, type PolledRecord } from "../read/consume.js"
import type { LabEvent, Observed } from "./experiment.js"
import { drawn } from "./memberEvents.js"

export const topic = "test-topic"
export const group = "test-topic-consumer-group"

export type LabServices = Admin | Consumer | Producer | Transactions | Topics | MemoryKafka

/** One experiment's cluster, and all that is written down of it. */
export interface LabWorld {
  readonly kafka: MemoryCluster
  /** Numbers that the producer was acknowledged. */
  readonly produced: Array<number>
  /** Effects, in the order in which they happened. They are the world's: no crash takes them back. */
  readonly processed: Array<Processed>
  readonly events: Array<LabEvent>
}

export interface ClusterSettings {
  readonly partitions?: number
  readonly sessionTimeoutMs?: number
}

/** Runs an experiment on a cluster of its own, whose topic exists. */
export const inLab = (
  experiment: (world: LabWorld) => Effect.Effect<ReadonlyArray<string>, never, LabServices | Scope.Scope>,
  { partitions = 1, sessionTimeoutMs = 10_000 }: ClusterSettings = {}
): Effect.Effect<Observed, never, Scope.Scope> =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    kafka.createTopic(topic, partitions)
    const world: LabWorld = { kafka, produced: [], processed: [], events: [] }
    const notes = yield* experiment(world)
    const { events, processed, produced } = world
    return { delivery: deliveryOf(produced, processed), processed, events, notes }
  }).pipe(
    // What the programs log is of another day; the notes say what matters.
    Logger.withMinimumLogLevel(LogLevel.None),
    Effect.provide(layerMemory({
      fetchRecords: 500,
      pollIntervalMs: 100,
      heartbeatIntervalMs: Math.trunc(sessionTimeoutMs / 3),
      sessionTimeoutMs
    }))
  )

/** Appends the numbers, round robin, one each `intervalMs`; all at once without. */
export const count = (
  world: LabWorld,
  from: number,
  to: number,
  intervalMs = 0,
  encode: (id: number) => Uint8Array = (id) => Buffer.from(String(id))
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const partitions = world.kafka.topics.get(topic)?.logs.length ?? 1
    for (let id = from; id <= to; id++) {
      world.kafka.append(topic, (id - 1) % partitions, encode(id))
      world.produced.push(id)
      if (intervalMs > 0) yield* Effect.sleep(intervalMs)
    }
  })

/** How a member of the experiment reads. */
export interface MemberSettings extends Partial<Pick<ConsumeOptions, "from" | "listener" | "reset" | "pollTimeoutMs">> {
  readonly name: string
  readonly commit: CommitStrategy
  readonly autoCommitIntervalMs?: number
  readonly maxPollRecords?: number
  /** How long the work on a record takes. `handOff`: it is done beside the poll loop, all records at the same time. */
  readonly workMs?: number
  readonly handOff?: boolean
  /** SIGKILL, right after the effect of this record and before anything else. */
  readonly killedAt?: number
}

/** A process with one member, which counts the numbers that it has processed. */
export const startMember = (
  world: LabWorld,
  settings: MemberSettings
): Effect.Effect<MemoryProcess<void, unknown>, never, Consumer | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    let self: MemoryProcess<void, unknown> | undefined
    const killed = Effect.suspend(() => self === undefined ? Effect.void : kill(world, settings.name, self))
    self = yield* startProcess(Effect.scoped(member(world, settings, killed)))
    yield* note(world, settings.name, "start", settings.commit)
    return self
  })

const member = (world: LabWorld, settings: MemberSettings, killed: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const { handOff = false, killedAt, name, workMs = 0 } = settings
    const work = (record: PolledRecord) =>
      Effect.gen(function*() {
        if (workMs > 0) yield* Effect.sleep(workMs)
        const id = numberOf(record)
        const atMs = yield* Clock.currentTimeMillis
        world.processed.push({ id, partition: record.partition, offset: record.offset, atMs, by: name })
        if (id === killedAt) yield* killed
      })
    const handedOff = yield* FiberSet.make()
    const hooks: Hooks = {
      ...(handOff ? { drain: FiberSet.awaitEmpty(handedOff) } : {}),
      report: (event) =>
        Effect.gen(function*() {
          const atMs = yield* Clock.currentTimeMillis
          world.events.push(...drawn(event).map((one) => ({ ...one, atMs, lane: name })))
          // Another member has these partitions now: whatever of them is still in work must not go on here.
          if (event._tag === "Revoked" || event._tag === "Lost") yield* FiberSet.clear(handedOff)
        })
    }
    const options: ConsumeOptions = {
      topic,
      group,
      autoCommitIntervalMs: 5000,
      maxPollRecords: 500,
      pollTimeoutMs: 1000,
      isolation: "read_committed",
      reset: "earliest",
      ...settings
    }
    yield* consume(
      options,
      (records) =>
        Effect.forEach(records, (record) =>
          handOff ? FiberSet.run(handedOff, Effect.interruptible(work(record))) : work(record), {
          discard: true
        }),
      hooks
    )
  })

export const numberOf = ({ value }: Pick<PolledRecord, "value">): number => Number(Buffer.from(value ?? []).toString())

/** SIGKILL. */
export const kill = <A, E>(world: LabWorld, name: string, process: MemoryProcess<A, E>): Effect.Effect<void> =>
  Effect.zipRight(note(world, name, "kill", "kill -9"), process.kill)

/** SIGTERM, to the end. */
export const stop = <A, E>(world: LabWorld, name: string, process: MemoryProcess<A, E>): Effect.Effect<void> =>
  Effect.zipRight(note(world, name, "stop", "SIGTERM"), process.stop)

export const note = (
  world: Pick<LabWorld, "events">,
  lane: string,
  kind: LabEvent["kind"],
  text: string
): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeMillis, (atMs) => void world.events.push({ atMs, lane, kind, text }))

/** The group's committed offset of a partition: what a member that starts now goes on from. */
export const committed = (world: LabWorld, partition = 0): bigint | undefined =>
  world.kafka.committed.get(committedKey(group, topic, partition))

/** Until nothing more is processed for a while. */
export const settled = (world: LabWorld, quietMs = 30_000): Effect.Effect<void> =>
  Effect.gen(function*() {
    let before = -1
    do {
      before = world.processed.length
      yield* Effect.sleep(quietMs)
    } while (before !== world.processed.length)
  })

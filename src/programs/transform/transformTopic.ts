import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { Admin } from "../../layers/Admin.js"
import { Consumer, type GroupEvent, type KafkaRefused, type Membership } from "../../layers/Consumer.js"
import type { Transactions } from "../../layers/Transactions.js"
import { deliverTo, foldAssignments, openQueue, type Runner } from "../assignment.js"
import { watchTopicId } from "../awaitTopic.js"
import { type Held, sayStopped, toHeld } from "../held.js"
import { type Backoff, throughOutage, unavailable } from "../outage.js"
import type { ByteBudget } from "../PartitionQueue.js"
import type { Mapping } from "./mapping.js"
import type { Route } from "./outgoing.js"
import type { TransformSettings } from "./settings.js"
import { transformPartition } from "./transformPartition.js"

/** What all assignments share. */
export interface TopicEnv {
  readonly settings: TransformSettings
  readonly backoff: Backoff
  readonly mapping: Mapping
  readonly budget: ByteBudget
  /** Where `--until-end` ends, by partition; empty without it. */
  readonly ends: ReadonlyMap<number, bigint>
  /** Partitions of this instance that wait for a person, and why. */
  readonly stopped: Map<number, Held>
}

interface Assigned extends TopicEnv {
  readonly membership: Membership
  readonly runners: Map<number, Runner>
  /** The owners that are not at their end yet, by partition. */
  readonly owners: Map<number, Fiber.Fiber<never, Held>>
}

type Services = Admin | Consumer | Transactions

/** One membership in the group; one queue and one owner for each assigned partition. */
export const transformTopic = (env: TopicEnv): Effect.Effect<never, KafkaRefused, Services> =>
  Effect.gen(function*() {
    const { group, options } = env.settings
    const runners = new Map<number, Runner>()
    const owners: Assigned["owners"] = new Map()
    const consumer = yield* Consumer
    const join = consumer.join({
      topic: options.input,
      group,
      isolation: options.isolation,
      onBatch: deliverTo(runners),
      // An owner that is interrupted commits what is open; the group waits for that, so that nothing is done twice.
      onRevoked: () => Effect.suspend(() => Fiber.interruptAll([...owners.values()]))
    })
    const membership = yield* throughOutage("Kafka", env.backoff, join, unavailable)
    const broken = yield* Deferred.make<never>()
    const assigned = { ...env, membership, runners, owners }
    return yield* Effect.raceFirst(
      foldAssignments(membership, runners, broken, (event) => runAssignment(assigned, event)),
      Deferred.await(broken)
    )
  }).pipe(Effect.scoped, Effect.annotateLogs({ thread: env.settings.options.input, logger: "tributary.Transform" }))

const runAssignment = (env: Assigned, event: GroupEvent): Effect.Effect<void, never, Admin | Transactions> =>
  Effect.gen(function*() {
    env.stopped.clear()
    if (event._tag === "Lost") {
      return yield* Effect.logInfo(`partitions lost: ${event.reason} [generation=${event.generation}]`)
    }
    const { group, options: { input } } = env.settings
    const { generation, partitions } = event
    yield* Effect.logInfo(
      `partitions assigned: ${partitions.join(", ") || "none"} [group=${group} generation=${generation}]`
    )
    if (partitions.length === 0) return
    const held = yield* Effect.flip(runPartitions(env, partitions, generation))
    for (const partition of partitions) env.stopped.set(partition, held)
    yield* sayStopped(`topic ${input}`, held)
  })

/** Runs the owners of all partitions; fails with what concerns the topic as a whole. */
const runPartitions = (
  env: Assigned,
  partitions: ReadonlyArray<number>,
  generation: number
): Effect.Effect<never, Held, Admin | Transactions> =>
  Effect.gen(function*() {
    const { deadLetterTopic, options: { input, output } } = env.settings
    const admin = yield* Admin
    const described = (topic: string) =>
      throughOutage(`topic ${topic}`, env.backoff, admin.describeTopic(topic), unavailable).pipe(
        Effect.mapError(toHeld)
      )
    const target = (topic: string) =>
      Effect.map(described(topic), ({ partitions: all }) => ({ topic, partitions: all.length }))
    const { partitions: all, topicId } = yield* described(input)
    const outputs = yield* target(output)
    const deadLetters = deadLetterTopic === undefined ? undefined : yield* target(deadLetterTopic)
    const owners = partitions.map((partition) =>
      runOwner(env, generation, {
        mapping: env.mapping,
        input: { topic: input, partition, partitions: all.length },
        output: outputs,
        deadLetters
      })
    )
    const running = Effect.zipRight(Effect.all(owners, { concurrency: "unbounded", discard: true }), Effect.never)
    return yield* Effect.raceFirst(running, watchTopicId(input, topicId))
  })

/** A partition's queue and its owner. It ends only where the owner is told to end. */
const runOwner = (env: Assigned, generation: number, route: Route): Effect.Effect<void, never, Admin | Transactions> =>
  Effect.gen(function*() {
    const { membership, settings } = env
    const { partition, topic } = route.input
    const limits = { records: settings.config.blockingQueueSize, sliceRecords: settings.config.maxPollRecords }
    const { metrics, offer, queue } = yield* openQueue(topic, partition, limits, env.budget)
    env.runners.set(partition, { generation, offer })
    const end = env.ends.get(partition)
    const owner = yield* Effect.forkScoped(transformPartition({ settings, route, metrics, membership, queue, end }))
    env.owners.set(partition, owner)
    owner.addObserver(() => {
      if (env.owners.get(partition) === owner) env.owners.delete(partition)
    })
    const exit = yield* Fiber.await(owner)
    if (Exit.isInterrupted(exit)) return
    const held = yield* Effect.flip(exit)
    env.stopped.set(partition, held)
    yield* sayStopped(`partition ${topic}-${partition}`, held)
  }).pipe(
    Effect.scoped,
    Effect.annotateLogs({ thread: `${route.input.topic}-${route.input.partition}`, logger: "tributary.Partition" })
  )

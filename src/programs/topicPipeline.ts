import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type Config, groupOf, tableOf } from "../domain/Config.js"
import { Admin } from "../layers/Admin.js"
import { Consumer, type GroupEvent, type KafkaRefused, type Membership } from "../layers/Consumer.js"
import { Destination, type DestinationRefused } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { deliverTo, foldAssignments, forkWatched, openQueue, type Runner } from "./assignment.js"
import { awaitTopic, makeSameLife, watchTopicId } from "./awaitTopic.js"
import { makeTopicEncoders, type TopicEncoders } from "./encoders.js"
import { faultPoint } from "./faultPoint.js"
import { firstOffset } from "./firstOffset.js"
import { Held, sayStopped, toHeld } from "./held.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"
import { runPartition } from "./partition.js"
import type { PartitionEnv } from "./PartitionEnv.js"
import type { ByteBudget } from "./PartitionQueue.js"

/** How often Kafka is told the committed offsets: for lag tools only, so once a second is plenty. */
const advisoryCommitEvery = "1 second"
const advisoryRoundsBetweenAll = 30
/** Without an event: whether what stopped the topic is cured. */
const lookAgainEvery = "30 seconds"

/** How far this instance is with the partitions of a topic that it holds. */
export interface TopicProgress {
  /** Stored offsets as this instance has committed them. */
  readonly positions: Map<number, bigint>
  /** Those that cannot go on without a person, and why. */
  readonly stopped: Map<number, Held>
}

/** What all assignments of one topic share. */
interface TopicEnv {
  readonly config: Config
  readonly topic: string
  readonly group: string
  readonly table: string
  readonly backoff: Backoff
  readonly budget: ByteBudget
  readonly progress: TopicProgress
  /** The partitions assigned now. Replaced as a whole by each assignment. */
  readonly runners: Map<number, Runner>
  readonly encoders: TopicEncoders
}

type Services = Admin | Consumer | Destination | SchemaRegistry

/**
 * One topic: one membership in its group, one queue and one writer per assigned partition. Only the fold below decides
 * what runs; the client's callbacks just report. Fails only when the client is beyond repair.
 */
export const runTopic = (
  config: Config,
  topic: string,
  budget: ByteBudget,
  progress: TopicProgress
): Effect.Effect<never, KafkaRefused, Services> =>
  Effect.gen(function*() {
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const consumer = yield* Consumer
    yield* awaitTopic(config, topic, backoff)
    const table = tableOf(config, topic)
    const encoders = yield* makeTopicEncoders(config, topic)
    const env: TopicEnv = {
      config,
      topic,
      group: groupOf(config, topic),
      table,
      backoff,
      budget,
      progress,
      runners: new Map(),
      encoders
    }
    const join = consumer.join({ topic, group: env.group, onBatch: deliverTo(env.runners) })
    const membership = yield* throughOutage("Kafka", backoff, join, unavailable)
    const broken = yield* Deferred.make<never>()
    if (config.kafkaCommitAdvisory) yield* forkWatched(broken, commitAdvisory(env, membership))
    return yield* Effect.raceFirst(
      foldAssignments(membership, env.runners, broken, (event) => runAssignment(env, membership, event)),
      Deferred.await(broken)
    )
  }).pipe(Effect.scoped, Effect.annotateLogs({ thread: topic, logger: "tributary.Topic" }))

const runAssignment = (
  env: TopicEnv,
  membership: Membership,
  event: GroupEvent
): Effect.Effect<void, never, Admin | Destination> =>
  Effect.gen(function*() {
    // Others may have gone on by now.
    env.progress.positions.clear()
    env.progress.stopped.clear()
    if (event._tag === "Lost") {
      return yield* Effect.logInfo(`partitions lost: ${event.reason} [generation=${event.generation}]`)
    }
    const { generation, partitions } = event
    yield* Effect.logInfo(
      `partitions assigned: ${partitions.join(", ") || "none"} [group=${env.group} generation=${generation}]`
    )
    if (partitions.length === 0) return
    yield* faultPoint("assigned")
    let said = ""
    while (true) {
      const error = yield* Effect.flip(runPartitions(env, membership, partitions, generation))
      if (error.message !== said) yield* Effect.logError(`topic ${env.topic} is stopped: ${error.message}`)
      said = error.message
      for (const partition of partitions) env.progress.stopped.set(partition, toHeld(error))
      yield* Effect.sleep(lookAgainEvery) // a grant or a table may have been given meanwhile
      env.progress.stopped.clear()
    }
  })

/** Runs the writers of all partitions; fails with what concerns the topic as a whole. */
const runPartitions = (
  env: TopicEnv,
  membership: Membership,
  partitions: ReadonlyArray<number>,
  generation: number
): Effect.Effect<never, KafkaRefused | DestinationRefused | Held, Admin | Destination> =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const admin = yield* Admin
    const source = Effect.gen(function*() {
      const { clusterId, topicId } = yield* admin.describeTopic(env.topic)
      // With the table: two processes that read one group into two tables would each get half of the records.
      const pipeline = `${env.config.pipelineName} into ${env.table}`
      const id = yield* destination.source({ clusterId, topicId, topic: env.topic, group: env.group, pipeline })
      return { id, topicId }
    })
    const { id, topicId } = yield* throughOutage("source", env.backoff, source, unavailable)
    const begin = yield* throughOutage("first offsets", env.backoff, firstOffset(env, id), unavailable)
    const sameLife = makeSameLife(env.topic, topicId, env.backoff)
    const writers = partitions.map((partition) => {
      const initial = begin(partition)
      if (!(initial instanceof Held)) {
        return runQueued(env, membership, { partition, generation, sourceId: id, initial, sameLife })
      }
      env.progress.stopped.set(partition, initial)
      return sayStopped(`partition ${env.topic}-${partition}`, initial)
    })
    const all = Effect.zipRight(Effect.all(writers, { concurrency: "unbounded", discard: true }), Effect.never)
    return yield* Effect.raceFirst(all, watchTopicId(env.topic, topicId))
  })

/** A partition's queue, the two lines about it, and its writer. */
const runQueued = (
  env: TopicEnv,
  membership: Membership,
  assigned: {
    readonly partition: number
    readonly generation: number
    readonly sourceId: number
    readonly initial: bigint
    readonly sameLife: PartitionEnv["sameLife"]
  }
): Effect.Effect<never, never, Admin | Destination> =>
  Effect.gen(function*() {
    const { generation, partition } = assigned
    const limits = { records: env.config.blockingQueueSize, sliceRecords: env.config.maxPollRecords }
    const { metrics, offer, queue } = yield* openQueue(env.topic, partition, limits, env.budget)
    env.runners.set(partition, { generation, offer })
    return yield* runPartition({
      config: env.config,
      topic: env.topic,
      group: env.group,
      membership,
      queue,
      encoders: env.encoders,
      ...assigned,
      metrics,
      onCommitted: (position, records) => {
        env.progress.positions.set(partition, position)
        metrics.committed(records, position)
      },
      onStopped: (held) => env.progress.stopped.set(partition, held)
    })
  }).pipe(
    Effect.scoped,
    Effect.annotateLogs({ thread: `${env.topic}-${assigned.partition}`, logger: "tributary.Partition" })
  )

/** Tells lag tools what has moved, and now and then everything again: nobody looks whether a commit has arrived. */
const commitAdvisory = ({ progress: { positions } }: TopicEnv, membership: Membership): Effect.Effect<void> => {
  const told = new Map<number, bigint>()
  let rounds = 0
  const tell = Effect.suspend(() => {
    if (rounds++ % advisoryRoundsBetweenAll === 0) told.clear()
    const moved = [...positions].filter(([partition, offset]) => told.get(partition) !== offset)
    for (const [partition, offset] of moved) told.set(partition, offset)
    return moved.length === 0
      ? Effect.void
      : Effect.ignore(membership.commit(moved.map(([partition, offset]) => ({ partition, offset }))))
  })
  return tell.pipe(Effect.schedule(Schedule.spaced(advisoryCommitEvery)), Effect.ensuring(tell), Effect.asVoid)
}

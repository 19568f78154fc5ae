import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Mailbox from "effect/Mailbox"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type Config, groupOf, tableOf } from "../domain/Config.js"
import type { FetchedBatch } from "../domain/KafkaRecord.js"
import { Admin, type TopicDescription } from "../layers/Admin.js"
import { Consumer, type GroupEvent, type KafkaRefused, type Membership } from "../layers/Consumer.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { logBackpressure } from "./backpressureLog.js"
import { makeTopicEncoders, type TopicEncoders } from "./encoders.js"
import { firstOffset } from "./firstOffset.js"
import { partitionMetrics } from "./metrics.js"
import { type Backoff, throughOutage } from "./outage.js"
import { runPartition } from "./partition.js"
import { type ByteBudget, makePartitionQueue, type PartitionQueue, type Transition } from "./PartitionQueue.js"

/** How often Kafka is told the committed offsets: for lag tools only, so once a second is plenty. */
const advisoryCommitEvery = "1 second"
const unavailable = ["DestinationUnavailable", "KafkaUnavailable", "TopicMissing"] as const

interface Runner {
  readonly generation: number
  readonly offer: PartitionQueue["offer"]
}

/** What all assignments of one topic share. */
interface TopicEnv {
  readonly config: Config
  readonly topic: string
  readonly group: string
  readonly table: string
  readonly backoff: Backoff
  readonly budget: ByteBudget
  /** Stored offsets as this instance has committed them, by `topic-partition`. */
  readonly positions: Map<string, bigint>
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
  positions: Map<string, bigint>
): Effect.Effect<never, KafkaRefused, Services> =>
  Effect.gen(function*() {
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const consumer = yield* Consumer
    yield* describe(config, topic, backoff)
    const table = tableOf(config, topic)
    const encoders = yield* makeTopicEncoders(config, topic, table)
    const env: TopicEnv = {
      config,
      topic,
      group: groupOf(config, topic),
      table,
      backoff,
      budget,
      positions,
      runners: new Map(),
      encoders
    }
    const onBatch = (batch: FetchedBatch) => {
      const runner = env.runners.get(batch.partition)
      return runner?.generation === batch.generation ? runner.offer(batch) : "pause"
    }
    const join = consumer.join({ topic, group: env.group, onBatch })
    const membership = yield* throughOutage("Kafka", backoff, join, unavailable)
    const broken = yield* Deferred.make<never>()
    if (config.kafkaCommitAdvisory) yield* forkWatched(broken, commitAdvisory(env, membership))
    return yield* Effect.raceFirst(foldAssignments(env, membership, broken), Deferred.await(broken))
  }).pipe(Effect.scoped, Effect.annotateLogs({ thread: topic, logger: "tributary.Topic" }))

/** A bug in a fiber that nobody waits for must end the topic, and with it the process, instead of stopping it silently. */
const forkWatched = <A, R>(broken: Deferred.Deferred<never>, effect: Effect.Effect<A, never, R>) =>
  Effect.forkScoped(
    Effect.onError(effect, (cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Deferred.failCause(broken, cause))
  )

/** Waits until the topic is there: the consumer may well be started before its first producer. */
const describe = (
  config: Config,
  topic: string,
  backoff: Backoff
): Effect.Effect<TopicDescription, KafkaRefused, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const cure = `create it: kafka-topics.sh --bootstrap-server ${
      config.bootstrapServers[0] ?? ""
    } --create --topic ${topic} --partitions 3`
    const described = admin.describeTopic(topic).pipe(
      Effect.tapErrorTag("TopicMissing", () => Effect.logDebug(`topic ${topic} is missing`))
    )
    return yield* throughOutage(`topic ${topic} (if missing, ${cure})`, backoff, described, unavailable)
  })

/** Every event replaces the assignment as a whole; of several that have piled up only the last one counts. */
const foldAssignments = (
  env: TopicEnv,
  membership: Membership,
  broken: Deferred.Deferred<never>
): Effect.Effect<never, KafkaRefused, Admin | Destination | Scope.Scope> =>
  Effect.gen(function*() {
    let running: Fiber.RuntimeFiber<unknown> | undefined
    while (true) {
      const [events] = yield* membership.events.takeAll
      const last = Array.from(events).at(-1)
      if (last === undefined) return yield* Effect.never // the scope is closing
      env.runners.clear()
      // The running transactions finish first: afterwards only other processes can be the ones to fence.
      if (running !== undefined) yield* Fiber.interrupt(running)
      running = yield* forkWatched(broken, runAssignment(env, membership, last))
    }
  })

const runAssignment = (
  env: TopicEnv,
  membership: Membership,
  event: GroupEvent
): Effect.Effect<void, never, Admin | Destination> =>
  event._tag === "Lost"
    ? Effect.logInfo(`partitions lost: ${event.reason} [generation=${event.generation}]`)
    : Effect.gen(function*() {
      const { generation, partitions } = event
      yield* Effect.logInfo(
        `partitions assigned: ${partitions.join(", ") || "none"} [group=${env.group} generation=${generation}]`
      )
      if (partitions.length === 0) return
      const destination = yield* Destination
      const admin = yield* Admin
      const source = Effect.gen(function*() {
        const { clusterId, topicId } = yield* admin.describeTopic(env.topic)
        const identity = { clusterId, topicId, topic: env.topic, group: env.group, pipeline: env.config.pipelineName }
        return yield* destination.source(identity)
      })
      const sourceId = yield* throughOutage("source", env.backoff, source, unavailable)
      const begin = yield* throughOutage("first offsets", env.backoff, firstOffset(env, sourceId), unavailable)
      const fibers = partitions.map((partition) =>
        Effect.gen(function*() {
          const initial = begin(partition)
          if (typeof initial !== "bigint") return yield* initial
          yield* runQueued(env, membership, { partition, generation, sourceId, initial })
        }).pipe(
          Effect.catchTag(
            "Held",
            (held) => Effect.logError(`partition ${env.topic}-${partition} is stopped: ${held.message}`)
          )
        )
      )
      yield* Effect.all(fibers, { concurrency: "unbounded", discard: true })
    }).pipe(
      Effect.catchAll((error) => Effect.logError(`topic ${env.topic} is stopped: ${error.message}`))
    )

/** A partition's queue, the two lines about it, and its writer. */
const runQueued = (
  env: TopicEnv,
  membership: Membership,
  assigned: {
    readonly partition: number
    readonly generation: number
    readonly sourceId: number
    readonly initial: bigint
  }
): Effect.Effect<never, never, Admin | Destination> =>
  Effect.gen(function*() {
    const { generation, partition } = assigned
    const transitions = yield* Mailbox.make<Transition>({ capacity: 1024, strategy: "sliding" })
    const metrics = partitionMetrics(env.topic, partition)
    const clock = yield* Effect.clock
    let blockedSince = 0
    const queue = makePartitionQueue(
      { records: env.config.blockingQueueSize, sliceRecords: env.config.maxPollRecords },
      env.budget,
      (transition) => {
        transitions.unsafeOffer(transition)
        const now = clock.unsafeCurrentTimeMillis()
        if (transition.to === "flowing") return metrics.resumed(now - blockedSince)
        blockedSince = now
        metrics.paused()
      }
    )
    const offer = (batch: FetchedBatch) => {
      const answer = queue.offer(batch)
      metrics.queued(queue.queuedRecords(), queue.backlogRecords())
      return answer
    }
    env.runners.set(partition, { generation, offer })
    yield* Effect.forkScoped(logBackpressure(env.topic, partition, transitions))
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
        env.positions.set(`${env.topic}-${partition}`, position)
        metrics.committed(records, position)
      }
    })
  }).pipe(
    Effect.scoped,
    Effect.annotateLogs({ thread: `${env.topic}-${assigned.partition}`, logger: "tributary.Partition" })
  )

const commitAdvisory = ({ positions, runners, topic }: TopicEnv, membership: Membership): Effect.Effect<void> => {
  const told = new Map<number, bigint>()
  return Effect.suspend(() => {
    const offsets = [...runners.keys()].flatMap((partition) => {
      const offset = positions.get(`${topic}-${partition}`)
      return offset === undefined || told.get(partition) === offset ? [] : [{ partition, offset }]
    })
    for (const { offset, partition } of offsets) told.set(partition, offset)
    return offsets.length === 0 ? Effect.void : membership.commit(offsets)
  }).pipe(Effect.schedule(Schedule.spaced(advisoryCommitEvery)), Effect.asVoid)
}

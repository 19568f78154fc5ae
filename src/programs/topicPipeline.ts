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
import { Destination, type DestinationRefused } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import { logBackpressure } from "./backpressureLog.js"
import { makeTopicEncoders, type TopicEncoders } from "./encoders.js"
import { firstOffset } from "./firstOffset.js"
import { Held, recreated, sayStopped } from "./held.js"
import { partitionMetrics } from "./metrics.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"
import { runPartition } from "./partition.js"
import { type ByteBudget, makePartitionQueue, type PartitionQueue, type Transition } from "./PartitionQueue.js"

/** How often Kafka is told the committed offsets: for lag tools only, so once a second is plenty. */
const advisoryCommitEvery = "1 second"
const advisoryRoundsBetweenAll = 30
/** Without an event: whether the topic is still the same one, and whether what stopped it is cured. */
const lookAgainEvery = "30 seconds"

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
  /** Stored offsets as this instance has committed them, of the partitions that it holds. */
  readonly positions: Map<number, bigint>
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
  positions: Map<number, bigint>
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
      env.positions.clear() // others may have gone on by now
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
      let said = ""
      while (true) {
        const error = yield* Effect.flip(runPartitions(env, membership, partitions, generation))
        if (error.message !== said) yield* Effect.logError(`topic ${env.topic} is stopped: ${error.message}`)
        said = error.message
        yield* Effect.sleep(lookAgainEvery) // a grant or a table may have been given meanwhile
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
    const writers = partitions.map((partition) => {
      const initial = begin(partition)
      return initial instanceof Held
        ? sayStopped(`partition ${env.topic}-${partition}`, initial)
        : runQueued(env, membership, { partition, generation, sourceId: id, initial })
    })
    const all = Effect.zipRight(Effect.all(writers, { concurrency: "unbounded", discard: true }), Effect.never)
    return yield* Effect.raceFirst(all, watchTopicId(env, topicId))
  })

/**
 * Fails when the topic has begun another life. A fetch tells that too, but while all partitions are paused there is none,
 * and the new log may have grown beyond the position by then.
 */
const watchTopicId = (env: TopicEnv, before: string): Effect.Effect<never, Held, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    while (true) {
      yield* Effect.sleep(lookAgainEvery)
      const now = yield* Effect.option(admin.describeTopic(env.topic))
      if (now._tag === "None" || now.value.topicId === "" || before === "") continue
      if (now.value.topicId !== before) return yield* recreated(env.topic, before, now.value.topicId)
    }
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
    yield* Effect.addFinalizer(() => Effect.sync(queue.close))
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
        env.positions.set(partition, position)
        metrics.committed(records, position)
      }
    })
  }).pipe(
    Effect.scoped,
    Effect.annotateLogs({ thread: `${env.topic}-${assigned.partition}`, logger: "tributary.Partition" })
  )

/** Tells lag tools what has moved, and now and then everything again: nobody looks whether a commit has arrived. */
const commitAdvisory = ({ positions }: TopicEnv, membership: Membership): Effect.Effect<void> => {
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

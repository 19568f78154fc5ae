import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Mailbox from "effect/Mailbox"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as KafkaJs from "kafkajs"
import { type GroupEvent, type JoinOptions, KafkaRefused, type Membership } from "../Consumer.js"
import type { InstanceLock } from "../InstanceLock.js"
import { type BrokerHooks, hookCluster } from "./brokers.js"
import { clientConfig, connectWithin, disconnectWithin, patient } from "./client.js"
import { classify, type KafkaError, messageOf, typeOf, unavailable } from "./errors.js"
import { makeFetch } from "./fetching.js"
import { type FetchPlan, GroupSession } from "./GroupSession.js"
import { removeDeadMembers } from "./instance.js"
import type { Broker, Cluster } from "./internals.js"
import type { KafkaConsumerOptions } from "./KafkaConsumer.js"
import { kafkajs } from "./library.js"
import { logReport, makeClientLog } from "./log.js"
import { rangesAt } from "./ranges.js"
import { makeSockets, type Sockets } from "./sockets.js"
import { unsupportedVersion } from "./versions.js"

/** Of one fetch of all partitions that one broker leads. kafkajs's default. */
const fetchMaxBytes = 10 * 1024 * 1024
/** How often new partitions and other changes of the topic are looked for. */
const metadataMaxAgeMs = 60_000
/** An advisory commit that takes longer is given up; the next one says more anyway. */
const commitWithin = "5 seconds"
/** How long a join that is under way at closing may take to become a member that can leave. */
const settleWithin = "4 seconds"

/** The answers to a heartbeat after which kafkajs joins again; after others it sends the next one. */
const rejoining = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "NOT_COORDINATOR_FOR_GROUP"
])

/** One kafkajs consumer, from connecting to leaving the group. */
export const makeMembership = (
  options: KafkaConsumerOptions,
  join: JoinOptions,
  lock: InstanceLock["Type"]
): Effect.Effect<Membership, KafkaError, Scope.Scope> =>
  Effect.gen(function*() {
    const { group, topic } = join
    const { brokers } = options
    // kafkajs sends heartbeats between fetches only, so that a longer wait would delay them.
    const waitMs = Math.min(options.pollIntervalMs, options.heartbeatIntervalMs)
    const run = yield* FiberSet.makeRuntime()
    const runtime = yield* Effect.runtime()
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    const sockets = makeSockets((report) => run(logReport(report)))
    const ownMemberId = yield* Deferred.make<string>()
    let closed = false
    let joined: { readonly broker: Broker; readonly generationId: number; readonly memberId: string } | undefined

    const session = new GroupSession(join, {
      event: (event) => events.unsafeOffer(event),
      die: (defect) => events.unsafeDone(Exit.die(defect))
    })
    const hooks: BrokerHooks = {
      onJoining: () => session.lost("this member joins again"),
      onMemberId: async (memberId) => {
        await Runtime.runPromise(runtime)(lock.record({ group, memberId }))
        Deferred.unsafeDone(ownMemberId, Exit.succeed(memberId))
      },
      onJoined: (broker, { generationId, memberId }) => {
        joined = { broker, generationId, memberId }
      },
      onLeft: (memberId) => run(lock.forget({ group, memberId })),
      onHeartbeat: () => {
        const heartbeat = session.heartbeat()
        return (error) => {
          if (error === undefined) return heartbeat.accepted()
          const type = typeOf(error)
          if (type !== undefined && rejoining.has(type)) heartbeat.lost(messageOf(error))
        }
      },
      fetch: makeFetch({
        session,
        idle: () => Runtime.runPromise(runtime)(idle(session, waitMs)),
        onOutOfRange: (broker, plan, partition) => {
          session.pause(partition)
          run(lookAtGap(session, broker, topic, plan, partition))
        }
      })
    }
    const log = makeClientLog(run)
    const kafka = new kafkajs.Kafka({
      ...clientConfig(options, sockets),
      logLevel: kafkajs.logLevel.WARN,
      logCreator: () => (entry) => closed ? undefined : log(entry)
    })
    let cluster: Cluster | undefined
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: options.sessionTimeoutMs,
      // How long the coordinator waits for the others to join again. Nothing here holds up a join (no handler waits), so
      // that a member which takes longer is as good as dead.
      rebalanceTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      maxWaitTimeInMs: waitMs,
      maxBytesPerPartition: options.fetchMaxBytesPerPartition,
      maxBytes: fetchMaxBytes,
      metadataMaxAge: metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      retry: { ...patient, restartOnFailure: () => Promise.resolve(!closed) },
      partitionAssigners: [(own) => {
        // The one place where kafkajs hands out the cluster of a consumer.
        cluster = hookable(own.cluster)
        hookCluster(cluster, hooks)
        return kafkajs.PartitionAssigners.roundRobin(own)
      }]
    })
    const refused = (error: unknown): KafkaRefused => {
      const known = classify(brokers, `consume ${topic} as group ${group}`, error)
      return known._tag === "KafkaRefused"
        ? known
        : new KafkaRefused({ what: known.message, cure: "this is unexpected: please report it", cause: error })
    }
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      if (!closed) session.joined(payload.memberAssignment[topic] ?? [])
    })
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (closed) return
      session.lost(messageOf(error))
      if (!restart) events.unsafeDone(Exit.fail(refused(error)))
    })

    let running: Promise<void> = Promise.resolve()
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        closed = true
        session.close()
        return leave(consumer, () => running, sockets)
      }).pipe(Effect.ensuring(events.end))
    )
    const attempt = <A>(doing: string, promise: () => Promise<A>) =>
      Effect.tryPromise({ try: promise, catch: (error) => classify(brokers, doing, error) })
    yield* attempt("connect", () => consumer.connect()).pipe(
      Effect.timeoutFail({
        duration: connectWithin,
        onTimeout: () => unavailable(brokers, new Error(`no answer within ${connectWithin}`))
      })
    )
    const seed = cluster?.brokerPool.seedBroker
    const unsupported = seed === undefined ? undefined : unsupportedVersion(seed)
    if (unsupported !== undefined) return yield* unsupported
    yield* attempt(`read topic ${topic}`, () => consumer.subscribe({ topics: [topic], fromBeginning: true }))
    running = consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async () => {
        events.unsafeDone(Exit.die(new Error("kafkajs has fetched by itself")))
      }
    }).catch((error: unknown) => {
      events.unsafeDone(Exit.fail(refused(error)))
    })
    const dead = lock.deadMembers.flatMap((member) => (member.group === group ? [member.memberId] : []))
    if (dead.length > 0) run(removeDeadMembers(options, group, dead, ownMemberId))

    return {
      events,
      seek: (partition, offset) => Effect.sync(() => session.seek(partition, offset)),
      pause: (partition) => Effect.sync(() => session.pause(partition)),
      resume: (partition) => Effect.sync(() => session.resume(partition)),
      confirmed: Effect.async<void>((resume) => Effect.sync(session.onConfirmed(() => resume(Effect.void)))),
      commit: (offsets) =>
        Effect.suspend(() => {
          const partitions = offsets.flatMap(({ offset, partition }) =>
            session.holds(partition) && offset >= 0n ? [{ partition, offset: String(offset) }] : []
          )
          if (joined === undefined || partitions.length === 0) return Effect.void
          const { broker, generationId, memberId } = joined
          const request = { groupId: group, groupGenerationId: generationId, memberId, topics: [{ topic, partitions }] }
          return Effect.tryPromise(() => broker.offsetCommit(request)).pipe(
            Effect.timeout(commitWithin),
            // For lag tools only, and the next one replaces it: whatever the reason, nothing depends on it.
            Effect.catchAll((error) =>
              Effect.logDebug(`offsets of ${group} were not told to Kafka: ${messageOf(error)}`)
            ),
            Effect.asVoid
          )
        })
    }
  })

/** Leaves the group and disconnects; at the deadline the sockets are destroyed, and the session time-out does the rest. */
const leave = (consumer: KafkaJs.Consumer, running: () => Promise<void>, sockets: Sockets): Effect.Effect<void> =>
  Effect.gen(function*() {
    // kafkajs goes on consuming if it is disconnected before `run` is through (tulios/kafkajs#1639).
    yield* Effect.timeoutOption(Effect.promise(running), settleWithin)
    yield* Effect.tryPromise(() => consumer.disconnect())
  }).pipe(
    Effect.interruptible,
    Effect.timeout(disconnectWithin),
    Effect.catchAll((error) => Effect.logDebug(`the Kafka consumer was cut off: ${messageOf(error)}`)),
    Effect.ensuring(Effect.sync(sockets.destroy))
  )

/** A broker all of whose partitions are paused: until one is resumed, or a heartbeat may be due. */
const idle = (session: GroupSession, waitMs: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => Effect.sync(session.onResume(() => resume(Effect.void)))).pipe(
    Effect.timeoutOption(waitMs),
    Effect.asVoid
  )

/** Tells the program where the log stands, or goes on where the position is in range after all. */
const lookAtGap = (
  session: GroupSession,
  broker: Broker,
  topic: string,
  plan: FetchPlan,
  partition: number
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const offset = plan.offsets.get(partition)
    const ranges = yield* Effect.tryPromise(() => rangesAt(broker, topic, [partition]))
    const range = ranges.find((found) => found.partition === partition)
    if (range === undefined || offset === undefined) return
    if (offset < range.low) return session.deliverGap(plan, partition, range.low)
    if (offset > range.end) return session.deliverGap(plan, partition, range.end)
    // A leader that has just been elected may not know its end yet. Not at once again: it would be a busy loop.
    yield* Effect.sleep("1 second")
    if (session.position(partition) === offset) session.resume(partition)
  }).pipe(
    Effect.retry({
      schedule: Schedule.spaced("1 second"),
      while: () => session.position(partition) === plan.offsets.get(partition)
    }),
    Effect.catchAll(() => Effect.void)
  )

const hookable = (cluster: unknown): Cluster => {
  if (isCluster(cluster)) return cluster
  throw new Error("kafkajs has handed out something else than its cluster")
}
const isCluster = (value: unknown): value is Cluster =>
  typeof value === "object" && value !== null && "brokerPool" in value && "findBroker" in value

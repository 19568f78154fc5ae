import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Mailbox from "effect/Mailbox"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type * as KafkaJs from "kafkajs"
import { CommitFailed, type GroupEvent, type JoinOptions, type KafkaRefused, type Membership } from "../Consumer.js"
import type { InstanceLock } from "../InstanceLock.js"
import type { BrokerHooks } from "./brokers.js"
import { connectWithin, disconnectWithin, type KafkaConsumerOptions } from "./client.js"
import { classify, type KafkaError, messageOf, typeOf, unavailable } from "./errors.js"
import { limitsOf } from "./fetchResponse.js"
import { makeFetch } from "./fetching.js"
import { lookAtGap, tryAgain } from "./gap.js"
import { fetchWaitMs, type GroupClient, makeGroupClient } from "./groupClient.js"
import { GroupSession } from "./GroupSession.js"
import { removeDeadMembers } from "./instance.js"
import type { Broker } from "./internals.js"
import { logReport, makeClientLog } from "./log.js"
import { beforeJoining } from "./revoking.js"
import { makeSockets, type Sockets } from "./sockets.js"
import { unsupportedVersion } from "./versions.js"

/** A commit that takes longer has an unknown outcome. */
const commitWithin = "5 seconds"
/** How long a join that is under way at closing may take to become a member that can leave. */
const settleWithin = "4 seconds"

/** Before kafkajs is started again where it would not by itself. */
const restartAfter = "1 second"

/**
 * The answers after which kafkajs joins again; after others it goes on. A member that is told of a rebalance, or has to
 * look for its coordinator, is still one until it joins; an evicted one is not.
 */
const rebalancing = new Set(["REBALANCE_IN_PROGRESS", "NOT_COORDINATOR_FOR_GROUP"])
const evicted = new Set(["ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"])

/** What the coordinator knows this member by. */
interface Member {
  readonly coordinator: Broker
  readonly generationId: number
  readonly memberId: string
}

/** What the parts of one membership share. */
interface Env {
  readonly options: KafkaConsumerOptions
  readonly join: JoinOptions
  readonly lock: InstanceLock["Type"]
  readonly session: GroupSession
  readonly events: Mailbox.Mailbox<GroupEvent, KafkaRefused>
  readonly sockets: Sockets
  readonly ownMemberId: Deferred.Deferred<string>
  /** Starts an effect from a callback; it ends with the membership. */
  readonly run: (effect: Effect.Effect<void>) => void
  readonly runPromise: (effect: Effect.Effect<void>) => Promise<void>
  closed: boolean
  member: Member | undefined
  /** Settles when what is to be done before the member joins again is done. */
  revoking: Promise<void>
  /** Settles when the first join is through. */
  running: Promise<void>
}

/** One kafkajs consumer, from connecting to leaving the group. */
export const makeMembership = (
  options: KafkaConsumerOptions,
  join: JoinOptions,
  lock: InstanceLock["Type"]
): Effect.Effect<Membership, KafkaError, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* FiberSet.makeRuntime()
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    const env: Env = {
      options,
      join,
      lock,
      session: new GroupSession(join, {
        event: (event) => events.unsafeOffer(event),
        die: (defect) => events.unsafeDone(Exit.die(defect))
      }),
      events,
      sockets: makeSockets((report) => run(logReport(report))),
      ownMemberId: yield* Deferred.make<string>(),
      run,
      runPromise: Runtime.runPromise(yield* Effect.runtime()),
      closed: false,
      member: undefined,
      revoking: Promise.resolve(),
      running: Promise.resolve()
    }
    const client = makeGroupClient(options, {
      group: join.group,
      hooks: hooksOf(env),
      sockets: env.sockets,
      log: makeClientLog(run),
      isClosed: () => env.closed
    })
    yield* Effect.addFinalizer(() => close(env, client))
    yield* connect(env, client)
    start(env, client)
    run(removeDeadMembers(options, join.group, lock, env.ownMemberId))
    return membershipOf(env)
  })

const hooksOf = (env: Env): BrokerHooks => {
  const { join: { group, topic }, session } = env
  return {
    onJoining: async () => {
      revoke(env, "this member joins again")
      await env.revoking
      session.joining()
    },
    onMemberId: async (memberId) => {
      await env.runPromise(env.lock.record({ group, memberId }))
      Deferred.unsafeDone(env.ownMemberId, Exit.succeed(memberId))
    },
    onJoined: (coordinator, { generationId, memberId }) => {
      env.member = { coordinator, generationId, memberId }
    },
    onLeft: (memberId) => env.runPromise(env.lock.forget({ group, memberId })),
    onHeartbeat: () => {
      const heartbeat = session.heartbeat()
      return (error) => {
        if (error === undefined) return heartbeat.accepted()
        if (!heartbeat.isCurrent()) return
        const type = typeOf(error)
        if (type !== undefined && rebalancing.has(type)) revoke(env, messageOf(error))
        if (type !== undefined && evicted.has(type)) session.lost(messageOf(error))
      }
    },
    mustJoin: () => !env.closed && session.mustJoin(),
    fetch: makeFetch({
      session,
      isolation: env.join.isolation ?? "read_committed",
      limits: limitsOf(env.options.fetchMaxBytesPerPartition),
      onStale: (reason) => revoke(env, reason),
      yieldTurn: () => env.runPromise(Effect.sleep(0)),
      idle: () => env.runPromise(idle(session, fetchWaitMs(env.options))),
      onOutOfRange: (broker, plan, partition) => {
        session.pause(partition)
        env.run(lookAtGap(session, broker, topic, plan, partition))
      },
      onFailure: (plan, partition, error) => {
        session.pause(partition)
        const told = Effect.logWarning(`${topic}-${partition} cannot be fetched now: ${error.message}`)
        env.run(Effect.zipRight(told, tryAgain(session, plan, partition)))
      }
    })
  }
}

/** Ends the generation, and begins what has to be done before the member joins again. Does it once. */
const revoke = (env: Env, reason: string): void => {
  const { join: { onRevoked }, options, session } = env
  const partitions = session.holdsAny() ? session.revoke(reason) : []
  if (partitions.length === 0 || onRevoked === undefined) return
  env.revoking = env.runPromise(
    Effect.catchAllCause(
      beforeJoining(options, onRevoked(partitions)),
      (cause) => Effect.sync(() => void env.events.unsafeDone(Exit.failCause(cause)))
    )
  )
}

/** A broker all of whose partitions are paused: until one is resumed, or a heartbeat may be due. */
const idle = (session: GroupSession, waitMs: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => Effect.sync(session.onResume(() => resume(Effect.void)))).pipe(
    Effect.timeoutOption(waitMs),
    Effect.asVoid
  )

/** Everything that may fail for `join`; what comes later is retried, or ends the events. */
const connect = (
  { join: { topic }, options: { brokers } }: Env,
  client: GroupClient
): Effect.Effect<void, KafkaError> =>
  Effect.gen(function*() {
    yield* attempt(brokers, "connect", () => client.consumer.connect()).pipe(
      Effect.timeoutFail({
        duration: connectWithin,
        onTimeout: () => unavailable(brokers, new Error(`no answer within ${connectWithin}`))
      })
    )
    const seed = client.seed()
    const unsupported = seed === undefined ? undefined : unsupportedVersion(seed)
    if (unsupported !== undefined) return yield* unsupported
    // From the beginning: the position where kafkajs would read is never used, but it must find one.
    yield* attempt(brokers, `read topic ${topic}`, () =>
      client.consumer.subscribe({ topics: [topic], fromBeginning: true }))
  })

const attempt = (brokers: ReadonlyArray<string>, doing: string, promise: () => Promise<void>) =>
  Effect.tryPromise({ try: promise, catch: (error) => classify(brokers, doing, error) })

const start = (env: Env, { consumer }: GroupClient): void => {
  const { events, join: { group, topic }, options: { brokers }, session } = env
  const fetchItself = async () => {
    events.unsafeDone(Exit.die(new Error("kafkajs has fetched by itself")))
  }
  const run = () =>
    consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: fetchItself }).catch(endOrRestart)
  const restart = Effect.zipRight(
    Effect.sleep(restartAfter),
    Effect.promise(() => env.closed ? Promise.resolve() : (env.running = run()))
  )
  // kafkajs takes some errors of an outage for final, such as no broker that knows the coordinator.
  const endOrRestart = (error: unknown) => {
    const known = classify(brokers, `consume ${topic} as group ${group}`, error)
    if (Predicate.isTagged(known, "KafkaUnavailable")) env.run(restart)
    else events.unsafeDone(Exit.fail(known))
  }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    if (!env.closed) session.joined(payload.memberAssignment[topic] ?? [])
  })
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart: restarts } }) => {
    if (env.closed) return
    session.lost(messageOf(error))
    if (!restarts) endOrRestart(error)
  })
  env.running = run()
}

const membershipOf = (env: Env): Membership => {
  const { events, session } = env
  return {
    events,
    seek: (partition, offset) => Effect.sync(() => session.seek(partition, offset)),
    pause: (partition) => Effect.sync(() => session.pause(partition)),
    resume: (partition) => Effect.sync(() => session.resume(partition)),
    confirmed: Effect.async<void>((resume) => Effect.sync(session.onConfirmed(() => resume(Effect.void)))),
    commit: (offsets) => commit(env, offsets)
  }
}

const commit = (
  { join: { group, topic }, member, session }: Env,
  offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>
): Effect.Effect<void, CommitFailed> =>
  Effect.suspend(() => {
    if (offsets.length === 0) return Effect.void
    const foreign = offsets.find(({ partition }) => !session.mayCommit(partition))
    if (member === undefined || foreign !== undefined) {
      const reason = `${topic}-${foreign?.partition ?? "*"} is not assigned to this member of group ${group} any more`
      return new CommitFailed({ kind: "fenced", reason })
    }
    const { coordinator, generationId, memberId } = member
    const partitions = offsets.map(({ offset, partition }) => ({ partition, offset: String(offset) }))
    const request = { groupId: group, groupGenerationId: generationId, memberId, topics: [{ topic, partitions }] }
    return Effect.tryPromise(() => coordinator.offsetCommit(request)).pipe(
      Effect.timeout(commitWithin),
      Effect.mapError((error) => {
        const type = typeOf(error)
        const fenced = type !== undefined && (type === "REBALANCE_IN_PROGRESS" || evicted.has(type))
        return new CommitFailed({ kind: fenced ? "fenced" : "unavailable", reason: reasonOf(error) })
      }),
      Effect.asVoid
    )
  })

/** Effect wraps what a promise has rejected with. */
const reasonOf = (error: unknown): string =>
  messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)

/** Leaves the group and disconnects; at the deadline the sockets are destroyed, and the session time-out does the rest. */
const close = (env: Env, { consumer }: { readonly consumer: KafkaJs.Consumer }): Effect.Effect<void> =>
  Effect.gen(function*() {
    env.closed = true
    env.session.close()
    // kafkajs goes on consuming if it is disconnected before `run` is through (tulios/kafkajs#1639).
    yield* Effect.timeoutOption(Effect.promise(() => env.running), settleWithin)
    yield* Effect.tryPromise(() => consumer.disconnect())
  }).pipe(
    Effect.interruptible,
    Effect.timeout(disconnectWithin),
    Effect.catchAll((error) => Effect.logDebug(`the Kafka consumer was cut off: ${messageOf(error)}`)),
    Effect.ensuring(Effect.sync(env.sockets.destroy)),
    Effect.ensuring(env.events.end)
  )

import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import type { FetchedBatch } from "../../domain/KafkaRecord.js"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import {
  CommitFailed,
  Consumer,
  type GroupEvent,
  type Isolation,
  type KafkaRefused,
  type KafkaUnavailable,
  type Membership
} from "../../layers/Consumer.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { throughOutage, unavailable } from "../outage.js"
import { type Measures, MemberEvent, type PartitionOffset } from "./memberEvent.js"
import { PartitionBuffer } from "./PartitionBuffer.js"
import { type NoOffset, resetTo, Unreadable } from "./reset.js"

/** Looking up offsets again while no broker answers: a member that waits holds its partitions without reading them. */
const backoff = { baseMs: 100, maxMs: 1000 }

export interface PollerOptions<E> {
  readonly topic: string
  readonly group: string
  readonly isolation: Isolation
  readonly reset: "earliest" | "latest" | "none"
  /** Records buffered per partition at or above which it pauses. */
  readonly bufferRecordsMax: number
  /** Where newly assigned partitions begin. */
  readonly begin: (
    partitions: ReadonlyArray<number>
  ) => Effect.Effect<ReadonlyMap<number, bigint>, E | NoOffset | KafkaUnavailable | KafkaRefused | TopicMissing, Admin>
  readonly report: (event: MemberEvent) => Effect.Effect<void>
  readonly measures: Measures
}

export type PollError = KafkaRefused | NoOffset | Unreadable

/**
 * The Java consumer's view of a membership: everything that happens to it (assignment, revocation, reset) happens in a
 * poll, in the fiber that polls, so that no position changes while a poll's records are in work. `Membership` pushes
 * meanwhile; what it brings waits in buffers.
 */
export interface Poller<E> {
  /** Waits until a poll has something to do, at most `timeoutMs`. Nothing is lost when it is interrupted. */
  readonly ready: (timeoutMs: number) => Effect.Effect<void>
  /**
   * What has happened to the membership since the last time. `onRevoked` runs if partitions are to be given back; what
   * is committed there still counts.
   */
  readonly turn: (onRevoked: Effect.Effect<void, E>) => Effect.Effect<void, E | PollError>
  /** Up to `max` records of the partitions held now, in offset order per partition; positions move behind them. */
  readonly take: (max: number) => Effect.Effect<ReadonlyArray<ConsumerRecord>>
  /** Next offsets to poll of the partitions that are held. */
  readonly positions: () => ReadonlyArray<PartitionOffset>
  /** These records, the last ones of a poll, count as not polled. */
  readonly rewind: (records: ReadonlyArray<ConsumerRecord>) => void
  readonly commit: (offsets: ReadonlyArray<PartitionOffset>) => Effect.Effect<void, CommitFailed>
  /** No poll follows: a revocation waits no longer. */
  readonly close: Effect.Effect<void>
}

interface Held {
  readonly generation: number
  readonly buffers: ReadonlyMap<number, PartitionBuffer>
  /** The generation is over: what is buffered may be handed over to others already. */
  over: boolean
}

interface State {
  held: Held | undefined
  /** In order; not looked at by a poll yet. */
  readonly pending: Array<GroupEvent>
  revoking: { readonly sinceMs: number; readonly done: Deferred.Deferred<void> } | undefined
  joiningSinceMs: number
  /** The membership's end. */
  ended: Exit.Exit<void, KafkaRefused> | undefined
  closed: boolean
  /** Partition that the next poll begins with. */
  turn: number
  wake: () => void
}

interface Env<E> {
  readonly options: PollerOptions<E>
  readonly state: State
  readonly membership: Membership
}

export const makePoller = <E extends { readonly _tag: string; readonly message: string } = never>(
  options: PollerOptions<E>
): Effect.Effect<Poller<E>, KafkaUnavailable | KafkaRefused, Consumer | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    const consumer = yield* Consumer
    const admin = yield* Admin
    const state: State = {
      held: undefined,
      pending: [],
      revoking: undefined,
      joiningSinceMs: yield* elapsedMillis,
      ended: undefined,
      closed: false,
      turn: 0,
      wake: () => {}
    }
    const membership = yield* consumer.join({
      topic: options.topic,
      group: options.group,
      isolation: options.isolation,
      onBatch: (batch) => onBatch(options, state, batch),
      onRevoked: () => onRevoked(state)
    })
    yield* Effect.forkScoped(Effect.interruptible(collect(membership, state)))
    const env = { options, state, membership }
    return {
      ready: (timeoutMs) => ready(state, timeoutMs),
      turn: (beforeRevoked) => Effect.provideService(turn(env, beforeRevoked), Admin, admin),
      take: (max) => take(env, max),
      positions: () => positionsOf(state),
      rewind: (records) => {
        for (const { offset, partition } of records) state.held?.buffers.get(partition)?.rewind(offset)
      },
      commit: (offsets) => commit(env, offsets),
      close: Effect.suspend(() => {
        state.closed = true
        return state.revoking === undefined ? Effect.void : Deferred.succeed(state.revoking.done, undefined)
      })
    }
  })

const onBatch = (
  { measures }: Pick<PollerOptions<never>, "measures">,
  state: State,
  batch: FetchedBatch
): "fetch" | "pause" => {
  // A batch of an older generation is somebody else's by now.
  const buffer = state.held?.generation === batch.generation ? state.held.buffers.get(batch.partition) : undefined
  if (buffer === undefined) return "pause"
  measures.fetched(batch.bytes, batch.records.length)
  const answer = buffer.offer(batch)
  state.wake()
  return answer
}

/** Waits for the poll that gives the partitions back: Java's member rebalances inside of poll, too. */
const onRevoked = (state: State): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (state.closed || state.held === undefined) return
    const done = yield* Deferred.make<void>()
    state.revoking = { sinceMs: yield* elapsedMillis, done }
    state.wake()
    // Where the membership does not wait any longer, what would be committed does not count.
    yield* Effect.onInterrupt(Deferred.await(done), () =>
      Effect.sync(() => {
        if (state.revoking?.done === done) state.revoking = undefined
      }))
  })

const collect = (membership: Membership, state: State): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let done = false; !done;) {
      const [events, ended] = yield* membership.events.takeAll
      for (const event of events) {
        state.pending.push(event)
        if (event._tag === "Lost") state.joiningSinceMs = yield* elapsedMillis
        if (event._tag === "Lost" && state.held !== undefined) state.held.over = true
      }
      done = ended
      state.wake()
    }
  }).pipe(
    Effect.exit,
    Effect.map((exit) => {
      state.ended = exit
      state.wake()
    })
  )

const hasWork = ({ ended, held, pending, revoking }: State): boolean => {
  if (pending.length > 0 || revoking !== undefined || ended !== undefined) return true
  if (held === undefined || held.over) return false
  for (const buffer of held.buffers.values()) {
    if (!buffer.isEmpty || buffer.strayed || buffer.unreadable !== undefined) return true
  }
  return false
}

const ready = (state: State, timeoutMs: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    state.wake = () => {
      if (hasWork(state)) resume(Effect.void)
    }
    state.wake()
    return Effect.sync(() => {
      state.wake = () => {}
    })
  }).pipe(Effect.timeoutOption(timeoutMs), Effect.asVoid)

const turn = <E extends { readonly _tag: string; readonly message: string }>(
  env: Env<E>,
  beforeRevoked: Effect.Effect<void, E>
): Effect.Effect<void, E | PollError, Admin> =>
  Effect.gen(function*() {
    const { state } = env
    while (state.revoking !== undefined) yield* giveBack(env, beforeRevoked, state.revoking)
    while (state.pending.length > 0) {
      const event = state.pending.shift()
      // Of several that have piled up only the last one is still true.
      if (event?._tag === "Assigned" && state.pending.length === 0) yield* assign(env, event)
      else if (event !== undefined) yield* lose(env, event)
    }
    if (state.ended !== undefined) yield* Exit.isFailure(state.ended) ? state.ended : Effect.never
    yield* lookAtLogs(env)
  })

const giveBack = <E>(
  { options, state }: Env<E>,
  beforeRevoked: Effect.Effect<void, E>,
  { done, sinceMs }: NonNullable<State["revoking"]>
) =>
  Effect.gen(function*() {
    const partitions = partitionsOf(state)
    yield* beforeRevoked
    state.held = undefined
    // Not one that has come meanwhile, because this one took too long: it is looked at next.
    if (state.revoking?.done === done) state.revoking = undefined
    const tookMs = (yield* elapsedMillis) - sinceMs
    if (partitions.length > 0) yield* options.report(MemberEvent.Revoked({ partitions, tookMs }))
  }).pipe(Effect.ensuring(Deferred.succeed(done, undefined)))

/** What is still held when a generation ends was not given back in time. */
const lose = <E>({ options, state }: Env<E>, event: GroupEvent) =>
  Effect.gen(function*() {
    if (state.held === undefined || (event._tag === "Lost" && event.kind === "revoked")) return
    const partitions = partitionsOf(state)
    state.held = undefined
    if (partitions.length === 0) return
    const reason = event._tag === "Lost" ? event.reason : "the group has rebalanced before they were given back"
    const tookMs = (yield* elapsedMillis) - state.joiningSinceMs
    yield* options.report(MemberEvent.Lost({ partitions, reason, tookMs }))
  })

const assign = <E extends { readonly _tag: string; readonly message: string }>(
  env: Env<E>,
  event: GroupEvent & { readonly _tag: "Assigned" }
): Effect.Effect<void, E | PollError, Admin> =>
  Effect.gen(function*() {
    const { membership, options, state } = env
    yield* lose(env, event)
    const { generation, partitions } = event
    const look = options.begin(partitions)
    // Interruptible: it may last as long as an outage, and so far nothing is held.
    const starts = partitions.length === 0
      ? new Map<number, bigint>()
      : yield* Effect.interruptible(throughOutage(`offsets of group ${options.group}`, backoff, look, unavailable))
    const buffers = new Map(
      Array.from(starts, ([partition, offset]) =>
        [partition, new PartitionBuffer(offset, options.bufferRecordsMax)] as const)
    )
    state.held = { generation, buffers, over: state.pending.length > 0 }
    for (const [partition, offset] of starts) {
      yield* membership.seek(partition, offset)
      yield* membership.resume(partition)
    }
    const tookMs = (yield* elapsedMillis) - state.joiningSinceMs
    yield* options.report(MemberEvent.Assigned({ generation, positions: positionsOf(state), tookMs }))
  })

/** Partitions whose log does not hold what was asked for, or cannot be read where they stand. */
const lookAtLogs = <E>({ membership, options, state }: Env<E>): Effect.Effect<void, PollError, Admin> =>
  Effect.gen(function*() {
    for (const [partition, buffer] of state.held?.buffers ?? []) {
      if (buffer.unreadable !== undefined) return yield* new Unreadable({ reason: buffer.unreadable })
      if (!buffer.strayed) continue
      const position = buffer.fetched
      const asked = resetTo({ ...options, partition, position })
      const offset = yield* Effect.interruptible(
        throughOutage(`log of ${options.topic}-${partition}`, backoff, asked, unavailable)
      )
      buffer.moveTo(offset)
      yield* membership.seek(partition, offset)
      yield* membership.resume(partition)
      if (offset !== position) yield* options.report(MemberEvent.OutOfRange({ partition, position, offset }))
    }
  })

/** Begins with another partition each time, so that a full one does not starve the others. */
const take = <E>({ membership, options, state }: Env<E>, max: number) =>
  Effect.gen(function*() {
    const { held } = state
    if (held === undefined || held.over) return []
    const partitions = Array.from(held.buffers)
    const first = state.turn++ % Math.max(1, partitions.length)
    const polled: Array<ConsumerRecord> = []
    for (const [partition, buffer] of [...partitions.slice(first), ...partitions.slice(0, first)]) {
      const records = buffer.take(max - polled.length)
      for (const record of records) polled.push({ topic: options.topic, partition, ...record })
      options.measures.polled(partition, buffer.position, records.length)
      if (buffer.resumes()) yield* membership.resume(partition)
    }
    return polled
  })

/** Refuses on behalf of a generation that is over, because the partitions may be held again by a later one. */
const commit = <E>(
  { membership, state }: Env<E>,
  offsets: ReadonlyArray<PartitionOffset>
): Effect.Effect<void, CommitFailed> =>
  Effect.suspend(() =>
    state.pending.some((event) => event._tag === "Assigned" || event.kind === "lost")
      ? new CommitFailed({ kind: "fenced", reason: "the group has rebalanced since these records were polled" })
      : membership.commit(offsets)
  )

const positionsOf = ({ held }: State): ReadonlyArray<PartitionOffset> =>
  Array.from(held?.buffers ?? [], ([partition, buffer]) => ({ partition, offset: buffer.position }))
    .toSorted((a, b) => a.partition - b.partition)

const partitionsOf = (state: State): ReadonlyArray<number> => positionsOf(state).map(({ partition }) => partition)

import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { ConsumerRecord } from "../../domain/consumerRecord.js"
import type { Admin } from "../../layers/Admin.js"
import type { Consumer, Isolation, KafkaUnavailable } from "../../layers/Consumer.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { behaviours, type CommitBehaviour, type CommitStrategy } from "./commitStrategy.js"
import { type Committer, makeCommitter } from "./committer.js"
import { type Finish, makeFinish } from "./finish.js"
import { type Measures, MemberEvent, type PartitionOffset } from "./memberEvent.js"
import { makePoller, type Poller, type PollError } from "./poller.js"
import type { Reset } from "./reset.js"
import { type From, startPositions } from "./startPosition.js"

export type { CommitStrategy } from "./commitStrategy.js"
export type { MemberEvent, PartitionOffset } from "./memberEvent.js"
export type PolledRecord = ConsumerRecord

export interface ConsumeOptions {
  readonly topic: string
  readonly group: string
  /** Of this member, in the log: `consumer-thread-0`. */
  readonly name: string
  readonly commit: CommitStrategy
  /** Of `auto`: it commits at the first poll after so long. */
  readonly autoCommitIntervalMs: number
  /** Largest poll. */
  readonly maxPollRecords: number
  /** How long a poll waits for a record. */
  readonly pollTimeoutMs: number
  readonly isolation: Isolation
  /** Where the group has committed nothing, or the log does not hold what it has committed. */
  readonly reset: Reset
  /** Where to begin, whatever the group has committed. */
  readonly from?: From
  /** See `StartOptions`: given by who shares it among members. */
  readonly progress?: Map<number, bigint>
  /** Without it the member never ends by itself. */
  readonly finish?: Finish
  /**
   * A rebalance listener: before partitions are given back, handed-off work is waited for and what is processed is
   * committed. Without it only `auto` commits there, as in Java.
   */
  readonly listener?: boolean
}

/**
 * Called with a whole poll, or with one record at a time where the strategy commits per record. What it has returned
 * from counts as processed, also where it has only handed the records to others. If it fails, the member stops without
 * another commit.
 */
export type Process<E = never> = (records: ReadonlyArray<PolledRecord>) => Effect.Effect<void, E>

export interface Hooks<E = never> {
  /** May put another place where assigned partitions begin: an output may know better than the group what it has. */
  readonly begin?: (starts: ReadonlyMap<number, bigint>) => Effect.Effect<ReadonlyMap<number, bigint>, E>
  /** Waits for work that was handed off: before the last commit, and before a listener's. */
  readonly drain?: Effect.Effect<void, E>
  /** Fails with what handed-off work has failed with; looked at after each poll. */
  readonly failure?: Effect.Effect<void, E>
  readonly report?: (event: MemberEvent) => Effect.Effect<void>
  readonly measures?: Measures
}

export type ConsumeError = PollError | KafkaUnavailable

interface Member<E> {
  readonly options: ConsumeOptions
  readonly behaviour: CommitBehaviour
  readonly poller: Poller<E>
  readonly committer: Committer
  readonly finish: Finish
  readonly progress: Map<number, bigint> | undefined
  readonly process: Process<E>
  readonly hooks: Hooks<E>
  readonly report: (event: MemberEvent) => Effect.Effect<void>
  /** Lets an interruption in; everything else of the loop is finished once it has begun. */
  readonly restore: <A, E2>(effect: Effect.Effect<A, E2>) => Effect.Effect<A, E2>
  nextAutoCommitMs: number
}

/**
 * One member of a group: the Java client's poll loop with one of its ways to commit. Interrupted, it finishes the poll
 * in work (the record, with `sync-offset`), commits where the strategy does, and leaves the group. Fails where the topic
 * cannot be read on, and as `process` does.
 */
export const consume = <E extends { readonly _tag: string; readonly message: string } = never>(
  options: ConsumeOptions,
  process: Process<E>,
  hooks: Hooks<E> = {}
): Effect.Effect<void, E | ConsumeError, Consumer | Admin> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const member = yield* restore(join(options, process, hooks, restore))
      const running = yield* Effect.fork(loop(member))
      const waited = yield* Effect.exit(restore(Fiber.await(running)))
      // The loop goes on with what is in work; whoever has stopped it sees at once that it has been heard.
      if (Exit.isFailure(waited)) yield* member.report(MemberEvent.Wakeup())
      const exit = Exit.isFailure(waited) ? yield* Fiber.interrupt(running) : waited.value
      yield* leave(member, exit)
      return yield* exit
    })
  ).pipe(Effect.scoped, Effect.annotateLogs({ thread: options.name, logger: "tributary.Read" }))

const join = <E extends { readonly _tag: string; readonly message: string }>(
  options: ConsumeOptions,
  process: Process<E>,
  hooks: Hooks<E>,
  restore: Member<E>["restore"]
): Effect.Effect<Member<E>, ConsumeError, Consumer | Admin | Scope.Scope> =>
  Effect.gen(function*() {
    const behaviour = behaviours[options.commit]
    const { finish = makeFinish({ max: undefined, ends: undefined }), from } = options
    const progress = options.progress ?? (from === undefined ? undefined : new Map<number, bigint>())
    const report = (event: MemberEvent) => {
      if (event._tag === "Committed") note(progress, event.offsets)
      return hooks.report?.(event) ?? Effect.void
    }
    const poller = yield* makePoller<E>({
      ...options,
      bufferRecordsMax: options.maxPollRecords,
      begin: (partitions) =>
        Effect.flatMap(
          startPositions({ ...options, from, progress }, partitions),
          (starts) => hooks.begin?.(starts) ?? Effect.succeed(starts)
        ),
      report,
      measures: hooks.measures ?? { fetched: () => {}, polled: () => {} }
    })
    const committer = yield* makeCommitter(poller, report)
    const nextAutoCommitMs = (yield* elapsedMillis) + options.autoCommitIntervalMs
    return {
      options,
      behaviour,
      poller,
      committer,
      finish,
      progress,
      process,
      hooks,
      report,
      restore,
      nextAutoCommitMs
    }
  })

const note = (progress: Map<number, bigint> | undefined, offsets: ReadonlyArray<PartitionOffset>): void => {
  for (const { offset, partition } of offsets) progress?.set(partition, offset)
}

const loop = <E>(member: Member<E>): Effect.Effect<void, E | PollError> =>
  Effect.gen(function*() {
    const { behaviour, committer, finish, hooks, options, poller, progress } = member
    while (!finish.isOver()) {
      const records = yield* poll(member)
      if (hooks.failure !== undefined) yield* hooks.failure
      yield* work(member, records)
      const positions = poller.positions()
      if (behaviour.afterPoll === "wait") yield* committer.wait(committer.news(positions))
      if (behaviour.afterPoll === "send") yield* committer.send(committer.news(positions))
      if (options.commit === "none") note(progress, positions)
      finish.reached(positions)
    }
  })

/** Returns as soon as there are records, or when the time is over; what happens to the membership happens in here. */
const poll = <E>(member: Member<E>): Effect.Effect<ReadonlyArray<PolledRecord>, E | PollError> =>
  Effect.gen(function*() {
    const { behaviour, finish, options: { maxPollRecords, pollTimeoutMs }, poller, restore } = member
    const untilMs = (yield* elapsedMillis) + pollTimeoutMs
    while (true) {
      if (behaviour.everyInterval) yield* autoCommit(member)
      const leftMs = untilMs - (yield* elapsedMillis)
      yield* restore(Effect.raceFirst(poller.ready(Math.max(0, leftMs)), finish.over))
      yield* poller.turn(beforeRevoked(member))
      const records = yield* poller.take(Math.min(maxPollRecords, finish.allowance()))
      finish.polled(records.length)
      if (records.length > 0 || leftMs <= 0 || finish.isOver()) return records
    }
  })

/** Commits what the poll before has left, whether or not work that was handed off has ended: so does Java's. */
const autoCommit = <E>(member: Member<E>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { committer, options, poller } = member
    const now = yield* elapsedMillis
    if (now < member.nextAutoCommitMs) return
    member.nextAutoCommitMs = now + options.autoCommitIntervalMs
    yield* committer.send(committer.news(poller.positions()))
  })

const work = <E>(member: Member<E>, records: ReadonlyArray<PolledRecord>): Effect.Effect<void, E> =>
  Effect.gen(function*() {
    const { behaviour: { afterRecord }, committer, poller, process, restore } = member
    if (records.length === 0) return
    if (afterRecord === undefined) return yield* process(records)
    for (const [index, record] of records.entries()) {
      yield* process([record])
      if (afterRecord === "positions") {
        yield* committer.wait(poller.positions())
        continue
      }
      yield* committer.wait([{ partition: record.partition, offset: record.offset + 1n }])
      // Only here the rest of the poll can be left out: nothing has been committed for it.
      yield* Effect.onInterrupt(restore(Effect.void), () => Effect.sync(() => poller.rewind(records.slice(index + 1))))
    }
  })

const beforeRevoked = <E>({ behaviour, committer, hooks, options, poller }: Member<E>): Effect.Effect<void, E> =>
  Effect.gen(function*() {
    const listens = options.listener === true && options.commit !== "none"
    if (listens && hooks.drain !== undefined) yield* hooks.drain
    if (listens || behaviour.onRevoked) yield* committer.last(committer.news(poller.positions()))
  })

/** What failed commits nothing more; what ends in order does, and then the scope's end leaves the group. */
const leave = <E>(
  { behaviour, committer, hooks, poller }: Member<E>,
  exit: Exit.Exit<void, E | PollError>
): Effect.Effect<void, E> =>
  Effect.gen(function*() {
    if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) {
      if (hooks.drain !== undefined) yield* hooks.drain
      yield* committer.last(behaviour.onClose ? committer.news(poller.positions()) : [])
    }
  }).pipe(Effect.ensuring(poller.close))

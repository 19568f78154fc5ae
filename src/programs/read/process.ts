import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { PolledRecord, Process } from "./consume.js"

/** Each record alone, after a pause: work that takes its time. */
export const delayed = <E>(delayMs: number, process: Process<E>): Process<E> => (records) =>
  Effect.forEach(records, (record) => Effect.zipRight(Effect.sleep(delayMs), process([record])), { discard: true })

export interface HandOffOptions {
  readonly workMs: number
  /** Records in work at the same time, at most; then the poll loop waits. */
  readonly capacity: number
  /** The results come in the order of the records; otherwise as the work ends. */
  readonly ordered: boolean
}

/** What is told of a record whose work begins. */
export type Began = (record: PolledRecord) => Effect.Effect<void>

export interface HandedOff<E> {
  /** Returns when all records are in work, not when they are done: to a commit strategy they are processed. */
  readonly process: Process<E>
  /** Fails with the first result that has failed so far. */
  readonly failure: Effect.Effect<void, E>
  /** Waits for all work, and fails as `failure` does. */
  readonly drain: Effect.Effect<void, E>
}

/**
 * Hands each record to work of its own, which takes `workMs` and then has its result processed.
 */
export const handOff = <E>(
  { capacity, ordered, workMs }: HandOffOptions,
  process: Process<E>,
  began: Began
): Effect.Effect<HandedOff<E>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const inWork = yield* FiberSet.make<void, E>()
    const room = yield* Effect.makeSemaphore(capacity)
    const failed = yield* Deferred.make<never, E>()
    const failure = Effect.flatMap(Deferred.isDone(failed), (done) => done ? Deferred.await(failed) : Effect.void)
    let before: Effect.Effect<void> = Effect.void

    const begin = (record: Parameters<Process>[0][number]) =>
      Effect.gen(function*() {
        const done = yield* Deferred.make<void>()
        const turn = ordered ? before : Effect.void
        before = Deferred.await(done)
        yield* room.take(1)
        // The member's own fiber is not interruptible; its work must be, where the member ends without a drain.
        const work = Effect.sleep(workMs).pipe(
          Effect.zipRight(turn),
          Effect.zipRight(process([record])),
          Effect.tapErrorCause((cause) => Deferred.failCause(failed, cause)),
          Effect.ensuring(Effect.zipRight(Deferred.succeed(done, undefined), room.release(1))),
          Effect.interruptible
        )
        yield* began(record)
        yield* FiberSet.run(inWork, work)
      })

    return {
      process: (records) => Effect.forEach(records, begin, { discard: true }),
      failure,
      drain: Effect.zipRight(FiberSet.awaitEmpty(inWork), failure)
    }
  })

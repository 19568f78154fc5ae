import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { makeRandom, seedOf } from "../../domain/random.js"
import { type TransactionalProducer, type TransactionError, Transactions } from "../../layers/Transactions.js"
import type { TransactionPlan } from "./plan.js"
import type { Tally } from "./Tally.js"

/** The transactions of one run, one after the other: so many records each, some of them aborted. */
export interface Cutting {
  readonly send: TransactionalProducer["send"]
  /** Records that the open transaction still takes. */
  readonly room: () => number
  /** Records have been accepted for the open transaction. */
  readonly took: (records: number) => void
  /**
   * Commits or aborts what was taken, as the seed wants it; when everything that was taken is acknowledged. Who is
   * interrupted while waiting for it may call it again, and waits for the same outcome.
   */
  readonly end: Effect.Effect<void, TransactionError>
  /** What was taken is not to be committed: it has not arrived whole. */
  readonly giveUp: () => void
}

/** Closing the scope aborts what is open. */
export const openTransactions = (
  { abortRate, records: size, timeoutMs, transactionalId }: TransactionPlan,
  seed: number,
  tally: Tally
): Effect.Effect<Cutting, TransactionError, Transactions | Scope.Scope> =>
  Effect.gen(function*() {
    const transactions = yield* Transactions
    const producer = yield* transactions.open({ transactionalId, timeoutMs })
    const scope = yield* Effect.scope
    let taken = 0
    let number = 0
    let ending: Fiber.Fiber<void, TransactionError> = Fiber.void

    // In a fiber of its own: an end that is interrupted has an outcome that nobody knows.
    const beginEnd = Effect.suspend(() => {
      const records = taken
      // Of the number alone, so that the same transactions abort whatever else is random.
      const aborted = makeRandom(seedOf(seed, number)).fraction() < abortRate
      taken = 0
      number += 1
      return (aborted ? producer.abort : producer.commit).pipe(
        Effect.map(() => tally.ended(aborted ? "aborted" : "committed", records)),
        Effect.interruptible,
        Effect.forkIn(scope),
        Effect.map((fiber) => {
          ending = fiber
        })
      )
    })
    return {
      send: producer.send,
      room: () => size - taken,
      took: (records) => {
        taken += records
      },
      end: Effect.suspend(() => taken === 0 ? Effect.void : Effect.uninterruptible(beginEnd)).pipe(
        Effect.zipRight(Effect.suspend(() => Fiber.join(ending)))
      ),
      giveUp: () => {
        if (taken > 0) tally.ended("aborted", taken)
        taken = 0
      }
    }
  })

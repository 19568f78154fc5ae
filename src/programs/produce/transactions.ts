import * as Effect from "effect/Effect"
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
  /** Commits or aborts what was taken, as the seed wants it; when everything that was taken is acknowledged. */
  readonly end: Effect.Effect<void, TransactionError>
  /** Aborts what was taken: not all of it has arrived. */
  readonly giveUp: Effect.Effect<void, TransactionError>
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
    let taken = 0
    let number = 0
    const conclude = (how: "commit" | "abort") =>
      Effect.suspend(() =>
        taken === 0 ? Effect.void : Effect.map(producer[how], () => {
          tally.ended(how === "commit" ? "committed" : "aborted", taken)
          taken = 0
          number += 1
        })
      )
    return {
      send: producer.send,
      room: () => size - taken,
      took: (records) => {
        taken += records
      },
      // Of the number alone, so that the same transactions abort whatever else is random.
      end: Effect.suspend(() => conclude(makeRandom(seedOf(seed, number)).fraction() < abortRate ? "abort" : "commit")),
      giveUp: conclude("abort")
    }
  })

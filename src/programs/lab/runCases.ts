import * as Effect from "effect/Effect"
import { type Delivery, type Guarantee, guaranteeOf } from "../../domain/delivery.js"
import { simulate } from "../../layers/memory/virtualTime.js"
import type { Case, Observed } from "./experiment.js"

/** All runs of one case. */
export interface CaseResult {
  readonly strategy: string
  readonly shows: Guarantee
  /** Of all runs together. */
  readonly guarantee: Guarantee
  readonly runs: number
  readonly totals: Totals
  /** The first run, to be looked at. */
  readonly first: Observed
}

/** Records, summed over the runs. */
export interface Totals {
  readonly produced: number
  readonly processed: number
  readonly lost: number
  readonly repeated: number
  readonly outOfOrder: number
}

export interface Repeat {
  readonly seed: number
  readonly repeat: number
}

/** Runs a case with one seed after the other, in virtual time. Between two runs a signal is heard. */
export const runCase = ({ shows, simulated, strategy }: Case, { repeat, seed }: Repeat): Effect.Effect<CaseResult> =>
  Effect.gen(function*() {
    const first = simulate(simulated, seed)
    const deliveries = [first.delivery]
    for (let run = 1; run < repeat; run++) {
      yield* Effect.sleep(1)
      deliveries.push(simulate(simulated, seed + run).delivery)
    }
    return caseResult({ strategy, shows }, first, deliveries)
  })

/** What has come of all runs, of which the first one is kept. */
export const caseResult = (
  { shows, strategy }: Pick<Case, "strategy" | "shows">,
  first: Observed,
  deliveries: ReadonlyArray<Delivery>
): CaseResult => ({
  strategy,
  shows,
  guarantee: guaranteeOf({
    lost: deliveries.flatMap(({ lost }) => lost),
    repeated: deliveries.flatMap(({ repeated }) => repeated)
  }),
  runs: deliveries.length,
  totals: totalsOf(deliveries),
  first
})

const totalsOf = (deliveries: ReadonlyArray<Delivery>): Totals => {
  const sum = (count: (delivery: Delivery) => number) => deliveries.reduce((total, one) => total + count(one), 0)
  return {
    produced: sum(({ produced }) => produced),
    processed: sum(({ processed }) => processed),
    lost: sum(({ lost }) => lost.length),
    repeated: sum(({ repeated }) => repeated.length),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder)
  }
}

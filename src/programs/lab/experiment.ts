import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Delivery, Guarantee, Processed } from "../../domain/delivery.js"

/** Something that happened to a process of an experiment; its effects are told by `Processed`. */
export interface LabEvent {
  readonly atMs: number
  /** The process or the member. */
  readonly lane: string
  readonly kind:
    | "start"
    | "stop"
    | "kill"
    | "freeze"
    | "thaw"
    | "assigned"
    | "revoked"
    | "lost"
    | "committed"
    | "commit failed"
  /** What the picture says when it is pointed at. */
  readonly text: string
}

/** What one run of one case has shown. */
export interface Observed {
  readonly delivery: Delivery
  readonly processed: ReadonlyArray<Processed>
  readonly events: ReadonlyArray<LabEvent>
  /** What else is to be seen, one line each: which numbers are lost and why, how long a take-over took. */
  readonly notes: ReadonlyArray<string>
}

/** One strategy under the experiment's fault. */
export interface Case {
  /** Of the strategy, as `read --commit` and the matrix spell it. */
  readonly strategy: string
  /** What it comes to in every run, whatever the seed. */
  readonly shows: Guarantee
  /** In virtual time: it must not touch the world outside. */
  readonly simulated: Effect.Effect<Observed, never, Scope.Scope>
}

export interface Experiment {
  readonly name: string
  /** What is done, in one line. */
  readonly title: string
  /** Why it comes out as it does, one paragraph. */
  readonly why: string
  readonly cases: ReadonlyArray<Case>
}

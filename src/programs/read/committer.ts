import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { CommitFailed } from "../../layers/Consumer.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import { MemberEvent, type PartitionOffset } from "./memberEvent.js"
import type { Poller } from "./poller.js"

/** How long a commit that waits is tried again: the Java client's default.api.timeout.ms. */
const commitWithinMs = 60_000
const againAfter = "1 second"

type Offsets = ReadonlyArray<PartitionOffset>

/** Commits of one member, in Java's two ways. Neither fails: what became of it is reported. */
export interface Committer {
  /** Neither waits for the answer nor tries again: an older commit that came late would take the offset back. */
  readonly send: (offsets: Offsets) => Effect.Effect<void>
  /** Waits for what was sent before, and for the answer; tries again while the coordinator cannot be reached. */
  readonly wait: (offsets: Offsets) => Effect.Effect<void>
  /** As `wait`, but once: there is no time, because the member leaves or the group waits for it. */
  readonly last: (offsets: Offsets) => Effect.Effect<void>
  /** Those that this member has not committed yet. */
  readonly news: (offsets: Offsets) => Offsets
}

const afterFence = "their new owner reads on from the committed offset, and repeats what was not committed"
const afterLast = "whoever reads on from the committed offset repeats what was not committed"

const unlessFenced = (next: string) => ({ kind }: CommitFailed): string => kind === "fenced" ? afterFence : next

export const makeCommitter = (
  poller: Pick<Poller<never>, "commit">,
  report: (event: MemberEvent) => Effect.Effect<void>
): Effect.Effect<Committer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const inFlight = yield* FiberSet.make()
    const told = new Map<number, bigint>()

    const attempt = (offsets: Offsets, next: (failed: CommitFailed) => string) =>
      Effect.gen(function*() {
        const sinceMs = yield* elapsedMillis
        const result = yield* Effect.either(poller.commit(offsets))
        if (Either.isLeft(result)) {
          yield* report(MemberEvent.CommitFailed({ offsets, error: result.left, next: next(result.left) }))
          return result.left
        }
        for (const { offset, partition } of offsets) told.set(partition, offset)
        yield* report(MemberEvent.Committed({ offsets, tookMs: (yield* elapsedMillis) - sinceMs }))
        return undefined
      })
    const wait = (offsets: Offsets) =>
      Effect.gen(function*() {
        yield* FiberSet.awaitEmpty(inFlight)
        if (offsets.length === 0) return
        const untilMs = (yield* elapsedMillis) + commitWithinMs
        while (true) {
          const again = (yield* elapsedMillis) < untilMs
          const next = again ? `it is tried again in ${againAfter}` : "the next commit covers it"
          const failed = yield* attempt(offsets, unlessFenced(next))
          if (failed?.kind !== "unavailable" || !again) return
          // A member that is told to stop does not wait here; it finishes the poll, and commits once more as it leaves.
          if (Exit.isFailure(yield* Effect.exit(Effect.interruptible(Effect.sleep(againAfter))))) return
        }
      })

    return {
      send: (offsets) =>
        offsets.length === 0
          ? Effect.void
          : Effect.asVoid(FiberSet.run(inFlight, attempt(offsets, unlessFenced("the next commit covers it")))),
      wait,
      last: (offsets) =>
        Effect.gen(function*() {
          yield* FiberSet.awaitEmpty(inFlight)
          if (offsets.length > 0) yield* attempt(offsets, unlessFenced(afterLast))
        }),
      news: (offsets) => offsets.filter(({ offset, partition }) => told.get(partition) !== offset)
    }
  })

import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import type { FetchedBatch } from "../domain/KafkaRecord.js"
import type { GroupEvent, JoinOptions, KafkaRefused, Membership } from "../layers/Consumer.js"
import { unsafeElapsedMillis } from "../layers/elapsed.js"
import { logBackpressure } from "./backpressureLog.js"
import { type PartitionMetrics, partitionMetrics } from "./metrics.js"
import {
  type ByteBudget,
  makePartitionQueue,
  type PartitionQueue,
  type QueueLimits,
  type Transition
} from "./PartitionQueue.js"

/** What works on one partition, as the consumer sees it. */
export interface Runner {
  readonly generation: number
  readonly offer: PartitionQueue["offer"]
}

/** Hands each fetch to the runner of its partition. What was fetched in another generation is nobody's: dropped. */
export const deliverTo = (runners: ReadonlyMap<number, Runner>): JoinOptions["onBatch"] => (batch) => {
  const runner = runners.get(batch.partition)
  return runner?.generation === batch.generation ? runner.offer(batch) : "pause"
}

/** A bug in a fiber that nobody waits for must end the topic, and with it the process, instead of stopping it silently. */
export const forkWatched = <A, R>(broken: Deferred.Deferred<never>, effect: Effect.Effect<A, never, R>) =>
  Effect.forkScoped(
    Effect.onError(effect, (cause) => Cause.isInterruptedOnly(cause) ? Effect.void : Deferred.failCause(broken, cause))
  )

/** Every event replaces the assignment as a whole; of several that have piled up only the last one counts. */
export const foldAssignments = <R>(
  membership: Membership,
  runners: Map<number, Runner>,
  broken: Deferred.Deferred<never>,
  run: (event: GroupEvent) => Effect.Effect<void, never, R>
): Effect.Effect<never, KafkaRefused, R | Scope.Scope> =>
  Effect.gen(function*() {
    let running: Fiber.RuntimeFiber<unknown> | undefined
    while (true) {
      const [events] = yield* membership.events.takeAll
      const last = Array.from(events).at(-1)
      if (last === undefined) return yield* Effect.never // the scope is closing
      runners.clear()
      // The running transactions finish first: afterwards only other processes can be the ones to fence.
      if (running !== undefined) yield* Fiber.interrupt(running)
      running = yield* forkWatched(broken, run(last))
    }
  })

export interface OpenQueue {
  readonly queue: PartitionQueue
  /** `queue.offer`, measured. */
  readonly offer: (batch: FetchedBatch) => "fetch" | "pause"
  readonly metrics: PartitionMetrics
}

/** A partition's queue with its measures and the two lines about its back-pressure, while the scope is open. */
export const openQueue = (
  topic: string,
  partition: number,
  limits: QueueLimits,
  budget: ByteBudget
): Effect.Effect<OpenQueue, never, Scope.Scope> =>
  Effect.gen(function*() {
    const transitions = yield* Mailbox.make<Transition>({ capacity: 1024, strategy: "sliding" })
    const metrics = partitionMetrics(topic, partition)
    const clock = yield* Effect.clock
    let blockedSince = 0
    const queue = makePartitionQueue(limits, budget, (transition) => {
      transitions.unsafeOffer(transition)
      const now = unsafeElapsedMillis(clock)
      if (transition.to === "flowing") return metrics.resumed(now - blockedSince)
      blockedSince = now
      metrics.paused()
    })
    yield* Effect.addFinalizer(() => Effect.sync(queue.close))
    yield* Effect.forkScoped(logBackpressure(topic, partition, transitions))
    const offer = (batch: FetchedBatch) => {
      const answer = queue.offer(batch)
      metrics.queued(queue.queuedRecords(), queue.backlogRecords())
      return answer
    }
    return { queue, offer, metrics }
  })

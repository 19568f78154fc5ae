import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import {
  Consumer,
  type GroupEvent,
  type JoinOptions,
  type KafkaRefused,
  KafkaUnavailable,
  type Membership
} from "../Consumer.js"
import type { MemoryCluster } from "./MemoryCluster.js"
import { type Held, MemoryFetcher } from "./MemoryFetcher.js"
import { MemoryMember } from "./MemoryMember.js"

const join = (
  cluster: MemoryCluster,
  options: JoinOptions
): Effect.Effect<Membership, KafkaUnavailable, Scope.Scope> =>
  Effect.gen(function*() {
    if (!cluster.brokers.anyUp) return yield* new KafkaUnavailable({ what: "join", cause: "every broker is down" })
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    const runFetch = yield* FiberSet.makeRuntime()
    const index = cluster.members.length
    const fetcher = new MemoryFetcher(cluster, options, index, (fetch) => void runFetch(fetch))
    const member = yield* Effect.acquireRelease(
      Effect.sync(() => new MemoryMember(cluster, options, events, fetcher, index)),
      (joined) => Effect.sync(() => joined.leave())
    )
    cluster.members.push(member)
    yield* Effect.acquireRelease(
      Effect.sync(() => cluster.watch(options.topic, () => fetcher.more.unsafeOpen())),
      (stop) => Effect.sync(stop)
    )
    // A callback that breaks its contract is a defect; it must not look like silence.
    const start = (fiber: Effect.Effect<never>) =>
      fiber.pipe(
        Effect.tapDefect((cause) => events.failCause(cause)),
        // Also where it joins while it cannot be interrupted itself: the scope could not close.
        Effect.interruptible,
        Effect.forkScoped
      )
    yield* start(fetcher.live)
    yield* start(member.live)
    const change = (partition: number, act: (held: Held) => void) =>
      Effect.sync(() => {
        if (fetcher.held?.partitions.has(partition) !== true) return
        act(fetcher.held)
        fetcher.more.unsafeOpen()
      })
    return {
      events,
      seek: (partition, offset) => change(partition, (held) => held.positions.set(partition, offset)),
      pause: (partition) => change(partition, (held) => held.fetching.delete(partition)),
      resume: (partition) => change(partition, (held) => held.fetching.add(partition)),
      confirmed: member.confirmed,
      commit: (offsets) => member.commit(offsets)
    }
  })

export const makeConsumer = (cluster: MemoryCluster): Consumer["Type"] =>
  Consumer.of({ join: (options) => join(cluster, options) })

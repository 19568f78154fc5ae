import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import {
  CommitFailed,
  Consumer,
  GroupEvent,
  type JoinOptions,
  type KafkaRefused,
  type Membership
} from "../Consumer.js"
import { meet } from "./Fate.js"
import type { MemberConnection, MemoryCluster } from "./MemoryCluster.js"
import type { Assignment, MemoryGroup } from "./MemoryGroup.js"
import type { OffsetsOfGroup } from "./MemoryTransactionLog.js"

/** What a member has of one generation. */
interface Held {
  readonly generation: number
  readonly partitions: ReadonlySet<number>
  /** Next offset to fetch, of the partitions that have been sought. */
  readonly positions: Map<number, bigint>
  readonly fetching: Set<number>
}

/** The client's side of one membership. Its fibers belong to whoever joins, and stand still or die with their process. */
class MemoryMember implements MemberConnection {
  cut = false
  held: Held | undefined
  readonly options: JoinOptions
  readonly events: Mailbox.Mailbox<GroupEvent, KafkaRefused>
  readonly more = Effect.unsafeMakeLatch(false)
  private id: string
  private confirmations: Array<() => void> = []
  private readonly cluster: MemoryCluster
  private readonly group: MemoryGroup

  constructor(cluster: MemoryCluster, options: JoinOptions, events: MemoryMember["events"]) {
    this.cluster = cluster
    this.options = options
    this.events = events
    this.group = cluster.group(options.group, options.topic)
    this.id = this.group.newMember()
  }

  evict(): void {
    this.group.remove(this.id)
  }

  /** Joins, answers heartbeats, gives back what it has when the group rebalances and joins again, for ever. */
  readonly live: Effect.Effect<never> = Effect.gen(this, function*() {
    const { heartbeatIntervalMs } = this.cluster.options
    yield* this.join
    for (;;) {
      yield* Effect.sleep(heartbeatIntervalMs)
      if (this.cut) continue
      const answer = this.group.heartbeat(this.id, this.held?.generation ?? 0)
      if (answer === "accepted") {
        const waiting = this.confirmations
        this.confirmations = []
        for (const resume of waiting) resume()
        continue
      }
      if (answer === "rebalancing") yield* this.giveBack
      else this.lose("the coordinator does not know this member any more", "lost")
      yield* this.join
    }
  })

  private readonly join: Effect.Effect<void> = Effect.gen(this, function*() {
    for (;;) {
      const assignment = yield* Effect.async<Assignment>((resume) => {
        this.group.join(this.id, (answer) => resume(Effect.succeed(answer)))
      })
      if (assignment !== undefined) return this.take(assignment)
      while (this.cut) yield* Effect.sleep(this.cluster.options.heartbeatIntervalMs)
      this.id = this.group.newMember()
    }
  })

  private take({ generation, partitions }: NonNullable<Assignment>): void {
    this.held = { generation, partitions: new Set(partitions), positions: new Map(), fetching: new Set() }
    this.events.unsafeOffer(GroupEvent.Assigned({ generation, partitions }))
  }

  /** While `onRevoked` runs, nothing is delivered, and what it commits still counts. */
  private readonly giveBack: Effect.Effect<void> = Effect.gen(this, function*() {
    const { held, options: { onRevoked } } = this
    if (held === undefined) return
    held.positions.clear()
    if (onRevoked !== undefined) yield* onRevoked([...held.partitions])
    // It may have taken longer than the session: then the others have not waited.
    const isMember = this.group.mayCommit(this.id, held.generation)
    this.lose("the group rebalances", isMember ? "revoked" : "lost")
  })

  private lose(reason: string, kind: "revoked" | "lost"): void {
    if (this.held === undefined) return
    const { generation } = this.held
    this.held = undefined
    this.confirmations = []
    this.events.unsafeOffer(GroupEvent.Lost({ generation, reason, kind }))
  }

  /** Hands over what the logs have, a fetch of each partition after the other, and waits for more. */
  readonly fetch: Effect.Effect<never> = Effect.gen(this, function*() {
    for (;;) {
      this.more.unsafeClose()
      const delivered = [...this.held?.fetching ?? []].map((partition) => this.deliver(partition))
      if (delivered.includes(true)) {
        yield* Effect.yieldNow()
        continue
      }
      yield* this.more.await
      yield* Effect.sleep(this.cluster.options.pollIntervalMs)
    }
  })

  /** One fetch of one partition; false when there is nothing to hand over. */
  private deliver(partition: number): boolean {
    const { held } = this
    const { isolation = "read_committed", onBatch, topic } = this.options
    const position = held?.positions.get(partition)
    if (held === undefined || position === undefined || !held.fetching.has(partition)) return false
    const piece = this.cluster.log(topic, partition).read(position, this.cluster.options.fetchRecords, isolation)
    if (piece === undefined) return false
    held.positions.set(partition, piece.nextOffset)
    const answer = onBatch({ ...piece, topic, partition, generation: held.generation })
    if (answer === "pause" || piece.unreadable !== undefined) held.fetching.delete(partition)
    return true
  }

  /** With the next heartbeat that the coordinator accepts, in this generation. */
  readonly confirmed: Effect.Effect<void> = Effect.async((resume) => {
    const confirm = () => resume(Effect.void)
    if (this.held !== undefined) this.confirmations.push(confirm)
    return Effect.sync(() => {
      this.confirmations = this.confirmations.filter((other) => other !== confirm)
    })
  })

  commit(offsets: OffsetsOfGroup["offsets"]): Effect.Effect<void, CommitFailed> {
    return Effect.suspend(() => {
      const { cluster, held, id, options: { group, topic } } = this
      const foreign = offsets.find(({ partition }) => held?.partitions.has(partition) !== true)
      if (held === undefined || foreign !== undefined) return Effect.fail(fenced("this member does not hold it now"))
      if (this.cut) return Effect.fail(unanswered())
      const commit = { group, topic, offsets }
      const request = Effect.suspend(() => {
        if (!this.group.mayCommit(id, held.generation)) return Effect.fail(fenced("the group has rebalanced"))
        return Effect.sync(() => cluster.commitOffsets(commit))
      })
      return meet(cluster.time, cluster.commitFate(commit), request, unanswered)
    })
  }
}

const fenced = (reason: string) => new CommitFailed({ kind: "fenced", reason })
const unanswered = () => new CommitFailed({ kind: "unavailable", reason: "the coordinator has not answered" })

const join = (cluster: MemoryCluster, options: JoinOptions): Effect.Effect<Membership, never, Scope.Scope> =>
  Effect.gen(function*() {
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    const member = yield* Effect.acquireRelease(
      Effect.sync(() => new MemoryMember(cluster, options, events)),
      (joined) => Effect.sync(() => joined.evict())
    )
    cluster.members.push(member)
    yield* Effect.acquireRelease(
      Effect.sync(() => cluster.watch(options.topic, () => member.more.unsafeOpen())),
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
    yield* start(member.fetch)
    yield* start(member.live)
    const change = (partition: number, act: (held: Held) => void) =>
      Effect.sync(() => {
        if (member.held?.partitions.has(partition) !== true) return
        act(member.held)
        member.more.unsafeOpen()
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

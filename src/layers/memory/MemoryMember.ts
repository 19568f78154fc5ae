import * as Effect from "effect/Effect"
import type * as Mailbox from "effect/Mailbox"
import { CommitFailed, GroupEvent, type JoinOptions, type KafkaRefused } from "../Consumer.js"
import { meet } from "./Fate.js"
import type { GroupRequest, MemberConnection, MemoryCluster } from "./MemoryCluster.js"
import type { MemoryFetcher } from "./MemoryFetcher.js"
import type { GroupError, Joined, MemoryGroup, Partitions } from "./MemoryGroup.js"
import type { OffsetsOfGroup } from "./MemoryTransactionLog.js"

/** The client's side of one membership. Its fibers belong to whoever joins, and stand still or die with their process. */
export class MemoryMember implements MemberConnection {
  cut = false
  readonly options: JoinOptions
  private readonly fetcher: MemoryFetcher
  private readonly events: Mailbox.Mailbox<GroupEvent, KafkaRefused>
  private readonly cluster: MemoryCluster
  private readonly group: MemoryGroup
  private readonly index: number
  /** Undefined until the coordinator has given one. */
  private id: string | undefined
  private coordinator: number
  private assignments = 0
  private crashed = false
  private confirmations: Array<() => void> = []

  constructor(
    cluster: MemoryCluster,
    options: JoinOptions,
    events: MemoryMember["events"],
    fetcher: MemoryFetcher,
    index: number
  ) {
    this.cluster = cluster
    this.options = options
    this.events = events
    this.fetcher = fetcher
    this.index = index
    this.group = cluster.group(options.group, options.topic)
    this.coordinator = cluster.brokers.coordinatorOf(options.group)
    this.id = cluster.brokers.isUp(this.coordinator) ? this.group.newMember() : undefined
  }

  evict(): void {
    if (this.id !== undefined) this.group.remove(this.id)
  }

  /** LeaveGroup: where nobody hears it, the session has to end. */
  leave(): void {
    if (!this.cut && this.cluster.brokers.isUp(this.coordinator)) this.evict()
  }

  crash(): void {
    this.crashed = true
  }

  topicGone(topic: string): void {
    if (topic === this.options.topic && (this.fetcher.held?.fetching.size ?? 0) > 0) this.fetcher.isStale = true
  }

  /** Joins, answers heartbeats, gives back what it has when the group rebalances and joins again, for ever. */
  readonly live: Effect.Effect<never> = Effect.gen(this, function*() {
    const { counts, options: { heartbeatIntervalMs } } = this.cluster
    yield* this.join
    for (;;) {
      yield* Effect.sleep(heartbeatIntervalMs)
      if (this.crashed) {
        this.crashed = false
        this.lose("the client has crashed", "lost")
        this.leave()
        this.id = undefined
      } else if (this.fetcher.isStale) {
        counts.rejoins += 1
        yield* this.giveBack("the leader is elsewhere, or the topic is gone")
      } else {
        const answer = yield* this.heartbeat
        if (answer === "accepted" || answer === "no answer") continue
        if (answer === "rebalancing" || answer === "not coordinator") yield* this.giveBack("the group rebalances")
        else this.lose("the coordinator does not know this member any more", "lost")
        if (answer === "unknown member") this.id = undefined
      }
      yield* this.join
    }
  })

  private readonly heartbeat = Effect.gen(this, function*() {
    const { group, id = "", confirmations: waiting } = this
    const generation = this.fetcher.held?.groupGeneration ?? 0
    this.confirmations = []
    const isElsewhere = this.coordinator !== this.cluster.brokers.coordinatorOf(this.options.group)
    const answer = isElsewhere
      ? "not coordinator" as const
      : yield* this.ask("Heartbeat", Effect.sync(() => group.heartbeat(id, generation)))
    // Those who have come meanwhile wait for the next one: it must have been sent after they asked.
    if (answer === "no answer") this.confirmations.unshift(...waiting)
    if (answer === "accepted") { for (const resume of waiting) resume() }
    return answer
  })

  /** A request to the coordinator, and what becomes of it. */
  private ask<A>(api: GroupRequest["api"], request: Effect.Effect<A>): Effect.Effect<A | "no answer"> {
    return Effect.suspend(() => {
      const { cluster, options: { group } } = this
      const fate = cluster.groupFate({ api, group, member: this.index })
      const met = this.cut || !cluster.brokers.isUp(this.coordinator)
        ? Effect.fail("no answer" as const)
        : meet(cluster.time, fate, request, () => "no answer" as const)
      return Effect.catchAll(met, (none) => Effect.sync(() => (cluster.counts.unanswered += 1, none)))
    })
  }

  private readonly join: Effect.Effect<void> = Effect.gen(this, function*() {
    for (;;) {
      this.coordinator = this.cluster.brokers.coordinatorOf(this.options.group)
      const joined = yield* this.ask(
        "JoinGroup",
        Effect.async<Joined | GroupError>((resume) => {
          this.id ??= this.group.newMember()
          this.group.join(this.id, (answer) => resume(Effect.succeed(answer)))
        })
      )
      const assigned = typeof joined === "string" ? joined : yield* this.sync(joined)
      if (typeof joined !== "string" && typeof assigned !== "string") return this.take(joined, assigned)
      if (assigned === "unknown member") {
        while (this.cut) yield* Effect.sleep(this.cluster.options.heartbeatIntervalMs)
        this.id = undefined
      }
      if (assigned === "no answer" || assigned === "not coordinator") {
        yield* Effect.sleep(this.cluster.options.heartbeatIntervalMs)
      }
    }
  })

  private sync({ generation, members }: Joined): Effect.Effect<Partitions | GroupError | "no answer"> {
    const { group, id = "" } = this
    return this.ask(
      "SyncGroup",
      Effect.async<Partitions | GroupError>((resume) => {
        group.sync(id, generation, this.assign(members), (answer) => resume(Effect.succeed(answer)))
      })
    )
  }

  /** As the leader of the group: the partitions to the members in turn. */
  private assign(members: ReadonlyArray<string>): ReadonlyMap<string, Partitions> {
    const { assignOrder, topics } = this.cluster
    const partitions = (topics.get(this.options.topic)?.logs ?? []).map((_, partition) => partition)
    const order = assignOrder(members)
    return new Map(
      order.map((id, index) => [id, partitions.filter((partition) => partition % order.length === index)])
    )
  }

  private take({ generation: groupGeneration }: Joined, partitions: Partitions): void {
    const { cluster: { brokers }, fetcher, options: { topic } } = this
    const generation = ++this.assignments
    fetcher.isStale = false
    fetcher.held = {
      generation,
      groupGeneration,
      partitions: new Set(partitions),
      positions: new Map(),
      fetching: new Set(),
      asked: new Set(),
      leaders: new Map(partitions.map((partition) => [partition, brokers.leaderOf(topic, partition)])),
      stalled: new Set()
    }
    this.events.unsafeOffer(GroupEvent.Assigned({ generation, partitions }))
  }

  /** While `onRevoked` runs, nothing is delivered, and what it commits still counts. */
  private giveBack(reason: string): Effect.Effect<void> {
    return Effect.gen(this, function*() {
      const { fetcher: { held }, options: { onRevoked } } = this
      if (held === undefined) return
      held.positions.clear()
      if (onRevoked !== undefined) yield* onRevoked([...held.partitions])
      // It may have taken longer than the session: then the others have not waited.
      this.lose(reason, this.group.mayCommit(this.id ?? "", held.groupGeneration) ? "revoked" : "lost")
    })
  }

  private lose(reason: string, kind: "revoked" | "lost"): void {
    const { held } = this.fetcher
    if (held === undefined) return
    this.fetcher.held = undefined
    this.confirmations = []
    this.events.unsafeOffer(GroupEvent.Lost({ generation: held.generation, reason, kind }))
  }

  /** With the next heartbeat that the coordinator accepts, in this generation. */
  readonly confirmed: Effect.Effect<void> = Effect.async((resume) => {
    const { held } = this.fetcher
    const confirm = () => {
      // An answer to a heartbeat of an older assignment says nothing of this one.
      if (this.fetcher.held === held) resume(Effect.void)
    }
    if (held !== undefined) this.confirmations.push(confirm)
    return Effect.sync(() => {
      this.confirmations = this.confirmations.filter((other) => other !== confirm)
    })
  })

  commit(offsets: OffsetsOfGroup["offsets"]): Effect.Effect<void, CommitFailed> {
    return Effect.suspend(() => {
      const { cluster, fetcher: { held }, id = "", options: { group, topic } } = this
      const foreign = offsets.find(({ partition }) => held?.partitions.has(partition) !== true)
      if (held === undefined || foreign !== undefined) return Effect.fail(fenced("this member does not hold it now"))
      if (this.cut || !cluster.brokers.isUp(this.coordinator)) return Effect.fail(unanswered())
      const commit = { group, topic, offsets }
      const request = Effect.suspend(() => {
        if (!this.group.mayCommit(id, held.groupGeneration)) return Effect.fail(fenced("the group has rebalanced"))
        return Effect.sync(() => cluster.commitOffsets(commit))
      })
      return meet(cluster.time, cluster.commitFate(commit), request, unanswered)
    })
  }
}

const fenced = (reason: string) => new CommitFailed({ kind: "fenced", reason })
const unanswered = () => new CommitFailed({ kind: "unavailable", reason: "the coordinator has not answered" })

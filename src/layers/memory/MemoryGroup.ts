import type { ServerTime } from "./ServerTime.js"

/** The answer to a JoinGroup. `members`: whom to assign partitions, which only the leader is told. */
export interface Joined {
  readonly generation: number
  readonly members: ReadonlyArray<string>
}

/**
 * Errors of the coordinator, by Kafka's names: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
 * NOT_COORDINATOR.
 */
export type GroupError = "unknown member" | "illegal generation" | "rebalancing" | "not coordinator"

export type Partitions = ReadonlyArray<number>

export interface GroupOptions {
  /** A member that was not heard of for this long is evicted, and its partitions go to the others. */
  readonly sessionTimeoutMs: number
  /** Who does not join again within this time after a rebalance has begun, or does not sync, is evicted. */
  readonly rebalanceTimeoutMs: number
  /** How long the first member of an empty group waits for others (group.initial.rebalance.delay.ms). */
  readonly rebalanceDelayMs: number
}

/** What has happened in groups so far. */
export interface GroupCounts {
  rebalances: number
  sessionsExpired: number
  /** Evicted because it did not join again in time. */
  joinsMissed: number
  /** Evicted because it did not sync in time. */
  syncsMissed: number
}

interface Member {
  heardMs: number
  /** Its JoinGroup waits for the others. */
  joining: ((answer: Joined | GroupError) => void) | undefined
  /** Its SyncGroup waits for the leader's. */
  syncing: ((answer: Partitions | GroupError) => void) | undefined
  /** It has the assignment of this generation. */
  synced: boolean
  partitions: Partitions
}

/**
 * The coordinator's side of one group on one topic, eager protocol. A change (a member comes, leaves or is evicted, or
 * the partitions change) begins a rebalance: members learn of it by their heartbeats, give back what they have and join
 * again; when all have joined, the next generation begins, its leader assigns, and all others get their part by
 * SyncGroup. Who does not come in time is evicted.
 *
 * Simpler than Kafka: members of one group on several topics do not disturb one another.
 */
export class MemoryGroup {
  private generation = 0
  private state: "stable" | "joining" | "syncing" = "stable"
  private leader: string | undefined
  private notBeforeMs = 0
  private ids = 0
  private stopTimer = () => {}
  private readonly members = new Map<string, Member>()
  private readonly options: GroupOptions
  private readonly time: ServerTime
  private readonly counts: GroupCounts
  private readonly isUp: () => boolean

  constructor(options: GroupOptions, time: ServerTime, counts: GroupCounts, isUp: () => boolean) {
    this.options = options
    this.time = time
    this.counts = counts
    this.isUp = isUp
  }

  /** Members and what was assigned to them last. */
  get assigned(): ReadonlyMap<string, Partitions> {
    return new Map([...this.members].map(([id, { partitions }]) => [id, partitions]))
  }

  /** A name for a member that joins for the first time, or anew after it was evicted. */
  newMember(): string {
    const id = `member-${this.ids++}`
    if (this.members.size === 0 && this.options.rebalanceDelayMs > 0) {
      this.notBeforeMs = this.time.nowMs() + this.options.rebalanceDelayMs
      this.time.after(this.options.rebalanceDelayMs, () => this.complete())
    }
    const heardMs = this.time.nowMs()
    this.members.set(id, { heardMs, joining: undefined, syncing: undefined, synced: false, partitions: [] })
    this.watch(id)
    this.rebalance()
    return id
  }

  join(id: string, joined: (answer: Joined | GroupError) => void): void {
    const member = this.members.get(id)
    if (member === undefined) return joined("unknown member")
    member.heardMs = this.time.nowMs()
    // It has not got an answer, or has lost its place with a broker: nothing changes for the others.
    if (this.state === "syncing" || (this.state === "stable" && id !== this.leader)) return joined(this.joined(id))
    member.joining = joined
    this.rebalance()
  }

  /** `plan`: the leader's, who is to have what; nobody else's counts. */
  sync(
    id: string,
    generation: number,
    plan: ReadonlyMap<string, Partitions>,
    synced: (answer: Partitions | GroupError) => void
  ): void {
    const member = this.members.get(id)
    if (member === undefined) return synced("unknown member")
    if (generation !== this.generation) return synced("illegal generation")
    if (this.state === "joining") return synced("rebalancing")
    member.heardMs = this.time.nowMs()
    member.syncing = synced
    if (this.state === "syncing" && id === this.leader) {
      for (const [each, its] of this.members) its.partitions = plan.get(each) ?? []
      this.state = "stable"
    }
    if (this.state === "stable") this.tellSynced()
  }

  heartbeat(id: string, generation: number): "accepted" | GroupError {
    const member = this.members.get(id)
    if (member === undefined) return "unknown member"
    if (generation !== this.generation) return "illegal generation"
    member.heardMs = this.time.nowMs()
    return this.state === "joining" ? "rebalancing" : "accepted"
  }

  /** While a rebalance begins, members still commit what they hold; when the next generation is there, no longer. */
  mayCommit(id: string, generation: number): boolean {
    return this.members.has(id) && generation === this.generation
  }

  /** Leaves, or is evicted. */
  remove(id: string): void {
    const member = this.members.get(id)
    if (!this.members.delete(id)) return
    member?.joining?.("unknown member")
    member?.syncing?.("unknown member")
    this.rebalance()
  }

  rebalance(): void {
    if (this.members.size === 0) {
      this.stopTimer()
      this.state = "stable"
      return
    }
    if (this.state !== "joining") {
      this.state = "joining"
      this.counts.rebalances += 1
      for (const member of this.members.values()) answerSync(member, "rebalancing")
      this.startTimer()
    }
    this.complete()
  }

  /** The coordinator goes away: who waits for an answer of it hears that it is not there. */
  disconnect(): void {
    for (const member of this.members.values()) {
      answerSync(member, "not coordinator")
      answerJoin(member, "not coordinator")
    }
  }

  /** It is there again, or another one is, and nobody could be heard meanwhile. */
  renewSessions(): void {
    for (const member of this.members.values()) member.heardMs = this.time.nowMs()
    if (this.state !== "stable") this.startTimer()
  }

  private joined(id: string): Joined {
    return { generation: this.generation, members: id === this.leader ? [...this.members.keys()] : [] }
  }

  private complete(): void {
    if (this.state !== "joining" || this.time.nowMs() < this.notBeforeMs) return
    if ([...this.members.values()].some(({ joining }) => joining === undefined)) return
    this.state = "syncing"
    this.generation += 1
    const [first] = this.members.keys()
    if (this.leader === undefined || !this.members.has(this.leader)) this.leader = first
    this.startTimer()
    for (const member of this.members.values()) {
      member.heardMs = this.time.nowMs()
      member.synced = false
    }
    for (const [id, member] of this.members) answerJoin(member, this.joined(id))
  }

  private tellSynced(): void {
    for (const member of this.members.values()) {
      if (member.syncing === undefined) continue
      member.synced = true
      answerSync(member, member.partitions)
    }
    if ([...this.members.values()].every(({ synced }) => synced)) this.stopTimer()
  }

  private startTimer(): void {
    this.stopTimer()
    this.stopTimer = this.time.after(this.options.rebalanceTimeoutMs, () => this.expire())
  }

  /** Evicts whom the others wait for in vain. */
  private expire(): void {
    if (!this.isUp()) return
    const isMissing = this.state === "joining"
      ? ({ joining }: Member) => joining === undefined
      : ({ synced, syncing }: Member) => !synced && syncing === undefined
    const missing = [...this.members].flatMap(([id, member]) => isMissing(member) ? [id] : [])
    this.counts[this.state === "joining" ? "joinsMissed" : "syncsMissed"] += missing.length
    for (const id of missing) this.remove(id)
  }

  /** Ends the member's session when it is not heard of. Who waits for the others is not to blame for the silence. */
  private watch(id: string): void {
    const member = this.members.get(id)
    if (member === undefined) return
    const { heardMs, joining, syncing } = member
    const leftMs = heardMs + this.options.sessionTimeoutMs - this.time.nowMs()
    if (leftMs <= 0 && joining === undefined && syncing === undefined && this.isUp()) {
      this.counts.sessionsExpired += 1
      return this.remove(id)
    }
    this.time.after(leftMs > 0 ? leftMs : this.options.sessionTimeoutMs, () => this.watch(id))
  }
}

const answerJoin = (member: Member, answer: Joined | GroupError): void => {
  const { joining } = member
  member.joining = undefined
  joining?.(answer)
}

const answerSync = (member: Member, answer: Partitions | GroupError): void => {
  const { syncing } = member
  member.syncing = undefined
  syncing?.(answer)
}

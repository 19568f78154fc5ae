import type { ServerTime } from "./ServerTime.js"

/** The answer to a JoinGroup; undefined where the member was evicted while it waited. */
export type Assignment = { readonly generation: number; readonly partitions: ReadonlyArray<number> } | undefined

export interface GroupOptions {
  /** A member that was not heard of for this long is evicted, and its partitions go to the others. */
  readonly sessionTimeoutMs: number
  /** How long the first member of an empty group waits for others (group.initial.rebalance.delay.ms). */
  readonly rebalanceDelayMs: number
}

interface Member {
  heardMs: number
  /** Its JoinGroup waits for the others. */
  joining: ((assignment: Assignment) => void) | undefined
}

/**
 * The coordinator's side of one group on one topic, eager protocol. A change (a member comes, leaves or is evicted, or
 * the partitions change) begins a rebalance: members learn of it by their heartbeats, give back what they have and join
 * again; when all have joined, the next generation begins. Who does not come is evicted when its session ends.
 *
 * Simpler than Kafka: members of one group on several topics do not disturb one another.
 */
export class MemoryGroup {
  private generation = 0
  private rebalancing = false
  private notBeforeMs = 0
  private ids = 0
  private readonly members = new Map<string, Member>()
  private readonly options: GroupOptions
  private readonly time: ServerTime
  private readonly partitions: () => number

  constructor(options: GroupOptions, time: ServerTime, partitions: () => number) {
    this.options = options
    this.time = time
    this.partitions = partitions
  }

  get memberIds(): ReadonlyArray<string> {
    return [...this.members.keys()]
  }

  /** A name for a member that joins for the first time, or anew after it was evicted. */
  newMember(): string {
    const id = `member-${this.ids++}`
    if (this.members.size === 0 && this.options.rebalanceDelayMs > 0) {
      this.notBeforeMs = this.time.nowMs() + this.options.rebalanceDelayMs
      this.time.after(this.options.rebalanceDelayMs, () => this.complete())
    }
    this.members.set(id, { heardMs: this.time.nowMs(), joining: undefined })
    this.watch(id)
    this.rebalance()
    return id
  }

  join(id: string, joined: (assignment: Assignment) => void): void {
    const member = this.members.get(id)
    if (member === undefined) return joined(undefined)
    member.heardMs = this.time.nowMs()
    member.joining = joined
    this.rebalance()
  }

  heartbeat(id: string, generation: number): "accepted" | "rebalancing" | "unknown" {
    const member = this.members.get(id)
    if (member === undefined) return "unknown"
    member.heardMs = this.time.nowMs()
    return this.rebalancing || generation !== this.generation ? "rebalancing" : "accepted"
  }

  /** While a rebalance begins, members still commit what they hold; when the next generation is there, no longer. */
  mayCommit(id: string, generation: number): boolean {
    return this.members.has(id) && generation === this.generation
  }

  /** Leaves, or is evicted. */
  remove(id: string): void {
    const member = this.members.get(id)
    if (!this.members.delete(id)) return
    member?.joining?.(undefined)
    this.rebalance()
  }

  rebalance(): void {
    this.rebalancing = true
    this.complete()
  }

  private complete(): void {
    const members = [...this.members.values()]
    if (members.length === 0 || !this.rebalancing || this.time.nowMs() < this.notBeforeMs) return
    if (members.some(({ joining }) => joining === undefined)) return
    this.rebalancing = false
    this.generation += 1
    const partitions = Array.from({ length: this.partitions() }, (_, partition) => partition)
    for (const [index, member] of members.entries()) {
      const { joining } = member
      member.joining = undefined
      member.heardMs = this.time.nowMs()
      joining?.({
        generation: this.generation,
        partitions: partitions.filter((partition) => partition % members.length === index)
      })
    }
  }

  /** Ends the member's session when it is not heard of. Who waits for the others is not to blame for the silence. */
  private watch(id: string): void {
    const member = this.members.get(id)
    if (member === undefined) return
    const leftMs = member.heardMs + this.options.sessionTimeoutMs - this.time.nowMs()
    if (leftMs <= 0 && member.joining === undefined) return this.remove(id)
    this.time.after(leftMs > 0 ? leftMs : this.options.sessionTimeoutMs, () => this.watch(id))
  }
}

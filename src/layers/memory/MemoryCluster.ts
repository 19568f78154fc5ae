import * as Context from "effect/Context"
import type { OffsetsOfGroup } from "./MemoryTransactionLog.js"
import { type Fate, prompt } from "./Fate.js"
import { type GroupOptions, MemoryGroup } from "./MemoryGroup.js"
import { MemoryLog } from "./MemoryLog.js"
import { MemoryTransactionLog } from "./MemoryTransactionLog.js"
import type { ServerTime } from "./ServerTime.js"

export interface MemoryClusterOptions extends GroupOptions {
  /** Offsets per fetch and partition, at most. */
  readonly fetchRecords: number
  /** A fetch that waits at the end of the log is answered so long after something is appended. */
  readonly pollIntervalMs: number
  readonly heartbeatIntervalMs: number
  readonly transactionTimeoutMsMax: number
}

export interface MemoryTopic {
  id: string
  readonly logs: Array<MemoryLog>
}

/** A member as the test sees it: a network that can be cut. */
export interface MemberConnection {
  cut: boolean
  readonly evict: () => void
}

/**
 * A Kafka cluster in memory: logs, committed offsets, groups and transactions. It lives in `time`, so that sessions and
 * transactions end whatever becomes of the clients. For tests and simulation.
 */
export class MemoryCluster {
  readonly topics = new Map<string, MemoryTopic>()
  /** By `committedKey`. */
  readonly committed = new Map<string, bigint>()
  readonly transactions: MemoryTransactionLog
  /** Every membership so far, in the order in which they began. */
  readonly members: Array<MemberConnection> = []
  /** What becomes of each commit of a group's offsets. */
  commitFate: (commit: OffsetsOfGroup) => Fate = () => prompt
  /** What becomes of each send. */
  sendFate: (send: { readonly topic: string; readonly records: number }) => Fate = () => prompt
  readonly options: MemoryClusterOptions
  readonly time: ServerTime
  private readonly groups = new Map<string, { readonly topic: string; readonly group: MemoryGroup }>()
  private readonly watchers = new Map<string, Set<() => void>>()
  private lives = 0

  constructor(options: MemoryClusterOptions, time: ServerTime) {
    this.options = options
    this.time = time
    this.transactions = new MemoryTransactionLog(time, {
      appended: (topic) => this.appended(topic),
      commitOffsets: (offsets) => this.commitOffsets(offsets)
    })
  }

  createTopic(name: string, partitions: number): void {
    const logs = Array.from({ length: partitions }, () => new MemoryLog())
    this.topics.set(name, { id: `life-${this.lives++}`, logs })
    this.rebalance(name)
  }

  addPartition(name: string): void {
    this.topics.get(name)?.logs.push(new MemoryLog())
    this.rebalance(name)
  }

  log(topic: string, partition: number): MemoryLog {
    return this.topics.get(topic)?.logs[partition] ?? new MemoryLog()
  }

  append(topic: string, partition: number, value: Uint8Array | null, key: Uint8Array | null = null): bigint {
    const offset = this.log(topic, partition).append({ timestampMs: this.time.nowMs(), key, value, headers: [] })
    this.appended(topic)
    return offset
  }

  /** An offset that readers never see. */
  appendInvisible(topic: string, partition: number): void {
    this.log(topic, partition).appendHidden()
    this.appended(topic)
  }

  /** Tells those who wait at the end of a log of the topic that there may be more. */
  appended(topic: string): void {
    for (const wake of this.watchers.get(topic) ?? []) wake()
  }

  /** Calls back whenever the logs of the topic have changed. Answers how to stop. */
  watch(topic: string, wake: () => void): () => void {
    const watchers = this.watchers.get(topic) ?? new Set()
    this.watchers.set(topic, watchers.add(wake))
    return () => {
      watchers.delete(wake)
    }
  }

  /** Retention: everything below `low` is gone. */
  trim(topic: string, partition: number, low: bigint): void {
    this.log(topic, partition).trim(low)
  }

  group(group: string, topic: string): MemoryGroup {
    const key = `${group}/${topic}`
    const known = this.groups.get(key)
    if (known !== undefined) return known.group
    const made = new MemoryGroup(this.options, this.time, () => this.topics.get(topic)?.logs.length ?? 0)
    this.groups.set(key, { topic, group: made })
    return made
  }

  commitOffsets({ group, offsets, topic }: OffsetsOfGroup): void {
    for (const { offset, partition } of offsets) this.committed.set(committedKey(group, topic, partition), offset)
  }

  /**
   * Cuts the network between the cluster and the member, and ends its session at once: others get its partitions while
   * it goes on with what it has and knows nothing. `index`: of the memberships so far.
   */
  cutOff(index: number): void {
    const member = this.members[index]
    if (member === undefined) return
    member.cut = true
    member.evict()
  }

  /** Those that were cut off learn at their next heartbeat that they are no members, and join again. */
  reconnect(): void {
    for (const member of this.members) member.cut = false
  }

  private rebalance(topic: string): void {
    for (const known of this.groups.values()) {
      if (known.topic === topic) known.group.rebalance()
    }
  }
}

export const committedKey = (group: string, topic: string, partition: number): string =>
  `${group}/${topic}-${partition}`

/** The state behind the layers, for tests: what the logs hold, and which faults happen. */
export class MemoryKafka extends Context.Tag("tributary/MemoryKafka")<MemoryKafka, MemoryCluster>() {}

import * as Context from "effect/Context"
import type { OffsetsOfGroup } from "./MemoryTransactionLog.js"
import { type Fate, prompt } from "./Fate.js"
import { MemoryBrokers } from "./MemoryBrokers.js"
import { type GroupCounts, type GroupOptions, MemoryGroup } from "./MemoryGroup.js"
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
  /** Their number. A partition is led by the one that its own number comes to, a group coordinated by the first. */
  readonly brokers: number
}

export interface MemoryTopic {
  id: string
  readonly logs: Array<MemoryLog>
}

/** A life of a topic that was deleted. */
export interface PastTopic extends MemoryTopic {
  readonly name: string
}

/** A member as the test sees it. */
export interface MemberConnection {
  /** Its network is cut; its session ends as that of any other silent one, or with `evict`. */
  cut: boolean
  /** As LeaveGroup: by itself, or by another process that knows it to be dead (protocol §9). */
  readonly evict: () => void
  /**
   * Its client library fails at the next heartbeat and starts anew, as another member: what it held is lost to it. Where
   * the coordinator cannot hear that the old one leaves, it lingers until its session ends.
   */
  readonly crash: () => void
  /** The topic was deleted: whoever is fetching from it learns that. */
  readonly topicGone: (topic: string) => void
}

/** A request to the coordinator that is no commit. */
export interface GroupRequest {
  readonly api: "JoinGroup" | "SyncGroup" | "Heartbeat"
  readonly group: string
  /** Of `MemoryCluster.members`. */
  readonly member: number
}

export interface FetchRequest {
  readonly topic: string
  readonly partition: number
  readonly position: bigint
  readonly member: number
}

export interface AdminRequest {
  readonly api: "describeTopic" | "logRanges" | "committedOffsets"
  readonly topic: string
}

/**
 * What goes wrong between the port and the program, although no adapter should let it: the program is to be safe all the
 * same, because only the chain of offsets is promised.
 *
 * - `repeat`: the batch comes twice
 * - `stale`: before it comes again what came last of this partition: from before a seek, or of an older generation
 * - `skip`: it does not come at all, and the next one does; only then it is noticed, so that something has to follow
 */
export type Slip = "repeat" | "stale" | "skip"

/** What has happened so far, so that a scenario can show that it has tested something. */
export interface ClusterCounts extends GroupCounts {
  /** Requests of members, fetches and questions without an answer. */
  unanswered: number
  /** Partitions that were due to be fetched while their leader was away. */
  stalls: number
  /** Answers to fetches that came after a seek, a pause or another assignment, and were dropped. */
  staleDropped: number
  /** Positions that the log did not hold. */
  outOfRange: number
  /** Members that joined again because a leader had changed or a topic was gone. */
  rejoins: number
  repeat: number
  stale: number
  skip: number
}

/**
 * A Kafka cluster in memory: logs, committed offsets, groups and transactions. It lives in `time`, so that sessions and
 * transactions end whatever becomes of the clients. For tests and simulation.
 *
 * Faults are switched on by setting one of the functions `…Fate`, `slip` or `assignOrder` and off by setting it back; by
 * `brokers`; by what can be done to `members`; and by what happens to logs (`trim`, `deleteTopic`, `addPartition`,
 * `appendInvisible`, `unreadableAt` of a log, `transactions` that nobody ends). `counts` tells what has come of it.
 */
export class MemoryCluster {
  readonly topics = new Map<string, MemoryTopic>()
  /** In the order in which they ended. */
  readonly past: Array<PastTopic> = []
  /** By `committedKey`. */
  readonly committed = new Map<string, bigint>()
  readonly transactions: MemoryTransactionLog
  /** Every membership so far, in the order in which they began. */
  readonly members: Array<MemberConnection> = []
  /** What becomes of each commit of a group's offsets. */
  commitFate: (commit: OffsetsOfGroup) => Fate = () => prompt
  /** What becomes of each send. */
  sendFate: (send: { readonly topic: string; readonly records: number }) => Fate = () => prompt
  /** What becomes of what a member asks its coordinator: late, lost, or done without an answer. */
  groupFate: (request: GroupRequest) => Fate = () => prompt
  /**
   * What becomes of each fetch. An answer that is told later than it was made (`stale` of Fate.js) tells of the log as it
   * was, and is dropped by the client where the partition was sought, paused or lost meanwhile.
   */
  fetchFate: (request: FetchRequest) => Fate = () => prompt
  /** What becomes of each question of `Admin`: slow, unavailable, or answered with what was true before. */
  adminFate: (request: AdminRequest) => Fate = () => prompt
  /** Which batches come to the program otherwise than they should. */
  slip: (request: FetchRequest) => Slip | undefined = () => undefined
  /** In which order the leader of a group gives partitions to its members; another one for each generation moves them. */
  assignOrder: (members: ReadonlyArray<string>) => ReadonlyArray<string> = (members) => members
  readonly brokers: MemoryBrokers
  readonly counts: ClusterCounts = {
    rebalances: 0,
    sessionsExpired: 0,
    joinsMissed: 0,
    syncsMissed: 0,
    unanswered: 0,
    stalls: 0,
    staleDropped: 0,
    outOfRange: 0,
    rejoins: 0,
    repeat: 0,
    stale: 0,
    skip: 0
  }
  readonly options: MemoryClusterOptions
  readonly time: ServerTime
  private readonly groups = new Map<
    string,
    { readonly name: string; readonly topic: string; readonly group: MemoryGroup }
  >()
  private readonly watchers = new Map<string, Set<() => void>>()
  private lives = 0

  constructor(options: MemoryClusterOptions, time: ServerTime) {
    this.options = options
    this.time = time
    this.brokers = new MemoryBrokers(options.brokers, {
      changed: () => {
        for (const topic of this.watchers.keys()) this.appended(topic)
      },
      coordinator: (is, coordinates) => {
        for (const { group, name } of this.groups.values()) {
          if (!coordinates(name)) continue
          if (is === "away") group.disconnect()
          else group.renewSessions()
        }
      }
    })
    this.transactions = new MemoryTransactionLog(time, {
      appended: (topic) => this.appended(topic),
      commitOffsets: (offsets) => this.commitOffsets(offsets)
    })
  }

  createTopic(name: string, partitions: number): void {
    const logs = Array.from({ length: partitions }, () => new MemoryLog())
    this.topics.set(name, { id: `life-${this.lives++}`, logs })
    for (const { group, topic } of this.groups.values()) {
      // The leader of a group that has not missed the topic sees as many partitions as before, and nothing to do.
      const known = [...group.assigned.values()].reduce((sum, its) => sum + its.length, 0)
      if (topic === name && known !== partitions) group.rebalance()
    }
  }

  /**
   * Its partitions and what groups have committed of them are gone until it is created again, as another life. Members
   * that are fetching from it join again; those that have paused everything notice nothing, and go on in the new log.
   */
  deleteTopic(name: string): void {
    const topic = this.topics.get(name)
    if (topic === undefined) return
    this.topics.delete(name)
    this.past.push({ ...topic, name })
    for (const key of this.committed.keys()) {
      if (topic.logs.some((_, partition) => key.endsWith(`/${name}-${partition}`))) this.committed.delete(key)
    }
    for (const member of this.members) member.topicGone(name)
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

  group(name: string, topic: string): MemoryGroup {
    const key = `${name}/${topic}`
    const known = this.groups.get(key)
    if (known !== undefined) return known.group
    const isUp = () => this.brokers.isUp(this.brokers.coordinatorOf(name))
    const made = new MemoryGroup(this.options, this.time, this.counts, isUp)
    this.groups.set(key, { name, topic, group: made })
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

import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { Admin, TopicMissing } from "../Admin.js"
import { Consumer, GroupEvent, type JoinOptions, type KafkaRefused, type Membership } from "../Consumer.js"
import { Producer } from "../Producer.js"

/** What an offset of a log holds: a record, or something that only moves the position (control, aborted, compacted). */
type Entry = KafkaRecord | "invisible"

interface Log {
  /** First offset of a batch that nobody can read. */
  unreadableAt: bigint | undefined
  low: bigint
  lastStable: bigint | undefined
  entries: Array<Entry>
}

interface Topic {
  id: string
  readonly logs: Array<Log>
}

interface Member {
  readonly id: number
  readonly group: string
  readonly options: JoinOptions
  readonly events: Mailbox.Mailbox<GroupEvent, KafkaRefused>
  generation: number
  assigned: ReadonlyArray<number>
  readonly positions: Map<number, bigint>
  readonly fetching: Set<number>
  /** Evicted by the coordinator without knowing it: a zombie that goes on with what it had. */
  frozen: boolean
}

const emptyLog = (): Log => ({ unreadableAt: undefined, low: 0n, lastStable: undefined, entries: [] })
const endOf = (log: Log): bigint => log.low + BigInt(log.entries.length)
const stableOf = (log: Log): bigint => log.lastStable ?? endOf(log)

/** A Kafka cluster in memory: partitioned logs and a group coordinator with the eager protocol. For tests and simulation. */
export class MemoryCluster {
  readonly topics = new Map<string, Topic>()
  readonly committed = new Map<string, bigint>()
  private members: Array<Member> = []
  private nextMember = 0
  private generations = 0
  private lives = 0

  readonly fetchRecords: number
  readonly pollIntervalMs: number

  constructor(fetchRecords: number, pollIntervalMs: number) {
    this.fetchRecords = fetchRecords
    this.pollIntervalMs = pollIntervalMs
  }

  createTopic(name: string, partitions: number): void {
    this.topics.set(name, { id: `life-${this.lives++}`, logs: Array.from({ length: partitions }, emptyLog) })
    this.rebalance(name)
  }

  addPartition(name: string): void {
    this.topics.get(name)?.logs.push(emptyLog())
    this.rebalance(name)
  }

  log(topic: string, partition: number): Log {
    return this.topics.get(topic)?.logs[partition] ?? emptyLog()
  }

  append(topic: string, partition: number, value: Uint8Array | null, key: Uint8Array | null = null): bigint {
    const log = this.log(topic, partition)
    const offset = endOf(log)
    log.entries.push({ offset, timestampMs: 0, key, value, headers: [] })
    return offset
  }

  /** An offset that readers never see: a transaction marker or an aborted record. */
  appendInvisible(topic: string, partition: number): void {
    this.log(topic, partition).entries.push("invisible")
  }

  /** Retention: everything below `low` is gone. */
  trim(topic: string, partition: number, low: bigint): void {
    const log = this.log(topic, partition)
    log.entries = log.entries.slice(Number(low - log.low))
    log.low = low
  }

  /** The member's session ends on the coordinator's side only: others get its partitions while it goes on writing. */
  freeze(memberIndex: number): void {
    const member = this.members[memberIndex]
    if (member === undefined) return
    member.frozen = true
    this.rebalance(member.options.topic)
  }

  /** The frozen member learns that it was evicted and joins again. */
  thaw(): void {
    for (const member of this.members) {
      if (!member.frozen) continue
      member.frozen = false
      this.rebalance(member.options.topic)
    }
  }

  join(options: JoinOptions, events: Member["events"]): Member {
    const member: Member = {
      id: this.nextMember++,
      group: options.group,
      options,
      events,
      generation: 0,
      assigned: [],
      positions: new Map(),
      fetching: new Set(),
      frozen: false
    }
    this.members.push(member)
    this.rebalance(options.topic)
    return member
  }

  leave(member: Member): void {
    this.members = this.members.filter((other) => other !== member)
    this.rebalance(member.options.topic)
  }

  isMember(member: Member): boolean {
    return this.members.includes(member) && !member.frozen
  }

  private rebalance(topic: string): void {
    const partitions = this.topics.get(topic)?.logs.length ?? 0
    const live = this.members.filter((member) => member.options.topic === topic && !member.frozen)
    for (const group of new Set(live.map((member) => member.group))) {
      const generation = ++this.generations
      const inGroup = live.filter((member) => member.group === group)
      inGroup.forEach((member, index) => {
        member.generation = generation
        member.assigned = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) =>
          partition % inGroup.length === index
        )
        member.positions.clear()
        member.fetching.clear()
        member.events.unsafeOffer(GroupEvent.Assigned({ generation, partitions: member.assigned }))
      })
    }
  }

  /** One fetch of one partition, handed to the member; false when there is nothing to hand over. */
  deliver(member: Member, partition: number): boolean {
    const sought = member.positions.get(partition)
    if (sought === undefined || !member.fetching.has(partition)) return false
    const { topic } = member.options
    const log = this.log(topic, partition)
    // As the real client: a position that the log does not hold is reset silently to the earliest record.
    const from = sought < log.low || sought > endOf(log) ? log.low : sought
    const start = Number(from - log.low)
    const readable = log.unreadableAt === undefined || log.unreadableAt > stableOf(log)
      ? stableOf(log)
      : log.unreadableAt
    const visible = log.entries.slice(start, Math.min(start + this.fetchRecords, Number(readable - log.low)))
    const unreadable = log.unreadableAt === from + BigInt(visible.length) ? { unreadable: "the checksum is wrong" } : {}
    if (visible.length === 0 && log.unreadableAt !== from) return false
    const nextOffset = from + BigInt(visible.length)
    member.positions.set(partition, nextOffset)
    const answer = member.options.onBatch({
      topic,
      partition,
      generation: member.generation,
      fetchedOffset: from,
      nextOffset,
      records: visible.filter((entry) => entry !== "invisible"),
      bytes: 0,
      ...unreadable
    })
    if (answer === "pause" || log.unreadableAt === nextOffset) member.fetching.delete(partition)
    return true
  }
}

export class MemoryKafka extends Context.Tag("tributary/MemoryKafka")<MemoryKafka, MemoryCluster>() {}

const membershipOf = (cluster: MemoryCluster, member: Member): Membership => ({
  events: member.events,
  seek: (partition, offset) =>
    Effect.sync(() => {
      if (member.assigned.includes(partition)) member.positions.set(partition, offset)
    }),
  pause: (partition) => Effect.sync(() => member.fetching.delete(partition)),
  resume: (partition) =>
    Effect.sync(() => {
      if (member.assigned.includes(partition)) member.fetching.add(partition)
    }),
  confirmed: Effect.suspend(() => cluster.isMember(member) ? Effect.void : Effect.never).pipe(
    Effect.delay(cluster.pollIntervalMs)
  ),
  commit: (offsets) =>
    Effect.sync(() => {
      if (!cluster.isMember(member)) return
      for (const { offset, partition } of offsets) {
        cluster.committed.set(`${member.group}/${member.options.topic}-${partition}`, offset)
      }
    })
})

const fetchLoop = (cluster: MemoryCluster, member: Member): Effect.Effect<never> =>
  Effect.gen(function*() {
    const delivered = member.assigned.map((partition) => cluster.deliver(member, partition))
    yield* delivered.includes(true) ? Effect.yieldNow() : Effect.sleep(cluster.pollIntervalMs)
  }).pipe(Effect.forever)

const consumer = (cluster: MemoryCluster) =>
  Consumer.of({
    join: (options) =>
      Effect.gen(function*() {
        const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
        const member = yield* Effect.acquireRelease(
          Effect.sync(() => cluster.join(options, events)),
          (joined) => Effect.sync(() => cluster.leave(joined))
        )
        yield* Effect.forkScoped(fetchLoop(cluster, member))
        return membershipOf(cluster, member)
      })
  })

const admin = (cluster: MemoryCluster) => {
  const topicOf = (topic: string) =>
    Effect.suspend(() => {
      const found = cluster.topics.get(topic)
      return found === undefined ? Effect.fail(new TopicMissing({ topic })) : Effect.succeed(found)
    })
  return Admin.of({
    describeTopic: (topic) =>
      Effect.map(topicOf(topic), ({ id, logs }) => ({
        topic,
        clusterId: "memory",
        topicId: id,
        partitions: logs.map((_, partition) => partition)
      })),
    logRanges: (topic) =>
      Effect.map(
        topicOf(topic),
        ({ logs }) =>
          logs.map((log, partition) => ({ partition, low: log.low, lastStable: stableOf(log), end: endOf(log) }))
      ),
    committedOffsets: (group, topic) =>
      Effect.sync(() => {
        const prefix = `${group}/${topic}-`
        return new Map(
          [...cluster.committed].filter(([key]) => key.startsWith(prefix)).map(([key, offset]) =>
            [Number(key.slice(prefix.length)), offset] as const
          )
        )
      }),
    createTopic: ({ partitions, topic }) =>
      Effect.sync(() => {
        if (cluster.topics.has(topic)) return "exists"
        cluster.createTopic(topic, partitions)
        return "created"
      })
  })
}

const producer = (cluster: MemoryCluster) =>
  Producer.of({
    send: (topic, records) =>
      Effect.sync(() => {
        return records.map(({ key, partition = 0, value }) => ({
          partition,
          baseOffset: cluster.append(topic, partition, value, key),
          count: 1
        }))
      })
  })

/** All of Kafka in memory; `fetchRecords` is the size of a fetch, `pollIntervalMs` the wait at the end of the log. */
export const layerMemory = (
  options: { readonly fetchRecords: number; readonly pollIntervalMs: number }
): Layer.Layer<Consumer | Admin | Producer | MemoryKafka> =>
  Layer.unwrapEffect(Effect.sync(() => {
    const cluster = new MemoryCluster(options.fetchRecords, options.pollIntervalMs)
    return Layer.mergeAll(
      Layer.succeed(MemoryKafka, cluster),
      Layer.succeed(Consumer, consumer(cluster)),
      Layer.succeed(Admin, admin(cluster)),
      Layer.succeed(Producer, producer(cluster))
    )
  }))

import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type CommittedOffset, type GroupDescription, type GroupMember, Groups } from "../Groups.js"
import { RecordTimes } from "../RecordTimes.js"
import { type MemoryCluster, MemoryKafka } from "./MemoryCluster.js"

/** Groups and record times of the cluster in memory. */
export const layerMemory: Layer.Layer<Groups | RecordTimes, never, MemoryKafka> = Layer.unwrapEffect(
  Effect.map(MemoryKafka, (cluster) => Layer.merge(Layer.succeed(Groups, groups(cluster)), recordTimes(cluster)))
)

const groups = (cluster: MemoryCluster) =>
  Groups.of({
    list: Effect.sync(() => ({
      groups: [...new Set(commits(cluster).map(({ group }) => group))].toSorted(),
      failures: []
    })),
    describe: (wanted) =>
      Effect.sync(() => new Map(wanted.map((group) => [group, Either.right(describe(cluster, group))])))
  })

interface Commit extends CommittedOffset {
  readonly group: string
}

/** Out of the keys of `MemoryCluster.committed`. */
const commits = (cluster: MemoryCluster): ReadonlyArray<Commit> =>
  [...cluster.committed].map(([key, offset]) => {
    const [slash, dash] = [key.lastIndexOf("/"), key.lastIndexOf("-")]
    return {
      group: key.slice(0, slash),
      topic: key.slice(slash + 1, dash),
      partition: Number(key.slice(dash + 1)),
      offset
    }
  })

const describe = (cluster: MemoryCluster, group: string): GroupDescription => {
  const committed = commits(cluster).filter((one) => one.group === group)
  const members = [...cluster.topics.keys()].flatMap((topic) => membersOf(cluster, group, topic))
  const state = members.length > 0 ? "Stable" : committed.length > 0 ? "Empty" : "Dead"
  return { group, state, members, committed }
}

/** As the coordinator in memory knows them. */
const membersOf = (cluster: MemoryCluster, group: string, topic: string): ReadonlyArray<GroupMember> =>
  Array.from(cluster.group(group, topic).assigned, ([memberId, partitions]) => ({
    memberId,
    clientId: memberId,
    host: "memory",
    assignment: new Map([[topic, partitions]])
  }))

const recordTimes = (cluster: MemoryCluster) =>
  Layer.succeed(RecordTimes, {
    next: ({ isolation, offsets, topic }) =>
      Effect.sync(() =>
        new Map([...offsets].flatMap(([partition, offset]) => {
          const next = cluster.log(topic, partition).records(isolation).find((record) => record.offset >= offset)
          return next === undefined ? [] : [[partition, next.timestampMs] as const]
        }))
      )
  })

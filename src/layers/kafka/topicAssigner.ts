import type * as KafkaJs from "kafkajs"
import type { Broker, Cluster } from "./internals.js"
import { kafkajs } from "./library.js"
import { fetchMetadata } from "./metadata.js"

interface Subscription {
  readonly memberId: string
  readonly topics: ReadonlyArray<string>
}

/**
 * The partitions of each topic in turn to those members that have subscribed to it. A member without any is left out.
 */
export const assignByTopic = (
  subscriptions: ReadonlyArray<Subscription>,
  partitionsOf: ReadonlyMap<string, ReadonlyArray<number>>
): ReadonlyMap<string, KafkaJs.Assignment> => {
  const assigned = new Map<string, KafkaJs.Assignment>()
  for (const [topic, partitions] of partitionsOf) {
    const members = subscriptions.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId)
      .toSorted()
    for (const [index, memberId] of members.entries()) {
      const own = partitions.filter((_, nth) => nth % members.length === index)
      if (own.length > 0) assigned.set(memberId, { ...assigned.get(memberId), [topic]: own })
    }
  }
  return assigned
}

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

const subscriptionOf = ({ memberId, memberMetadata }: KafkaJs.GroupMember): Subscription => ({
  memberId,
  topics: MemberMetadata.decode(memberMetadata)?.topics ?? []
})

/**
 * kafkajs's round robin gives the topics of the leader to all members, whatever they have subscribed to, and nothing to
 * members of other topics. Here each topic of a group goes to its own members. Under the same name, because the two agree
 * where all members read the same topic, so that members of both can be in one group.
 */
export const topicAssigner = (
  own: Parameters<KafkaJs.PartitionAssigner>[0],
  cluster: Cluster
): KafkaJs.Assigner => {
  const sameTopics = kafkajs.PartitionAssigners.roundRobin(own)
  return {
    ...sameTopics,
    assign: async ({ members, topics }) => {
      const subscriptions = members.map(subscriptionOf)
      const all = [...new Set(subscriptions.flatMap((subscription) => subscription.topics))].toSorted()
      if (all.every((topic) => topics.includes(topic))) return sameTopics.assign({ members, topics })
      const broker = await coordinator(cluster, own.groupId)
      const partitionsOf = new Map<string, ReadonlyArray<number>>()
      for (const topic of all) partitionsOf.set(topic, await partitions(broker, topic))
      return Array.from(assignByTopic(subscriptions, partitionsOf), ([memberId, assignment]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: sameTopics.version,
          assignment,
          userData: Buffer.alloc(0)
        })
      }))
    }
  }
}

/** Any broker knows the topics; to this one there is a connection. */
const coordinator = async (cluster: Cluster, groupId: string): Promise<Broker> => {
  const found = await cluster.findGroupCoordinatorMetadata({ groupId, coordinatorType: 0 })
  return cluster.findBroker({ nodeId: found.coordinator.nodeId })
}

const unknownTopic = 3

/** None of a topic that is gone: its members must not keep those of the others from reading. */
const partitions = async (broker: Broker, topic: string): Promise<ReadonlyArray<number>> => {
  const { errorCode, partitions: found } = await fetchMetadata(broker, topic)
  if (errorCode !== 0 && errorCode !== unknownTopic) {
    throw new kafkajs.KafkaJSError(`topic ${topic} cannot be looked up (error ${errorCode})`, { retriable: true })
  }
  return found.map(({ partition }) => partition)
}

import * as Effect from "effect/Effect"
import { Admin, TopicMissing } from "../Admin.js"
import { committedKey, type MemoryCluster } from "./MemoryCluster.js"

export const makeAdmin = (cluster: MemoryCluster): Admin["Type"] => {
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
        ({ logs }) => logs.map(({ end, lastStable, low }, partition) => ({ partition, low, lastStable, end }))
      ),
    committedOffsets: (group, topic) =>
      Effect.sync(() => {
        const partitions = cluster.topics.get(topic)?.logs ?? []
        return new Map(partitions.flatMap((_, partition) => {
          const offset = cluster.committed.get(committedKey(group, topic, partition))
          return offset === undefined ? [] : [[partition, offset] as const]
        }))
      }),
    createTopic: ({ partitions, topic }) =>
      Effect.sync(() => {
        if (cluster.topics.has(topic)) return "exists"
        cluster.createTopic(topic, partitions)
        return "created"
      })
  })
}

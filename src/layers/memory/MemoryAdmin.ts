import * as Effect from "effect/Effect"
import { Admin, TopicMissing } from "../Admin.js"
import { KafkaUnavailable } from "../Consumer.js"
import { meet } from "./Fate.js"
import { type AdminRequest, committedKey, type MemoryCluster } from "./MemoryCluster.js"

export const makeAdmin = (cluster: MemoryCluster): Admin["Type"] => {
  const ask = <A, E>(api: AdminRequest["api"], topic: string, answer: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      const unavailable = () => {
        cluster.counts.unanswered += 1
        return new KafkaUnavailable({ what: `${api} of ${topic}`, cause: "no answer" })
      }
      if (!cluster.brokers.anyUp) return Effect.fail(unavailable())
      return meet(cluster.time, cluster.adminFate({ api, topic }), answer, unavailable)
    })
  const topicOf = (topic: string) =>
    Effect.suspend(() => {
      const found = cluster.topics.get(topic)
      return found === undefined ? Effect.fail(new TopicMissing({ topic })) : Effect.succeed(found)
    })
  return Admin.of({
    describeTopic: (topic) =>
      ask(
        "describeTopic",
        topic,
        Effect.map(topicOf(topic), ({ id, logs }) => ({
          topic,
          clusterId: "memory",
          topicId: id,
          partitions: logs.map((_, partition) => partition)
        }))
      ),
    logRanges: (topic) =>
      ask(
        "logRanges",
        topic,
        Effect.map(
          topicOf(topic),
          ({ logs }) => logs.map(({ end, lastStable, low }, partition) => ({ partition, low, lastStable, end }))
        )
      ),
    committedOffsets: (group, topic) =>
      ask(
        "committedOffsets",
        topic,
        Effect.sync(() => {
          const partitions = cluster.topics.get(topic)?.logs ?? []
          return new Map(partitions.flatMap((_, partition) => {
            const offset = cluster.committed.get(committedKey(group, topic, partition))
            return offset === undefined ? [] : [[partition, offset] as const]
          }))
        })
      ),
    createTopic: ({ partitions, topic }) =>
      Effect.sync(() => {
        if (cluster.topics.has(topic)) return "exists"
        cluster.createTopic(topic, partitions)
        return "created"
      })
  })
}

import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TopicMissing } from "../Admin.js"
import { KafkaRefused } from "../Consumer.js"
import { type TopicLayout, Topics } from "../Topics.js"
import { type MemoryCluster, MemoryKafka, type MemoryTopic } from "./MemoryCluster.js"

/** Over the cluster in memory, whose topics have no configuration and no replicas of their own. */
export const makeTopics = (cluster: MemoryCluster): Topics["Type"] => {
  const found = (topic: string) =>
    Effect.suspend(() => {
      const known = cluster.topics.get(topic)
      return known === undefined ? Effect.fail(new TopicMissing({ topic })) : Effect.succeed(known)
    })
  return Topics.of({
    list: Effect.sync(() => [...cluster.topics].map(([topic, known]) => layoutOf(cluster, topic, known))),
    describe: (topic) => Effect.map(found(topic), (known) => layoutOf(cluster, topic, known)),
    settings: (topic) => Effect.as(found(topic), []),
    create: ({ partitions, topic }) =>
      Effect.sync(() => {
        if (cluster.topics.has(topic)) return "exists"
        cluster.createTopic(topic, partitions)
        return "created"
      }),
    addPartitions: (topic, to) =>
      Effect.flatMap(found(topic), ({ logs }) => {
        if (to <= logs.length) {
          const what = `topic ${topic} has ${logs.length} partitions already`
          return new KafkaRefused({ what, cure: "name a higher number: partitions can only be added" })
        }
        return Effect.sync(() => {
          while (logs.length < to) cluster.addPartition(topic)
        })
      })
  })
}

export const layerMemory: Layer.Layer<Topics, never, MemoryKafka> = Layer.effect(
  Topics,
  Effect.map(MemoryKafka, makeTopics)
)

const layoutOf = ({ brokers }: MemoryCluster, topic: string, { id, logs }: MemoryTopic): TopicLayout => ({
  topic,
  topicId: id,
  internal: false,
  partitions: logs.map((_, partition) => {
    const leader = brokers.leaderOf(topic, partition)
    return { partition, leader, replicas: [leader], inSync: [leader] }
  })
})

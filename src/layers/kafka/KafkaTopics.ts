import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TopicMissing } from "../Admin.js"
import { KafkaRefused } from "../Consumer.js"
import { type TopicLayout, Topics } from "../Topics.js"
import { makeBounded } from "./bounded.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, type KafkaError, unavailable } from "./errors.js"
import type { Broker } from "./internals.js"
import { errorOfCode } from "./library.js"
import {
  type ClusterMetadata,
  type ClusterNodes,
  fetchAllMetadata,
  fetchMetadata,
  type TopicMetadata
} from "./metadata.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { addPartitionsOn, createTopicOn, settingsOn, type TopicAnswer } from "./topicRequests.js"
import { unsupportedVersion } from "./versions.js"

const codes = { topicMissing: 3, topicExists: 36 } as const

/** Real brokers. Every request answers or fails within five seconds. */
export const layer = (options: KafkaClientOptions): Layer.Layer<Topics> =>
  Layer.scoped(Topics, Effect.map(makeNodes(options), (nodes) => make(options, nodes)))

const make = (options: KafkaClientOptions, nodes: Nodes) => {
  const { brokers } = options
  const bounded = makeBounded(options, nodes)
  const asked = <A>(doing: string, ask: (broker: Broker) => Promise<A>) =>
    Effect.gen(function*() {
      const broker = yield* nodes.any
      const unsupported = unsupportedVersion(broker)
      if (unsupported !== undefined) return yield* unsupported
      return yield* nodes.request(doing, () => ask(broker))
    })
  const metadataOf = (topic: string) => asked(`describe topic ${topic}`, (broker) => fetchMetadata(broker, topic))
  const found = (topic: string) => Effect.flatMap(metadataOf(topic), (metadata) => existing(options, topic, metadata))
  const atController = <A>(cluster: ClusterNodes, doing: string, ask: (broker: Broker) => Promise<A>) =>
    Effect.gen(function*() {
      const node = cluster.nodes.get(cluster.controllerId)
      if (node === undefined) return yield* unavailable(brokers, new Error("the cluster has no controller now"))
      const broker = yield* nodes.at(node.host, node.port)
      return yield* nodes.request(doing, () => ask(broker))
    })
  const done = (doing: string, answer: TopicAnswer) =>
    answer.errorCode === 0 ? Effect.void : Effect.fail(refusal(options, doing, answer))

  return Topics.of({
    list: bounded(asked("list the topics", fetchAllMetadata)).pipe(
      Effect.map(({ topics }) =>
        topics.filter(({ errorCode }) => errorCode !== codes.topicMissing).map(layoutOf)
          .toSorted((a, b) => a.topic < b.topic ? -1 : 1)
      ),
      Effect.withSpan("KafkaTopics.list")
    ),
    describe: Effect.fn("KafkaTopics.describe")(function*(topic) {
      return layoutOf(yield* bounded(found(topic)))
    }),
    settings: Effect.fn("KafkaTopics.settings")(function*(topic) {
      yield* bounded(found(topic))
      const doing = `describe the configuration of topic ${topic}`
      const { settings, ...answer } = yield* bounded(asked(doing, (broker) => settingsOn(broker, topic)))
      yield* done(doing, answer)
      return settings
    }),
    create: Effect.fn("KafkaTopics.create")(function*(topic) {
      const doing = `create topic ${topic.topic}`
      const cluster = yield* bounded(metadataOf(topic.topic))
      if (cluster.errorCode === 0) return "exists"
      const answer = yield* bounded(atController(cluster, doing, (broker) => createTopicOn(broker, topic)))
      if (answer.errorCode === codes.topicExists) return "exists"
      yield* done(doing, answer)
      return "created"
    }),
    addPartitions: Effect.fn("KafkaTopics.addPartitions")(function*(topic, to) {
      const doing = `add partitions to topic ${topic}`
      const cluster = yield* bounded(found(topic))
      yield* done(doing, yield* bounded(atController(cluster, doing, (broker) => addPartitionsOn(broker, topic, to))))
    })
  })
}

const existing = (
  { brokers }: KafkaClientOptions,
  topic: string,
  metadata: ClusterMetadata
): Effect.Effect<ClusterMetadata, TopicMissing | KafkaError> =>
  metadata.errorCode === 0
    ? Effect.succeed(metadata)
    : metadata.errorCode === codes.topicMissing
    ? new TopicMissing({ topic })
    : Effect.fail(classify(brokers, `describe topic ${topic}`, errorOfCode(metadata.errorCode)))

const layoutOf = ({ internal, partitions, topic, topicId }: TopicMetadata): TopicLayout => ({
  topic,
  topicId,
  internal,
  partitions: partitions.map(({ inSync, leader, partition, replicas }) => ({
    partition,
    leader: leader < 0 ? undefined : leader,
    replicas,
    inSync
  }))
})

/** What may pass is retried by who asks; else the broker's own words say more than the name of its error. */
const refusal = ({ brokers }: KafkaClientOptions, doing: string, { errorCode, reason }: TopicAnswer): KafkaError => {
  const error = classify(brokers, doing, errorOfCode(errorCode))
  return error._tag === "KafkaUnavailable"
    ? error
    : new KafkaRefused({ what: `cannot ${doing}: ${reason}`, cure: error.cure, cause: error.cause })
}

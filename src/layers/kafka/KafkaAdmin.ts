import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Admin, TopicMissing } from "../Admin.js"
import { makeBounded } from "./bounded.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, type KafkaError, typeOf, unavailable } from "./errors.js"
import type { Broker } from "./internals.js"
import { errorOfCode } from "./library.js"
import { type ClusterMetadata, fetchMetadata } from "./metadata.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { rangesAt } from "./ranges.js"
import { unsupportedVersion } from "./versions.js"

/** How long the controller may take to create a topic on all brokers. */
const createTimeoutMs = 4000
const topicMissingCode = 3

/** Real brokers. Every request answers or fails within five seconds. */
export const layer = (options: KafkaClientOptions): Layer.Layer<Admin> => Layer.scoped(Admin, make(options))

const make = (options: KafkaClientOptions) =>
  Effect.gen(function*() {
    const nodes = yield* makeNodes(options)
    const bounded = makeBounded(options, nodes)

    const metadataOf = (topic: string) =>
      Effect.gen(function*() {
        const broker = yield* nodes.any
        const unsupported = unsupportedVersion(broker)
        if (unsupported !== undefined) return yield* unsupported
        return yield* nodes.request(`describe topic ${topic}`, () => fetchMetadata(broker, topic))
      })
    const topicOf = (topic: string) =>
      Effect.gen(function*() {
        const metadata = yield* metadataOf(topic)
        if (metadata.errorCode === topicMissingCode) return yield* new TopicMissing({ topic })
        if (metadata.errorCode === 0) return metadata
        return yield* classify(options.brokers, `describe topic ${topic}`, errorOfCode(metadata.errorCode))
      })

    return Admin.of({
      describeTopic: Effect.fn("KafkaAdmin.describeTopic")(function*(topic) {
        const { clusterId, partitions, topicId } = yield* bounded(topicOf(topic))
        return {
          topic,
          clusterId,
          topicId,
          partitions: partitions.map(({ partition }) => partition)
        }
      }),
      logRanges: Effect.fn("KafkaAdmin.logRanges")(function*(topic) {
        const ranges = Effect.flatMap(topicOf(topic), (metadata) =>
          Effect.forEach(
            byLeader(metadata),
            ([leader, partitions]) =>
              Effect.flatMap(
                nodeOf(nodes, options, metadata, leader),
                (broker) => nodes.request(`list offsets of ${topic}`, () => rangesAt(broker, topic, partitions))
              ),
            { concurrency: "unbounded" }
          ))
        return (yield* bounded(ranges)).flat().toSorted((a, b) => a.partition - b.partition)
      }),
      committedOffsets: Effect.fn("KafkaAdmin.committedOffsets")(function*(group, topic) {
        return yield* bounded(committed(nodes, group, topic, metadataOf(topic)))
      }),
      createTopic: Effect.fn("KafkaAdmin.createTopic")(function*({ partitions, replicationFactor, topic }) {
        const request = {
          topics: [{ topic, numPartitions: partitions, replicationFactor: replicationFactor ?? -1 }],
          timeout: createTimeoutMs
        }
        const create = Effect.gen(function*() {
          const metadata = yield* metadataOf(topic)
          if (metadata.errorCode === 0) return "exists" as const
          const controller = yield* nodeOf(nodes, options, metadata, metadata.controllerId)
          return yield* nodes.request(`create topic ${topic}`, () => createOn(controller, request))
        })
        const outcome = yield* bounded(create)
        // Brokers learn of a new topic one after the other; who created it wants to use it now.
        if (outcome === "created") {
          yield* bounded(Effect.catchTag(topicOf(topic), "TopicMissing", () => notYet(options, topic)))
        }
        return outcome
      })
    })
  })

/** Partitions by leader; -1 is a partition without one, which is asked for last and fails as what it is. */
const byLeader = ({ partitions }: ClusterMetadata): ReadonlyArray<readonly [number, ReadonlyArray<number>]> => {
  const leaders = new Map<number, Array<number>>()
  for (const { leader, partition } of partitions) leaders.set(leader, [...leaders.get(leader) ?? [], partition])
  return [...leaders]
}

const nodeOf = (nodes: Nodes, { brokers }: KafkaClientOptions, metadata: ClusterMetadata, id: number) => {
  const node = metadata.nodes.get(id)
  return node === undefined
    ? Effect.fail(unavailable(brokers, new Error(id === -1 ? "a partition has no leader" : `broker ${id} is away`)))
    : nodes.at(node.host, node.port)
}

/**
 * Offset -1 stands for none. A group that does not exist has none. Stable offsets (KIP-447) are not asked for: whoever must
 * not read one that is pending opens its transactional id first, which the coordinator answers when the markers are
 * written (test/integration/kafka/settledOffsets.test.ts, on Kafka 4.1).
 */
const committed = (nodes: Nodes, group: string, topic: string, metadata: Effect.Effect<ClusterMetadata, KafkaError>) =>
  Effect.gen(function*() {
    const { partitions } = yield* metadata
    const coordinator = yield* nodes.coordinator(group)
    const topics = [{ topic, partitions: partitions.map(({ partition }) => ({ partition })) }]
    const { responses } = yield* nodes.request(
      `read the offsets of group ${group}`,
      () => coordinator.offsetFetch({ groupId: group, topics })
    )
    return new Map(
      responses.flatMap((response) =>
        response.partitions.map(({ offset, partition }) => [partition, BigInt(offset)] as const)
      )
        .filter(([, offset]) => offset >= 0n)
    )
  })

const createOn = async (
  controller: Broker,
  request: Parameters<Broker["createTopics"]>[0]
): Promise<"created" | "exists"> => {
  try {
    await controller.createTopics(request)
    return "created"
  } catch (error) {
    if (
      typeOf(error) === "TOPIC_ALREADY_EXISTS" || nested(error).some((each) => typeOf(each) === "TOPIC_ALREADY_EXISTS")
    ) {
      return "exists"
    }
    throw nested(error)[0] ?? error
  }
}

/** kafkajs collects the errors of several topics in one; here is one topic. */
const nested = (error: unknown): ReadonlyArray<unknown> =>
  typeof error === "object" && error !== null && "errors" in error && Array.isArray(error.errors) ? error.errors : []

const notYet = ({ brokers }: KafkaClientOptions, topic: string) =>
  unavailable(brokers, new Error(`topic ${topic} is not known to every broker yet`))

import * as Effect from "effect/Effect"
import { TopicMissing } from "../Admin.js"
import { type Isolation, KafkaRefused } from "../Consumer.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, type KafkaError, unavailable } from "./errors.js"
import type { PartitionResponse } from "./fetchResponse.js"
import { isolationLevels, sendFetch } from "./fetching.js"
import type { Broker } from "./internals.js"
import { errorOfCode } from "./library.js"
import { type ClusterMetadata, fetchMetadata } from "./metadata.js"
import type { Nodes } from "./nodes.js"

const topicMissing = 3

/** Where a topic's partitions are led now. Refused where there is no such topic; `cure` says what to do about it. */
export const leadersOf = (
  { brokers }: KafkaClientOptions,
  nodes: Nodes,
  topic: string,
  cure: string
): Effect.Effect<ClusterMetadata, KafkaError> =>
  Effect.gen(function*() {
    const any = yield* nodes.any
    const doing = `describe topic ${topic}`
    const metadata = yield* nodes.request(doing, () => fetchMetadata(any, topic))
    if (metadata.errorCode === 0) return metadata
    return yield* metadata.errorCode === topicMissing
      ? new KafkaRefused({ what: new TopicMissing({ topic }).message, cure })
      : classify(brokers, doing, errorOfCode(metadata.errorCode))
  })

/** The broker that leads the partition; it may come to have one, or be reached, later. */
export const leaderOf = (
  { brokers }: KafkaClientOptions,
  nodes: Nodes,
  { nodes: addresses, partitions, topic }: ClusterMetadata,
  partition: number
): Effect.Effect<Broker, KafkaError> => {
  const leader = partitions.find((one) => one.partition === partition)?.leader
  const node = leader === undefined ? undefined : addresses.get(leader)
  return node === undefined
    ? Effect.fail(unavailable(brokers, new Error(`${topic}-${partition} has no leader`)))
    : nodes.at(node.host, node.port)
}

/** What is read of one partition beside every group. */
export interface PartitionFetch {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly isolation: Isolation
  /** How long the leader waits where there is nothing yet. */
  readonly waitMs: number
  /** A batch that is longer comes as a whole all the same (KIP-74). */
  readonly maxBytes: number
}

/** Undefined where the answer lacks the partition. */
export const fetchPartition = async (
  leader: Broker,
  { isolation, maxBytes, offset, partition, topic, waitMs }: PartitionFetch
): Promise<PartitionResponse | undefined> => {
  const { partitions: [answer] } = await sendFetch(leader, {
    isolationLevel: isolationLevels[isolation],
    maxWaitTime: waitMs,
    minBytes: waitMs === 0 ? 0 : 1,
    maxBytes,
    rackId: "",
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }]
  })
  return answer
}

import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { TopicMissing } from "./Admin.js"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

/** A topic and where its partitions are. */
export interface TopicLayout {
  readonly topic: string
  /** UUID text of the topic's life; "" where the cluster cannot tell. */
  readonly topicId: string
  /** Kafka's own: the offsets of groups, the states of transactions. */
  readonly internal: boolean
  /** Ascending. */
  readonly partitions: ReadonlyArray<PartitionLayout>
}

export interface PartitionLayout {
  readonly partition: number
  /** Broker id; undefined: none, nobody can read or write. */
  readonly leader: number | undefined
  readonly replicas: ReadonlyArray<number>
  /** Replicas that have everything the leader has. */
  readonly inSync: ReadonlyArray<number>
}

/** One key of a topic's configuration. */
export interface TopicSetting {
  readonly name: string
  /** Null: hidden by the broker, or nothing. */
  readonly value: string | null
  /** Who has set it: the topic itself, its broker (by one of its own keys), or nobody. */
  readonly source: "topic" | "broker" | "default"
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** Undefined: the broker's default. */
  readonly replicationFactor: number | undefined
  readonly settings: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

type KafkaError = KafkaUnavailable | KafkaRefused

/** What a browser of topics does. Topics are never deleted by it. */
export class Topics extends Context.Tag("tributary/Topics")<Topics, {
  /** All topics that the user may see, by name. */
  readonly list: Effect.Effect<ReadonlyArray<TopicLayout>, KafkaError>
  readonly describe: (topic: string) => Effect.Effect<TopicLayout, TopicMissing | KafkaError>
  /** Every key, by name. */
  readonly settings: (topic: string) => Effect.Effect<ReadonlyArray<TopicSetting>, TopicMissing | KafkaError>
  /** What the cluster refuses it says: a replication factor above the brokers, an unknown key. */
  readonly create: (topic: NewTopic) => Effect.Effect<"created" | "exists", KafkaError>
  /** To this number of partitions, more than there are: Kafka never takes one away. No record is moved. */
  readonly addPartitions: (topic: string, to: number) => Effect.Effect<void, TopicMissing | KafkaError>
}>() {}

import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { LogRange } from "../domain/KafkaRecord.js"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

export class TopicMissing extends Data.TaggedError("TopicMissing")<{ readonly topic: string }> {
  override get message(): string {
    return `topic ${this.topic} does not exist`
  }
}

export interface TopicDescription {
  readonly topic: string
  readonly clusterId: string
  /** UUID text of the topic's life ("" where the broker cannot tell): deleted and created again, a topic has another. */
  readonly topicId: string
  /** Ascending. */
  readonly partitions: ReadonlyArray<number>
}

type KafkaError = KafkaUnavailable | KafkaRefused

export class Admin extends Context.Tag("tributary/Admin")<Admin, {
  readonly describeTopic: (topic: string) => Effect.Effect<TopicDescription, TopicMissing | KafkaError>
  /** One range per partition, ascending by partition. */
  readonly logRanges: (topic: string) => Effect.Effect<ReadonlyArray<LogRange>, TopicMissing | KafkaError>
  /** Offsets that the group has committed to Kafka; partitions without one are absent. */
  readonly committedOffsets: (
    group: string,
    topic: string
  ) => Effect.Effect<ReadonlyMap<number, bigint>, KafkaError>
  /** Does nothing where the topic exists. `replicationFactor` undefined: the broker's default. */
  readonly createTopic: (
    options: { readonly topic: string; readonly partitions: number; readonly replicationFactor?: number }
  ) => Effect.Effect<"created" | "exists", KafkaError>
}>() {}
